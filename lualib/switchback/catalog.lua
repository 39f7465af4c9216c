-- Weights that their publishers offer for download: name of the network in the zoo = where they are.
local ADDRESS <const> = "https://download.pytorch.org/models/"

-- torchvision's weights for ImageNet (torchvision/models/*.py, "IMAGENET1K_V1"; BSD 3-clause licence). The
-- name of a file ends with the first 8 digits of its SHA-256; the whole digest is not published.
local function torchvision(file)
  return { file = file, url = ADDRESS .. file, sha256 = file:match "%-(%x+)%.pth$",
           labels = "imagenet_labels.txt" }
end

return {
  alexnet = torchvision "alexnet-owt-7be5be79.pth",
  googlenet_torchvision = torchvision "googlenet-1378be20.pth",
  mobilenet_v2 = torchvision "mobilenet_v2-b0353104.pth",
  resnet18 = torchvision "resnet18-f37072fd.pth",
  resnet34 = torchvision "resnet34-b627a593.pth",
  resnet50 = torchvision "resnet50-0676ba61.pth",
  squeezenet1_0 = torchvision "squeezenet1_0-b66bff10.pth",
  squeezenet1_1 = torchvision "squeezenet1_1-b8a52dc0.pth",
  vgg11 = torchvision "vgg11-8a719046.pth",
  vgg13 = torchvision "vgg13-19584684.pth",
  vgg16 = torchvision "vgg16-397923af.pth",
  vgg19 = torchvision "vgg19-dcbb9e9d.pth",
}
