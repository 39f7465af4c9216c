"""The families of workloads in PyTorch. Each function: (net, tensors, spec, mode) --> (run, output), where
run() does the work once and output() gives the result that is compared."""
import torch
from torch import nn
from torch.nn import functional


def prepared(net, x, mode):
    """The network and its input in a mode of PyTorch: eager, channels_last, or traced and frozen."""
    for p in net.parameters():
        p.requires_grad_(False)
    if mode == "channels_last":
        return net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    if mode == "frozen":
        with torch.no_grad():
            net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))
    return net, x


def keep(result, function):
    def run():
        result["y"] = function()
    return run, lambda: result["y"]


def forward_only(net, x, mode):
    net, x = prepared(net, x, mode)

    def run():
        with torch.inference_mode():
            return net(x)
    return keep({}, run)


def classifier(net, tensors, spec, mode):
    if spec["task"] == "forward":
        return forward_only(net, tensors["input"], mode)
    net, x = prepared(net, tensors["input"], mode)
    x.requires_grad_(True)
    return keep({}, lambda: torch.autograd.grad(net(x)[0, spec["class"] - 1], x)[0])


def transform(net, tensors, spec, mode):
    return forward_only(net, tensors["input"], mode)


class Deconvnet(nn.Module):
    """Down from a convolution of VGG: transposed convolutions, rectification, unpooling."""

    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, y, *switches):
        at = len(switches)
        for layer in reversed(self.layers):
            if isinstance(layer, nn.Conv2d):
                y = functional.conv_transpose2d(y, layer.weight, padding=1)
            elif isinstance(layer, nn.ReLU):
                y = torch.relu(y)
            else:
                at = at - 1
                y = functional.max_unpool2d(y, switches[at], 2, 2)
        return y


CONV5_3, CONV4_3 = 28, 21  # positions among VGG-16's features


def deconvnet(net, tensors, spec, mode):
    layers, x, switches = list(net.features)[:CONV5_3 + 1], tensors["input"], []
    seed = tensors["seed"]
    with torch.no_grad():
        for layer in layers:
            if isinstance(layer, nn.MaxPool2d):
                x, indices = functional.max_pool2d(x, 2, 2, return_indices=True)
                switches.append(indices)
            else:
                x = layer(x)
        walk = Deconvnet(layers)
        if mode == "channels_last":
            walk, seed = prepared(walk, seed, mode)
        elif mode == "frozen":
            walk = torch.jit.trace(walk.eval(), (seed, *switches))
            walk = torch.jit.optimize_for_inference(torch.jit.freeze(walk))

    def run():
        with torch.inference_mode():
            return walk(seed, *switches)
    return keep({}, run)


def deepdream(net, tensors, spec, mode):
    if spec["net"] == "googlenet":
        net.upto = "4c"
    else:
        net = net.features[:CONV4_3 + 1]
    net, x = prepared(net, tensors["input"], mode)

    def run():
        x.requires_grad_(True)
        loss = 0.5 * net(x).square().sum()
        gradient = torch.autograd.grad(loss, x)[0]
        with torch.no_grad():
            x.add_(gradient, alpha=1.5 / gradient.abs().mean().item())
        return gradient
    return keep({}, run)


STYLE, CONTENT = (1, 6, 11, 20, 29), 21  # relu1_1 ... relu5_1 and conv4_2 among VGG-19's features


def gram(y):
    f = y.reshape(y.shape[1], -1)
    return f @ f.T / y.numel()


def style(net, tensors, spec, mode):
    layers, x = prepared(net.features[:STYLE[-1] + 1], tensors["input"], mode)
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # conv4_2 is looked at before its ReLU

    def values(y, wanted):
        found = {}
        for i, layer in enumerate(layers):
            y = layer(y)
            if i in wanted:
                found[i] = y
        return found

    with torch.no_grad():
        grams = {i: gram(y) for i, y in values(tensors["style"], STYLE).items()}
        content = values(tensors["content"], (CONTENT,))[CONTENT]

    def run():
        x.requires_grad_(True)
        found = values(x, STYLE + (CONTENT,))
        loss = functional.mse_loss(found[CONTENT], content)
        for i in STYLE:
            loss = loss + 1e3 * (gram(found[i]) - grams[i]).square().sum()
        tv = (x[:, :, 1:] - x[:, :, :-1]).square().sum() + (x[..., 1:] - x[..., :-1]).square().sum()
        gradient = torch.autograd.grad(loss + 1e-6 * tv, x)[0]
        with torch.no_grad():
            x.sub_(gradient, alpha=10)
        return gradient
    return keep({}, run)


def occlusion(net, tensors, spec, mode):
    """The first positions only, as many as fit in a batch."""
    x, size, stride = tensors["input"], spec["size"], spec["stride"]
    net, _ = prepared(net, x.repeat(spec["batch"], 1, 1, 1), mode)

    def run():
        with torch.inference_mode():
            batch = x.repeat(spec["batch"], 1, 1, 1)
            for i in range(spec["batch"]):
                batch[i, :, :size, i * stride:i * stride + size] = 0
            if mode == "channels_last":
                batch = batch.contiguous(memory_format=torch.channels_last)
            return torch.softmax(net(batch), 1)[:, spec["class"] - 1]
    return keep({}, run)


def training(net, tensors, spec, mode):
    x, target = tensors["input"], tensors["target"].argmax(1)
    if mode == "channels_last":
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), lr=spec["rate"], momentum=0.9, nesterov=True,
                                weight_decay=5e-4)
    first = []

    def run():
        optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(net(x), target).backward()
        optimizer.step()
        if not first:
            named = sorted(net.named_parameters())
            first.append(torch.cat([p.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
                                    for _, p in named]))
    return run, lambda: first[0]
