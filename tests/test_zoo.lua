-- The zoo's networks have the published sizes, and their values the names and shapes that people expect.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local zoo = require "switchback.zoo"

local T = {}

-- Numbers of trained parameters: torchvision's documentation of its models; Caffe's bvlc_alexnet and
-- bvlc_googlenet; LeNet-5 by hand: 156 + 2416 + 48120 + 10164 + 850; the transformation network by hand:
-- convolutions 7808 + 18496 + 73856 + 10 * 147584 + 73792 + 18464 + 7779, affine norms 2 * 1600; that of 26
-- styles: convolutions 7776 + 14 * 9216 + 2304 + 288 + 972, norms 26 * 2 * 495.
local published = {
  alexnet = 61100840, alexnet_caffe = 60965224, dumoulin = 166104, googlenet = 6998552, johnson = 1679235,
  lenet5 = 61706,
  resnet18 = 11689512, resnet34 = 21797672, resnet50 = 25557032, squeezenet1_0 = 1248424,
  squeezenet1_1 = 1235496, vgg11 = 132863336, vgg13 = 133047848, vgg16 = 138357544, vgg19 = 143667240,
}

local function trained(net)
  local total = 0
  for name, t in pairs(zoo.tensors(net)) do
    if not name:find "running_" then total = total + t:count() end
  end
  return total
end

function T.test_parameters_are_as_many_as_published()
  for _, name in ipairs(zoo.names()) do
    lu.assertEquals(trained(sb.load(name, { untrained = true })), published[name], name)
  end
end

-- The side of the last maps and the outputs at the usual input size.
local function check_shapes(name, size, value, shape, outputs)
  local net = sb.load(name, { untrained = true })
  local shapes = net:shapes { 1, net.inputs[1].shape[2], size, size }
  lu.assertEquals(shapes[net:value(value)], shape, name)
  lu.assertEquals(shapes[net.outputs[1]], outputs, name)
end

function T.test_shapes_at_the_usual_size()
  check_shapes("alexnet", 224, "features.12", { 1, 256, 6, 6 }, { 1, 1000 })
  check_shapes("alexnet_caffe", 227, "pool5", { 1, 256, 6, 6 }, { 1, 1000 })
  check_shapes("googlenet", 224, "inception_5b/output", { 1, 1024, 7, 7 }, { 1, 1000 })
  check_shapes("lenet5", 28, "pool2", { 1, 16, 5, 5 }, { 1, 10 })
  check_shapes("resnet18", 224, "layer4", { 1, 512, 7, 7 }, { 1, 1000 })
  check_shapes("resnet50", 224, "layer4.2", { 1, 2048, 7, 7 }, { 1, 1000 })
  check_shapes("squeezenet1_0", 224, "features.12", { 1, 512, 13, 13 }, { 1, 1000 })
  check_shapes("squeezenet1_1", 224, "features.12", { 1, 512, 13, 13 }, { 1, 1000 })
  check_shapes("johnson", 100, "res5", { 1, 128, 25, 25 }, { 1, 3, 100, 100 })
  check_shapes("dumoulin", 98, "residual.residual6", { 1, 32, 25, 25 }, { 1, 3, 100, 100 })
  check_shapes("vgg19", 224, "conv5_4", { 1, 512, 14, 14 }, { 1, 1000 })
end

-- Real weights under torchvision's names, and the values that PyTorch computed from them.
function T.test_squeezenet_with_real_weights()
  local tensors = assert(sb.safetensors.load(h.shared "models/squeezenet1_1/squeezenet1_1.safetensors"))
  local net = sb.net(zoo.describe("squeezenet1_1", { tensors = tensors }))
  local reference = assert(sb.safetensors.load(h.shared "reference/squeezenet1_1_chelsea.safetensors"))
  local pass = net:forward(reference.input)
  lu.assertTrue(h.rel_l2(pass:scores(), reference.logits:reshape(1, 1000)) < 1e-4)
end

-- The zoo's GoogLeNet has the values of the Caffe file: same weights in, same values out.
function T.test_googlenet_is_that_of_the_caffe_file()
  local caffe = sb.load(h.shared "models/googlenet/bvlc_googlenet.caffemodel")
  local net = sb.net(zoo.describe("googlenet", { tensors = zoo.tensors(caffe) }))
  local x = sb.randn(sb.rng(1), 1, 3, 224, 224) * 50
  local ours, theirs = net:forward(x), caffe:forward(x)
  for _, value in ipairs { "pool1/norm1", "inception_3a/output", "inception_5b/output", "prob" } do
    lu.assertTrue(h.rel_l2(ours[value], theirs[value]) < 1e-5, value)
  end
end

function T.test_weights_are_drawn_from_the_seed()
  local function weights(seed) return sb.load("lenet5", { untrained = true, seed = seed }) end
  local a, b, c = weights(1), weights(1), weights(2)
  lu.assertEquals(h.rel_l2(zoo.tensors(a)["conv2.weight"], zoo.tensors(b)["conv2.weight"]), 0)
  lu.assertTrue(h.rel_l2(zoo.tensors(a)["conv2.weight"], zoo.tensors(c)["conv2.weight"]) > 1)
end

function T.test_another_number_of_classes()
  local net = sb.load("resnet18", { untrained = true, classes = 5 })
  lu.assertEquals(net:shapes()[net.outputs[1]], { 1, 5 })
end

function T.test_trouble_is_named()
  local tensors = zoo.tensors(sb.load("lenet5", { untrained = true }))
  h.error_has(zoo.describe, "no network 'vgg17'; did you mean", "vgg17")
  h.error_has(zoo.describe, "unknown option 'sead'; did you mean 'seed'?", "lenet5", { sead = 1 })
  tensors["conv2.weight"] = sb.zeros(16, 6, 3, 3)
  h.error_has(zoo.describe, "lenet5: layer 'conv2': conv2d: 'weight' must be", "lenet5",
    { tensors = tensors })
  tensors["conv2.weight"] = nil
  h.error_has(zoo.describe, "no tensor 'conv2.weight'", "lenet5", { tensors = tensors })
end

return T
