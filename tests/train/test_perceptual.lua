-- The perceptual losses: their values by their equations, and the gradient through feature net and transform
-- net by finite differences.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"
local style_batches = require "switchback.train.style_batches"

local T = {}

-- A feature net without kinks, whose differences tell the slopes well: softplus instead of ReLU.
local function feature_net()
  local rng = sb.rng(3)
  local function conv(from, to, stride)
    return sb.layer.conv2d { in_channels = from, out_channels = to, kernel = 3, pad = 1, stride = stride,
                             rng = rng }
  end
  return sb.net { inputs = { { name = "data", shape = { 0, 3, 0, 0 } } }, preprocess = { std = 0.5 },
    nodes = { { name = "c1", inputs = { "data" }, layer = conv(3, 6, 1) },
              { name = "low", inputs = { "c1" }, layer = sb.layer.softplus {} },
              { name = "c2", inputs = { "low" }, layer = conv(6, 5, 2) },
              { name = "high", inputs = { "c2" }, layer = sb.layer.softplus {} } } }
end

local features = feature_net()
local paintings = { sb.rand(sb.rng(8), 3, 20, 24), sb.rand(sb.rng(9), 3, 17, 13) * 0.5 }

local function criterion(more)
  local o = { net = features, styles = paintings, content_layers = { "high" },
              style_layers = { "low", "high" }, content_weight = 0.7, style_weight = 2, tv_weight = 0.3 }
  for key, value in pairs(more or {}) do o[key] = value end
  return sb.criterion.perceptual(o)
end

local function batch() return sb.rand(sb.rng(4), 3, 3, 16, 16), sb.rand(sb.rng(5), 3, 3, 16, 16) end

local function square(t) return t:dot(t) end

-- |G - A|^2 / |A|^2 for one image's maps and a painting's.
local function style_loss(maps, painted)
  local g, a = sb.gram(maps, { normalise = true }), sb.gram(painted, { normalise = true })
  return square(g - a) / square(a)
end

function T.test_the_loss_is_that_of_the_equations()
  local y, x = batch()
  local places, style = { 2, 1, 2 }, 0
  local loss, _, terms = criterion { unit = 255 }(y * 255, { pictures = x * 255, styles = places })
  local f, p = features:forward(features:input(y)), features:forward(features:input(x))
  for n, place in ipairs(places) do
    local a = features:forward(features:input(paintings[place]))
    for _, layer in ipairs { "low", "high" } do
      style = style + style_loss(f[layer]:narrow(1, n, 1), a[layer]) / 2 / 3
    end
  end
  local content = square(f.high - p.high) / square(p.high)
  local function steps(dim) return square(y:narrow(dim, 2, 15) - y:narrow(dim, 1, 15)) end
  local tv = (steps(3) + steps(4)) / (3 * 16 * 16)
  lu.assertAlmostEquals(terms.content / content, 1, 1e-4)
  lu.assertAlmostEquals(terms.style / style, 1, 1e-4)
  lu.assertAlmostEquals(terms.tv / tv, 1, 1e-4)
  lu.assertAlmostEquals(loss / (0.7 * content + 2 * style + 0.3 * tv), 1, 1e-4)
end

function T.test_the_gradient_at_the_pictures()
  local y, x = batch()
  local c, targets = criterion(), { pictures = x, styles = { 1, 2, 1 } }
  local _, gradient = c(y, targets)
  h.check_gradients(function() return (c(y, targets, false)) end, { y }, { gradient })
end

-- The values whose gradients are not nothing but rounding, and these: a bias before an instance norm has no
-- influence.
local function moving(values, gradients)
  local some, theirs, most = {}, {}, 0
  for _, g in ipairs(gradients) do most = math.max(most, g:norm()) end
  for i, g in ipairs(gradients) do
    if g:norm() > 1e-4 * most then some[#some + 1], theirs[#theirs + 1] = values[i], g end
  end
  lu.assertTrue(#some > #values / 2)
  return some, theirs
end

-- The slope of f along each gradient g is |g|. Larger steps meet kinks of ReLUs, smaller ones the rounding of
-- the loss: of 3e-3 to 1e-3 all are seen within 4 %.
local function check_along(f, values, gradients)
  for i, value in ipairs(values) do
    local saved, size = value:clone(), gradients[i]:norm()
    local step = gradients[i] * (1e-3 / size)
    local above, below = f(value:copy_(saved + step)), f(value:copy_(saved - step))
    value:copy_(saved)
    lu.assertAlmostEquals((above - below) / 2e-3 / size, 1, 5e-2)
  end
end

-- A transform net's weights, through it and the feature net.
local function check_weights(styles)
  sb.precision "exact"
  local net = sb.load("johnson", { untrained = true, seed = 2, width = 2, blocks = 1, styles = styles,
    scaled = true })
  local _, x = batch()
  local c, targets = criterion { unit = 255 }, { pictures = x * 255, styles = { 1, styles or 1, 1 } }
  local values, gradients = require("switchback.train.step").weights(net)
  local input = style_batches.inputs(net, targets.pictures, targets.styles)
  local function loss(want)
    local pass = net:forward(input, { training = true })
    local value, gradient = c(pass[net.outputs[1]], targets, want)
    return value, gradient, pass
  end
  local _, gradient, pass = loss()
  pass:backward { seeds = { [net.outputs[1]] = gradient }, weights = true, to = {} }
  check_along(function() return (loss(false)) end, moving(values, gradients))
  h.usual_precision()
end

function T.test_the_gradient_at_the_weights_of_a_transform_net() check_weights() end
function T.test_the_gradient_at_the_tables_of_conditional_norms() check_weights(2) end

function T.test_known_feature_nets()
  local perceptual = require "switchback.perceptual"
  for _, name in ipairs { "googlenet", "googlenet_torchvision", "squeezenet1_0" } do
    local layers = perceptual.layers(sb.load(name, { untrained = true }))
    lu.assertTrue(#layers.style >= 4 and #layers.content == 1)
  end
  for _, path in ipairs { "googlenet/googlenet.onnx", "squeezenet1_1/squeezenet1_1.onnx",
                          "squeezenet1_1/squeezenet1_1.pth", "vgg19_pruned/encoder5.onnx" } do
    local layers = perceptual.layers(sb.load(h.shared("models/" .. path)))
    lu.assertTrue(#layers.style >= 4 and #layers.content == 1, path)
  end
end

function T.test_mistakes_are_named()
  local y, x = batch()
  local function with(more)
    return function() criterion(more)(y, { pictures = x, styles = { 1, 3, 1 } }) end
  end
  h.error_has(with {}, "criterion.perceptual: style 3 of picture 2 is none of the 2")
  h.error_has(with { styles = {} }, "criterion.perceptual: give styles = { picture, ... }")
  h.error_has(with { net = false }, "criterion.perceptual: give net =")
  h.error_has(with { style_layers = { "lo" } }, "no layer is called 'lo'; did you mean 'low'")
  h.error_has(with { style_layers = false }, "this feature net is not known: give content_layers")
  h.error_has(with { style_wieght = 1 }, "did you mean 'style_weight'?")
end

return T
