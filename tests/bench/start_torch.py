"""The first saliency picture in PyTorch: start_torch.py WEIGHTS.pth PHOTO.png THREADS OUT.png"""
import json
import sys

import numpy
import torch
from PIL import Image

import torch_nets

weights, photo, threads, out = sys.argv[1:5]
torch.set_num_threads(int(threads))
net = torch_nets.build("squeezenet1_1", torch.load(weights))
image = Image.open(photo).convert("RGB")
side = min(image.size)
left, top = (image.width - side) // 2, (image.height - side) // 2
image = image.crop((left, top, left + side, top + side)).resize((224, 224), Image.BILINEAR)
x = torch.from_numpy(numpy.asarray(image, numpy.float32) / 255).permute(2, 0, 1)
x = ((x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1))[None]
for p in net.parameters():
    p.requires_grad_(False)
x.requires_grad_(True)
logits = net(x)
index = int(logits.argmax())
saliency = torch.autograd.grad(logits[0, index], x)[0].abs().amax(1)[0]
grey = (saliency / saliency.quantile(0.99)).clamp(0, 1) * 255
Image.fromarray(grey.numpy().astype(numpy.uint8)).save(out)
print(json.dumps({"class": {"index": index + 1}}))
