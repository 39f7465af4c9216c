-- What is measured: one entry a workload, in the order of the table.
--   name       as printed, and for ONLY=
--   family     file of workloads/ (our side) and function of peer_torch.py that run it
--   net        network of the zoo; task, layer, class, ...: what the family wants to know (1-based class)
--   shape      of the input
--   tolerance  largest relative L2 difference between our output and a peer's, float32 both. Forward values
--              agree to rounding; in gradients a rectifier or pooling switch that is nearly tied may fall
--              the other way on either side (PyTorch's own modes differ by 9e-3 on VGG-16)
--   modes      ways in which PyTorch is tried; the fastest counts
--   onnx       whether ONNX Runtime can run it
--   share      the part of our work that a peer's run does (default 1): its time is divided by it
--   thrifty    whether our side saves memory: net:half and sb.memory "scarce"
local FORWARD <const>, GRADIENT <const>, HALF <const> = 1e-4, 2e-2, 1e-3

local inference = { "eager", "channels_last", "frozen" }
local autograd = { "eager", "channels_last" }

local list = {}

local function add(name, fields)
  fields.name, fields.id = name, name:lower():gsub("[^%w]+", "_")
  list[#list + 1] = fields
end

local classifiers = { { "VGG-16", "vgg16" }, { "AlexNet", "alexnet" }, { "ResNet-18", "resnet18" },
                      { "SqueezeNet 1.1", "squeezenet1_1" }, { "GoogLeNet", "googlenet" } }
for _, entry in ipairs(classifiers) do
  local title, net = entry[1], entry[2]
  add(title .. " forward", { family = "classifier", task = "forward", net = net, onnx = true,
    shape = { 1, 3, 224, 224 }, tolerance = FORWARD, modes = inference })
  add(title .. " saliency", { family = "classifier", task = "saliency", net = net, class = 11,
    shape = { 1, 3, 224, 224 }, tolerance = GRADIENT, modes = autograd })
end

add("VGG-16 forward, little memory", { family = "classifier", task = "forward", net = "vgg16", onnx = true,
  thrifty = true, shape = { 1, 3, 224, 224 }, tolerance = HALF, modes = inference })
add("VGG-16 saliency, little memory", { family = "classifier", task = "saliency", net = "vgg16", class = 11,
  thrifty = true, shape = { 1, 3, 224, 224 }, tolerance = GRADIENT, modes = autograd })

add("VGG-16 deconvnet conv5_3 to pixels", { family = "deconvnet", net = "vgg16", layer = "conv5_3",
  shape = { 1, 3, 224, 224 }, tolerance = GRADIENT, modes = inference })

add("DeepDream step 512, GoogLeNet", { family = "deepdream", net = "googlenet",
  layer = "inception_4c/output", shape = { 1, 3, 512, 512 }, tolerance = GRADIENT, modes = autograd })
add("DeepDream step 512, VGG-16", { family = "deepdream", net = "vgg16", layer = "conv4_3",
  shape = { 1, 3, 512, 512 }, tolerance = GRADIENT, modes = autograd })

add("style iteration 512", { family = "style", net = "vgg19", shape = { 1, 3, 512, 512 },
  tolerance = GRADIENT, modes = autograd })

add("Johnson net 512", { family = "transform", net = "johnson", onnx = true,
  shape = { 1, 3, 512, 512 }, tolerance = FORWARD, modes = inference })

add("occlusion sweep", { family = "occlusion", net = "vgg16", class = 11, size = 32, stride = 8,
  batch = 16, positions = 625, share = 16 / 625, shape = { 1, 3, 224, 224 }, tolerance = FORWARD,
  modes = inference })

add("LeNet training step", { family = "training", net = "lenet5", classes = 10, rate = 0.01,
  shape = { 64, 1, 28, 28 }, tolerance = FORWARD, modes = autograd })
add("four-convolution net training step", { family = "training", net = "convnet4", classes = 10, rate = 0.01,
  shape = { 64, 3, 64, 64 }, tolerance = FORWARD, modes = autograd })
add("bundled net training step", { family = "training", net = "zfnet64", classes = 40, rate = 0.01,
  shape = { 64, 3, 64, 64 }, tolerance = FORWARD, modes = autograd })

add("start-up to first saliency picture", { family = "startup", net = "squeezenet1_1" })

return list
