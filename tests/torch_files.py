"""Files of PyTorch for test_torch_pytorch.lua: torch_files.py FOLDER. Beside them the tensors as PyTorch has them,
in wanted.safetensors, which is written here from the format's description."""
import collections
import json
import struct
import sys

import torch


def checkpoint():
    torch.manual_seed(0)
    base = torch.randn(4, 6)
    types = "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
    tensors = collections.OrderedDict((t, (torch.arange(6).reshape(2, 3) - 2).to(getattr(torch, t))) for t in types)
    tensors.update(base=base, transposed=base.t(), row=base[1], column=base[:, 2], steps=base[::2, 1::2],
                   scalar=torch.tensor(3.5), empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(torch.ones(2)),
                   last=torch.randn(1, 2, 3, 4).contiguous(memory_format=torch.channels_last))
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5, momentum=0.5)
    module(torch.randn(2, 1, 5, 5)).sum().backward()
    optimizer.step()
    for name, t in module.state_dict().items():
        tensors["module." + name] = t
    return {"tensors": tensors, "state_dict": module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 7,
            "name": "caf\u00e9", "done": False, "nothing": None, "list": [1, None, "a", [2.5]], "pair": (1, 2),
            "size": base.shape, "members": {1, 2}, "large": 2**40, "device": torch.device("cpu"),
            "type": torch.float32}, module


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        values = t.detach().float().contiguous().reshape(-1).tolist()
        bytes_ = struct.pack("<%df" % len(values), *values)
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(bytes_)]}
        data += bytes_
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main(folder):
    values, module = checkpoint()
    write_safetensors(folder + "/wanted.safetensors", values["tensors"])
    for protocol in (2, 3, 4, 5):
        torch.save(values, "%s/zip%d.pth" % (folder, protocol), pickle_protocol=protocol)
        torch.save(values, "%s/legacy%d.pth" % (folder, protocol), pickle_protocol=protocol,
                   _use_new_zipfile_serialization=False)
    torch.save(module, folder + "/module.pth")
    torch.jit.script(module).save(folder + "/script.pth")


main(sys.argv[1])
