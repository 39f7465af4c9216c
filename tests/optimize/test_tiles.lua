-- Tiled runs against runs of the whole picture. In exact mode the two differ by rounding alone: sums over
-- other tiles of a convolution.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"
local tiles = require "switchback.optimize.tiles"

local T = {}

function T.setUp() sb.precision "exact" end
T.tearDown = h.usual_precision

local SAME <const> = 1e-5 -- of the largest value

local function assert_same(what, got, want)
  lu.assertEquals(got:size(), want:size())
  local worst, most = (got - want):abs():max(), want:abs():max()
  lu.assertTrue(worst <= SAME * most, ("%s: %.2e of the largest"):format(what, worst / most))
end

-- The layers' values, and the gradient of random seeds at them, by tiles and whole.
local function compare(net, layers, input, tile)
  local rng, seeds = sb.rng(8), {}
  local pass = net:forward(input, { upto = layers })
  for _, layer in ipairs(layers) do seeds[layer] = sb.randn(rng, table.unpack(pass[layer]:size())) end
  local activations, back = tiles.run(net, layers, input, { tile = tile })
  for _, layer in ipairs(layers) do assert_same(layer, activations[layer], pass[layer]) end
  assert_same("gradient", back(seeds), pass:backward { seeds = seeds })
end

local function node(name, layer, ...)
  return { name = name, layer = layer, inputs = { ... } }
end

-- Strides, dilation, branches, pooling with and without overhang, all sorts of padding, upsampling.
local function mixed_net()
  local L, rng = sb.layer, sb.rng(4)
  local function conv(from, to, options)
    local config = { in_channels = from, out_channels = to, rng = rng }
    for key, value in pairs(options) do config[key] = value end
    return L.conv2d(config)
  end
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = {}, outputs = { "up", "cat" },
    nodes = {
      node("conv1", conv(3, 8, { kernel = 7, stride = 2, pad = 3 }), "x"),
      node("relu1", L.relu {}, "conv1"),
      node("pool1", L.maxpool { kernel = 3, stride = 2, ceil_mode = true }, "relu1"),
      node("norm1", L.lrn { size = 5 }, "pool1"),
      node("a", conv(8, 4, { kernel = 1 }), "norm1"),
      node("b", conv(8, 4, { kernel = 3, dilation = 2, pad = 2 }), "norm1"),
      node("c", L.maxpool { kernel = 3, stride = 1, pad = 1 }, "norm1"),
      node("cat", L.concat {}, "a", "b", "c"),
      node("mirror", L.pad { pads = { 2, 2, 2, 2 }, mode = "reflect" }, "cat"),
      node("d", conv(16, 8, { kernel = 5 }), "mirror"),
      node("pool2", L.avgpool { kernel = 2, stride = 2, ceil_mode = true }, "d"),
      node("e", L.conv2d_transpose { in_channels = 8, out_channels = 4, kernel = 4, stride = 2, pad = 1,
                                     rng = rng }, "pool2"),
      node("up", L.leaky_relu {}, "e"),
    },
  }
end

function T.test_a_mixed_net()
  local net = mixed_net()
  for _, size in ipairs { { 64, 64 }, { 75, 101 }, { 97, 50 } } do
    local input = sb.randn(sb.rng(1), 2, 3, size[1], size[2])
    for _, tile in ipairs { 1, 24, 1000 } do compare(net, { "relu1", "cat", "up" }, input, tile) end
  end
end

function T.test_googlenet()
  local net = sb.load(h.shared "models/googlenet/googlenet.onnx")
  local image = sb.image.load(h.shared "images/parrot.jpg")
  image = sb.image.resize(image, 250, 331)
  compare(net, { "conv2/norm2", "inception_3b/output" }, net:input(image), 128)
end

