"""Writes a network of the zoo as ONNX for ONNX Runtime: export_onnx.py SPEC.json OUT.onnx"""
import json
import os
import sys

import torch

import torch_nets

with open(sys.argv[1]) as f:
    spec = json.load(f)
net = torch_nets.build(spec["net"], torch_nets.read_tensors(spec["weights"]))
torch.onnx.export(net, torch.zeros(spec["shape"]), sys.argv[2] + ".part", opset_version=13,
                  input_names=["data"], output_names=["output"])
os.rename(sys.argv[2] + ".part", sys.argv[2])
