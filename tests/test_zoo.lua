-- The zoo's networks have the published sizes, and their values the names and shapes that people expect.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local zoo = require "switchback.zoo"

local T = {}

-- Numbers of trained parameters: torchvision's documentation of its models; Caffe's bvlc_alexnet and
-- bvlc_googlenet; LeNet-5 by hand: 156 + 2416 + 48120 + 10164 + 850; the transformation network by hand:
-- convolutions 7808 + 18496 + 73856 + 10 * 147584 + 73792 + 18464 + 7779, affine norms 2 * 1600; that of 26
-- styles: convolutions 7776 + 14 * 9216 + 2304 + 288 + 972, norms 26 * 2 * 495. By hand as well: convnet2,
-- 320 + 18496 + 401536 + 1290; convnet4, 864 + 18432 + 73728 + 147456, norms 2 * 352, 262272 + 1290; zfnet64,
-- 2400 + 27648 + 165888 + 442368 + 589824, norms 2 * 1344, 1048832 + 65792 + 10280; zfnet (figure 3 of the
-- paper), 14208 + 614656 + 885120 + 1327488 + 884992 + 37752832 + 16781312 + 4097000; nin, 34944 + 2 * 9312 +
-- 614656 + 2 * 65792 + 885120 + 2 * 147840 + 3539968 + 1049600 + 1025000.
local published = {
  alexnet = 61100840, alexnet_caffe = 60965224, convnet2 = 421642, convnet4 = 504746, dumoulin = 166104,
  googlenet = 6998552, googlenet_torchvision = 6624904, johnson = 1679235, lenet5 = 61706,
  mobilenet_v2 = 3504872, nin = 7595176, zfnet = 62357608, zfnet64 = 2355720,
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

-- Input size, a value and its shape, and the outputs of some.
local shapes_of = {
  alexnet = { 224, "features.12", { 1, 256, 6, 6 }, { 1, 1000 } },
  alexnet_caffe = { 227, "pool5", { 1, 256, 6, 6 }, { 1, 1000 } },
  convnet2 = { 28, "pool2", { 1, 64, 7, 7 }, { 1, 10 } },
  convnet4 = { 64, "pool4", { 1, 128, 4, 4 }, { 1, 10 } },
  dumoulin = { 98, "residual.residual6", { 1, 32, 25, 25 }, { 1, 3, 100, 100 } },
  googlenet = { 224, "inception_5b/output", { 1, 1024, 7, 7 }, { 1, 1000 } },
  johnson = { 100, "res5", { 1, 128, 25, 25 }, { 1, 3, 100, 100 } },
  lenet5 = { 28, "pool2", { 1, 16, 5, 5 }, { 1, 10 } },
  mobilenet_v2 = { 224, "features.17", { 1, 320, 7, 7 }, { 1, 1000 } },
  nin = { 224, "cccp8-1024", { 1, 1000, 6, 6 }, { 1, 1000 } },
  resnet18 = { 224, "layer4", { 1, 512, 7, 7 }, { 1, 1000 } },
  resnet50 = { 224, "layer4.2", { 1, 2048, 7, 7 }, { 1, 1000 } },
  squeezenet1_0 = { 224, "features.12", { 1, 512, 13, 13 }, { 1, 1000 } },
  squeezenet1_1 = { 224, "features.12", { 1, 512, 13, 13 }, { 1, 1000 } },
  vgg19 = { 224, "conv5_4", { 1, 512, 14, 14 }, { 1, 1000 } },
  zfnet = { 224, "norm2", { 1, 256, 13, 13 }, { 1, 1000 } },
  zfnet64 = { 64, "pool5", { 1, 256, 4, 4 }, { 1, 40 } },
}

local function check_shapes(net, name, size, value, shape, outputs)
  local shapes = net:shapes { 1, net.inputs[1].shape[2], size, size }
  lu.assertEquals(shapes[net:value(value)], shape, name)
  lu.assertEquals(shapes[net.outputs[1]], outputs, name)
end

-- Each is drawn once for both questions: VGG's weights take seconds.
function T.test_parameters_and_shapes_are_as_published()
  for _, name in ipairs(zoo.names()) do
    local net = sb.load(name, { untrained = true })
    lu.assertEquals(trained(net), published[name], name)
    if shapes_of[name] then check_shapes(net, name, table.unpack(shapes_of[name])) end
  end
end

-- Johnson's net in other sizes, and with two styles, of which a file of weights tells by its tables.
function T.test_transform_nets_of_other_sizes()
  local net = sb.load("johnson", { untrained = true, width = 4, blocks = 2, styles = 3 })
  check_shapes(net, "johnson", 18, "res2", { 1, 16, 5, 5 }, { 1, 3, 20, 20 })
  lu.assertEquals(net.inputs[2], { name = "style", shape = { 0, 3 } })
  h.error_has(net.node, "no layer is called 'res3'", net, "res3")
  local again = sb.net(zoo.describe("johnson", { width = 4, blocks = 2, tensors = zoo.tensors(net) }))
  lu.assertEquals(again.inputs[2].shape, { 0, 3 })
  local scaled = sb.load("johnson", { untrained = true, width = 4, blocks = 1, scaled = true })
  local pass = scaled:forward(sb.rand(sb.rng(1), 1, 3, 16, 16) * 255)
  h.close(pass.range, pass["deconv3.conv2d"] * 40 + 127.5, 1e-5)
  lu.assertEquals(scaled.outputs, { "range" })
  lu.assertEquals(sb.load("dumoulin", { untrained = true, styles = 2 }).inputs[2].shape, { 0, 2 })
  h.error_has(zoo.describe, "zoo.johnson: width must be a whole number of at least 1, got 0", "johnson",
    { width = 0 })
  h.error_has(zoo.describe, "zoo.lenet5: unknown option 'width'", "lenet5", { width = 3 })
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

function T.test_names_and_options_are_checked()
  h.error_has(zoo.describe, "no network 'vgg17'; did you mean", "vgg17")
  h.error_has(zoo.describe, "unknown option 'sead'; did you mean 'seed'?", "lenet5", { sead = 1 })
end

-- All that is wrong with a file of weights is in one error; what PyTorch's batch norms count is passed over.
function T.test_tensors_that_do_not_fit_are_listed_together()
  local tensors = zoo.tensors(sb.load("convnet4", { untrained = true }))
  tensors["bn1.num_batches_tracked"] = sb.zeros(1)
  lu.assertNotNil(zoo.describe("convnet4", { tensors = tensors }))
  tensors["conv2.weight"] = sb.zeros(64, 32, 5, 5)
  tensors["fc2.weight"] = sb.zeros(10, 64)
  tensors["conv1.weight"], tensors["bn3.running_var"] = nil, nil
  tensors["fc3.weight"], tensors["conv1.bias"] = sb.zeros(1), sb.zeros(32)
  h.error_has(zoo.describe, "convnet4: the weights do not fit:"
    .. "\n  missing: conv1.weight, bn3.running_var"
    .. "\n  unexpected: conv1.bias, fc3.weight"
    .. "\n  misshapen: conv2.weight is 64x32x5x5, must be 64x32x3x3, fc2.weight is 10x64, must be 10x128",
    "convnet4", { tensors = tensors })
end

return T
