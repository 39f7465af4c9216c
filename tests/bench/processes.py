"""Times a program from its start to its end: processes.py COMMAND... Speaks as ours.lua does; the output is the
class that the program reports as JSON: {"class": {"index": N}}."""
import json
import os
import struct
import subprocess
import sys
import time

# No numpy nor torch here: a child's peak memory counts from what its parent held when it was started.

peak_kib = 0


def write_value(path, value):
    """A safetensors file with one number, `output`."""
    header = json.dumps({"output": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    with open(path, "wb") as f:
        f.write(len(header).to_bytes(8, "little") + header + struct.pack("<f", value))


def run():
    global peak_kib
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    ms = (time.perf_counter() - started) * 1000
    if status != 0:
        sys.exit("%s: exit status %d" % (" ".join(sys.argv[1:]), status))
    peak_kib = max(peak_kib, usage.ru_maxrss)
    return ms, json.loads(text)["class"]["index"]


ms, index = run()
print("ready %.6f" % ms, flush=True)
for line in sys.stdin:
    what, _, argument = line.strip().partition(" ")
    if what == "run":
        times = [run()[0] for _ in range(int(argument))]
        print("%.6f" % (sum(times) / len(times)), flush=True)
    elif what == "memory":
        print("%.1f" % (peak_kib / 1024), flush=True)
    else:
        write_value(argument, index)
        print("ok", flush=True)
