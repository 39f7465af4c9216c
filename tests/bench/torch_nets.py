"""The zoo's networks in plain torch.nn, with torchvision's module names (slashes become underscores)."""
import json

import numpy
import torch
from torch import nn


def read_tensors(path):
    """{name: tensor} of a safetensors file."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        base = f.tell()
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            first, last = entry["data_offsets"]
            f.seek(base + first)
            values = numpy.fromfile(f, "<f4", (last - first) // 4)
            tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors


def write_values(path, values):
    """A safetensors file with one flat tensor, `output`."""
    values = numpy.asarray(values, "<f4")
    entry = {"dtype": "F32", "shape": [values.size], "data_offsets": [0, values.nbytes]}
    header = json.dumps({"output": entry}).encode()
    with open(path, "wb") as f:
        f.write(len(header).to_bytes(8, "little") + header)
        values.tofile(f)


def vgg_features(counts):
    layers, channels = [], 3
    for width, count in zip((64, 128, 256, 512, 512), counts):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


class VGG(nn.Module):
    def __init__(self, counts):
        super().__init__()
        self.features = vgg_features(counts)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 1000))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        relu, pool = nn.ReLU(True), nn.MaxPool2d(3, 2)
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), relu, pool, nn.Conv2d(64, 192, 5, padding=2), relu, pool,
            nn.Conv2d(192, 384, 3, padding=1), relu, nn.Conv2d(384, 256, 3, padding=1), relu,
            nn.Conv2d(256, 256, 3, padding=1), relu, pool)
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), relu,
            nn.Dropout(), nn.Linear(4096, 4096), relu, nn.Linear(4096, 1000))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class BasicBlock(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, counts):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, count in enumerate(counts):
            width = 64 << stage
            blocks = []
            for i in range(count):
                blocks.append(BasicBlock(channels, width, 2 if stage > 0 and i == 0 else 1))
                channels = width
            self.add_module("layer%d" % (stage + 1), nn.Sequential(*blocks))
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


class Fire(nn.Module):
    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.relu = nn.ReLU(True)

    def forward(self, x):
        x = self.relu(self.squeeze(x))
        return torch.cat([self.relu(self.expand1x1(x)), self.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self):
        super().__init__()
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, 2), nn.ReLU(True), pool, Fire(64, 16, 64), Fire(128, 16, 64), pool,
            Fire(128, 32, 128), Fire(256, 32, 128), pool, Fire(256, 48, 192), Fire(384, 48, 192),
            Fire(384, 64, 256), Fire(512, 64, 256))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(True), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)


class GoogLeNet(nn.Module):
    """The layout of the Berkeley Vision and Learning Center, with response normalisation."""

    MODULES = (("3a", 192, 64, 96, 128, 16, 32, 32), ("3b", 256, 128, 128, 192, 32, 96, 64),
               ("4a", 480, 192, 96, 208, 16, 48, 64), ("4b", 512, 160, 112, 224, 24, 64, 64),
               ("4c", 512, 128, 128, 256, 24, 64, 64), ("4d", 512, 112, 144, 288, 32, 64, 64),
               ("4e", 528, 256, 160, 320, 32, 128, 128), ("5a", 832, 256, 160, 320, 32, 128, 128),
               ("5b", 832, 384, 192, 384, 48, 128, 128))

    def __init__(self, upto=None):
        super().__init__()
        self.upto = upto
        self.conv1_7x7_s2 = nn.Conv2d(3, 64, 7, 2, 3)
        self.conv2_3x3_reduce = nn.Conv2d(64, 64, 1)
        self.conv2_3x3 = nn.Conv2d(64, 192, 3, padding=1)
        for name, channels, one, reduce3, three, reduce5, five, proj in self.MODULES:
            prefix = "inception_" + name + "_"
            self.add_module(prefix + "1x1", nn.Conv2d(channels, one, 1))
            self.add_module(prefix + "3x3_reduce", nn.Conv2d(channels, reduce3, 1))
            self.add_module(prefix + "3x3", nn.Conv2d(reduce3, three, 3, padding=1))
            self.add_module(prefix + "5x5_reduce", nn.Conv2d(channels, reduce5, 1))
            self.add_module(prefix + "5x5", nn.Conv2d(reduce5, five, 5, padding=2))
            self.add_module(prefix + "pool_proj", nn.Conv2d(channels, proj, 1))
        self.loss3_classifier = nn.Linear(1024, 1000)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.pool_same = nn.MaxPool2d(3, 1, 1, ceil_mode=True)
        self.norm = nn.LocalResponseNorm(5)
        self.relu = nn.ReLU(True)

    def inception(self, name, x):
        def conv(suffix, value):
            return self.relu(getattr(self, "inception_%s_%s" % (name, suffix))(value))
        return torch.cat([conv("1x1", x), conv("3x3", conv("3x3_reduce", x)),
                          conv("5x5", conv("5x5_reduce", x)), conv("pool_proj", self.pool_same(x))], 1)

    def forward(self, x):
        x = self.norm(self.pool(self.relu(self.conv1_7x7_s2(x))))
        x = self.relu(self.conv2_3x3(self.relu(self.conv2_3x3_reduce(x))))
        x = self.pool(self.norm(x))
        for module in self.MODULES:
            x = self.inception(module[0], x)
            if module[0] == self.upto:
                return x
            if module[0] in ("3b", "4e"):
                x = self.pool(x)
        return self.loss3_classifier(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


class PaddedConv(nn.Module):
    def __init__(self, channels, out, kernel, stride=1, upsample=None):
        super().__init__()
        self.upsample = upsample
        self.reflection_pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(channels, out, kernel, stride)

    def forward(self, x):
        if self.upsample:
            x = nn.functional.interpolate(x, mode="nearest", scale_factor=self.upsample)
        return self.conv2d(self.reflection_pad(x))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = PaddedConv(channels, channels, 3)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = PaddedConv(channels, channels, 3)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x):
        return self.in2(self.conv2(torch.relu(self.in1(self.conv1(x))))) + x


class Johnson(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.in1 = PaddedConv(3, 32, 9), nn.InstanceNorm2d(32, affine=True)
        self.conv2, self.in2 = PaddedConv(32, 64, 3, 2), nn.InstanceNorm2d(64, affine=True)
        self.conv3, self.in3 = PaddedConv(64, 128, 3, 2), nn.InstanceNorm2d(128, affine=True)
        for i in range(1, 6):
            self.add_module("res%d" % i, Residual(128))
        self.deconv1, self.in4 = PaddedConv(128, 64, 3, 1, 2), nn.InstanceNorm2d(64, affine=True)
        self.deconv2, self.in5 = PaddedConv(64, 32, 3, 1, 2), nn.InstanceNorm2d(32, affine=True)
        self.deconv3 = PaddedConv(32, 3, 9)

    def forward(self, x):
        x = torch.relu(self.in1(self.conv1(x)))
        x = torch.relu(self.in2(self.conv2(x)))
        x = torch.relu(self.in3(self.conv3(x)))
        x = self.res5(self.res4(self.res3(self.res2(self.res1(x)))))
        x = torch.relu(self.in4(self.deconv1(x)))
        x = torch.relu(self.in5(self.deconv2(x)))
        return self.deconv3(x)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc2(torch.relu(self.fc1(torch.flatten(x, 1)))))
        return self.fc3(x)


class Chain(nn.Module):
    """Convolutions with batch norm, ReLU and pooling: (width, kernel, pooling or None) each; then linear layers."""

    def __init__(self, convs, linears):
        super().__init__()
        channels, self.pools, self.convs = 3, [pool for _, _, pool in convs], len(convs)
        for i, (width, kernel, _) in enumerate(convs, 1):
            self.add_module(f"conv{i}", nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(width))
            channels = width
        self.linears = linears
        for name, ins, outs, norm in linears:
            self.add_module(name, nn.Linear(ins, outs))
            if norm:
                self.add_module(norm, nn.BatchNorm1d(outs))

    def forward(self, x):
        for i, pool in enumerate(self.pools, 1):
            x = torch.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
            x = pool(x) if pool else x
        x = torch.flatten(x, 1)
        for at, (name, _, _, norm) in enumerate(self.linears):
            x = getattr(self, name)(x)
            x = getattr(self, norm)(x) if norm else x
            x = torch.relu(x) if at + 1 < len(self.linears) else x
        return x


def convnet4():
    pool = nn.MaxPool2d(2, 2)
    return Chain([(width, 3, pool) for width in (32, 64, 128, 128)],
                 [("fc1", 128 * 16, 128, None), ("fc2", 128, 10, None)])


def zfnet64():
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    return Chain([(32, 5, pool), (96, 3, pool), (192, 3, pool), (256, 3, None), (256, 3, pool)],
                 [("fc6", 256 * 16, 256, "bn6"), ("fc7", 256, 256, "bn7"), ("fc8", 256, 40, None)])


NETS = {"convnet4": convnet4, "zfnet64": zfnet64, "vgg16": lambda: VGG((2, 2, 3, 3, 3)), "vgg19": lambda: VGG((2, 2, 4, 4, 4)),
        "alexnet": AlexNet, "resnet18": lambda: ResNet((2, 2, 2, 2)), "squeezenet1_1": SqueezeNet,
        "googlenet": GoogLeNet, "johnson": Johnson, "lenet5": LeNet}


def build(name, tensors):
    """The network in evaluation mode with these weights, all of which must find their place."""
    with torch.no_grad():
        nn.init.kaiming_uniform_ = nn.init.uniform_ = lambda t, *_, **__: t  # weights come from the file
        net = NETS[name]()
        state = {key.replace("/", "_"): value for key, value in tensors.items()}
        missing, unexpected = net.load_state_dict(state, strict=False)
        missing = [key for key in missing if not key.endswith("num_batches_tracked")]
        assert not missing and not unexpected, (missing, unexpected)
    return net.eval()