-- What a style transfer adds up: Gram matrices over the whole of five layers, content and total variation.
local function style_gradient(net, picture, tile)
  local obj, layers = sb.objective, { "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1" }
  local painting = sb.image.load(h.shared "images/wave.jpg")
  local style = obj.targets(net, sb.image.resize(painting, 150, 200), layers)
  local goal = 1e3 * obj.style(layers, style) + 1e-6 * obj.tv()
    + obj.content("relu4_1", obj.targets(net, picture:flip(3), "relu4_1").relu4_1, { normalise = "mean" })
  local look = require("switchback.optimize.look").new { net = net, objective = goal, tile = tile }
  local p = sb.param.pixels { image = picture }
  local loss, gradients = look:evaluate(p)
  return loss, gradients[1]
end

function T.test_style()
  local net = sb.load(h.shared "models/vgg19_pruned/encoder5.onnx")
  local picture = sb.image.resize(sb.image.load(h.shared "images/rocket.jpg"), 200, 293)
  local loss, gradient = style_gradient(net, picture)
  local tiled_loss, tiled_gradient = style_gradient(net, picture, 80)
  lu.assertAlmostEquals(tiled_loss / loss, 1, 1e-5)
  assert_same("gradient", tiled_gradient, gradient)
end

-- Whole runs: the seams of the tiles cannot be told from the rest, after steps that shift nothing.
function T.test_no_seams()
  local net, image = mixed_net(), sb.rand(sb.rng(2), 3, 90, 110)
  local function run(tile)
    local goal = sb.objective.amplify "cat"
    return (sb.optimize { net = net, image = image, maximize = goal, steps = 4, tile = tile })
  end
  local whole, tiled = run(), run(32)
  lu.assertTrue((whole - image):abs():mean() > 0.01)
  lu.assertTrue((whole - tiled):abs():max() < 1e-3)
end

-- How much less neighbouring rows, and columns, are like each other at every `tile` pixels than at other
-- multiples of `stride`, in standard errors. The stride is that of the layer, by which a gradient repeats.
local function seam(picture, tile, stride)
  local here, elsewhere = {}, {}
  for axis = 2, 3 do
    for j = stride, picture:size(axis) - stride, stride do
      local a, b = picture:narrow(axis, j, 1):clone(), picture:narrow(axis, j + 1, 1):clone()
      table.insert(j % tile == 0 and here or elsewhere, a:dot(b) / (a:norm() * b:norm()))
    end
  end
  local at, others = sb.tensor(here), sb.tensor(elsewhere)
  return (others:mean() - at:mean()) / (others:std() / math.sqrt(#here))
end

-- A dream by tiles, by what a seam would look like: the change of the photo has none. Tiles that know nothing
-- of each other do leave seams, and the measure finds them.
function T.test_seams_cannot_be_found()
  local net = sb.load(h.shared "models/googlenet/googlenet.onnx")
  local photo = sb.image.resize(sb.image.load(h.shared "images/parrot.jpg"), 256, 192)
  local function change(picture, tile)
    local options = { layers = { "inception_3b/output" }, steps = 4, octaves = 1, jitter = 0,
                      loop = { tile = tile } }
    return sb.vis.deepdream(net, picture, options) - picture
  end
  local apart = photo * 0
  for y = 0, 192, 64 do
    for x = 0, 128, 64 do
      local square = { {}, { y + 1, y + 64 }, { x + 1, x + 64 } }
      apart[square] = change(photo[square]:clone())
    end
  end
  local tiled, separate = seam(change(photo, 64), 64, 8), seam(apart, 64, 8)
  lu.assertTrue(math.abs(tiled) < 3, ("seams stand out by %.1f standard errors"):format(tiled))
  lu.assertTrue(separate > 6, ("separate tiles only by %.1f"):format(separate))
end

function T.test_what_sees_the_whole()
  local L = sb.layer
  local conv = L.conv2d { in_channels = 3, out_channels = 2, kernel = 3, rng = sb.rng(1) }
  local net = sb.net { inputs = mixed_net().inputs, preprocess = {},
                       nodes = { node("conv", conv, "x"), node("gap", L.global_avgpool {}, "conv") } }
  h.error_has(sb.optimize, "'gap' sees the whole picture: it cannot be computed by tiles",
    { net = net, image = sb.zeros(3, 20, 20), maximize = sb.objective.layer "gap", tile = 8 })
end

return T
