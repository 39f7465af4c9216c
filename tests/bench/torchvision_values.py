"""What torchvision's network NAME makes of random inputs: torchvision_values.py NAME SIZE FIRST LAST OUT

Writes OUT.pth, random weights with batch norm's statistics and gains away from their start, and for each seed
from FIRST to LAST OUT.SEED.safetensors with the input (1,3,SIZE,SIZE), the logits, the class (from
1) of the largest and the gradient of that to the input, in float64 of these float32 weights and input."""
import json
import sys

import torch
import torchvision


def season(net):
    """Gives weights and statistics values as of a trained network."""
    for module in net.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
        if getattr(module, "bias", None) is not None:
            torch.nn.init.normal_(module.bias, std=0.1)


def build(name):
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    torch.manual_seed(0)
    net = getattr(torchvision.models, name)(**options).eval()
    season(net)
    return net


def save(path, tensors):
    """A safetensors file of float32 tensors."""
    header, parts, at = {}, [], 0
    for key, t in tensors.items():
        parts.append(t.detach().float().contiguous().numpy().tobytes())
        header[key] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        f.writelines(parts)


def values(net, size, seed):
    """Of the net in float64: the input of that seed, the logits, and so on."""
    torch.manual_seed(seed)
    x = torch.randn(1, 3, size, size)
    exact = x.double().requires_grad_()
    logits = net(exact)
    best = logits.argmax()
    logits[0, best].backward()
    return {"input": x, "logits": logits, "class": best + 1, "gradient": exact.grad}


def main(name, size, first, last, out):
    net = build(name)
    torch.save(net.state_dict(), out + ".pth")
    net.double()
    for seed in range(first, last + 1):
        save(f"{out}.{seed}.safetensors", values(net, size, seed))


main(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5])
