"""PyTorch's side of a workload: peer_torch.py SPEC.json THREADS MODE. Speaks as ours.lua does."""
import json
import re
import sys
import time

import torch

import torch_nets
import torch_workloads

with open(sys.argv[1]) as f:
    spec = json.load(f)
torch.set_num_threads(int(sys.argv[2]))
net = torch_nets.build(spec["net"], torch_nets.read_tensors(spec["weights"]))
tensors = torch_nets.read_tensors(spec["tensors"])
run, output = getattr(torch_workloads, spec["family"])(net, tensors, spec, sys.argv[3])


def timed(repeats):
    started = time.perf_counter()
    for _ in range(repeats):
        run()
    return "%.6f" % ((time.perf_counter() - started) * 1000 / repeats)


def memory():
    with open("/proc/self/status") as status:
        return "%.1f" % (int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1)) / 1024)


first_ms = timed(1)
first = output().detach().clone()
print("ready " + first_ms, flush=True)
for line in sys.stdin:
    what, _, argument = line.strip().partition(" ")
    if what == "run":
        print(timed(int(argument)), flush=True)
    elif what == "memory":
        print(memory(), flush=True)
    else:
        torch_nets.write_values(argument, first.contiguous().numpy().ravel())
        print("ok", flush=True)
