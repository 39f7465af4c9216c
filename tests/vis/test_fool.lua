-- Pictures that fool a net: against the least change that a linear net needs, and on a trained one.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

local W <const> = 5 -- side of the pictures

-- Two classes whose scores are linear in a grey picture; labels "left" and "right".
local function linear_net(seed)
  local L = sb.layer
  return sb.net {
    inputs = { { name = "x", shape = { 0, 1, 0, 0 } } },
    preprocess = { size = W, channels = "grey", mean = 0.5, std = 0.25 }, labels = { "left", "right" },
    nodes = {
      { name = "flat", inputs = { "x" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" },
        layer = L.linear { in_features = W * W, out_features = 2, rng = sb.rng(seed) } },
      { name = "prob", inputs = { "fc" }, layer = L.softmax { axis = 2 } },
    },
  }
end

-- In the middle of the range, so that a small change meets neither 0 nor 1; in 256 levels.
local function picture_of(seed) return (sb.rand(sb.rng(seed), 1, W, W) * 100 + 78):floor() / 255 end

-- The bound in levels at which the scores of a linear net meet: margin / ||w1 - w2||_1 (the maximum of a
-- linear function over a cube lies in a corner).
local function least_bound(net, picture)
  local weight = net:node("fc").layer.params.weight
  local scores = net:forward(net:prepare(picture)):scores()
  local slope = (weight:select(1, 1) - weight:select(1, 2)):abs():sum() / 0.25
  return math.abs(scores[{ 1, 1 }] - scores[{ 1, 2 }]) / slope * 255
end

-- Both methods reach that corner of the cube, at the first whole level above the bound.
function T.test_a_linear_net_is_fooled_at_the_least_bound()
  local reached = {}
  for seed = 1, 6 do
    local net, picture = linear_net(seed), picture_of(seed)
    local least = math.ceil(least_bound(net, picture))
    for _, method in ipairs { "fgsm", "iterative" } do
      local found = sb.vis.fool(net, picture, { method = method, confidence = 0, most = 60 })
      lu.assertEquals({ found.fooled, found.largest }, { true, least }, method)
      lu.assertNotEquals(found.class.label, found.original.label)
    end
    reached[least] = true
  end
  lu.assertTrue(next(reached, next(reached)) ~= nil) -- the bounds differ
end

function T.test_what_cannot_be_fooled_is_said()
  local net, picture = linear_net(1), picture_of(1)
  local most = math.ceil(least_bound(net, picture)) - 1
  for _, method in ipairs { "fgsm", "iterative" } do
    local found = sb.vis.fool(net, picture, { method = method, confidence = 0, most = math.max(most, 1) })
    lu.assertEquals({ found.fooled, found.largest }, { false, most })
    lu.assertEquals(found.class.label, found.original.label)
  end
end

-- One step along the sign of the derivative of the class's score, which for two classes is that of the
-- cross-entropy.
function T.test_fgsm_is_one_step_along_the_sign()
  local net, picture = linear_net(2), picture_of(2)
  local found = sb.vis.fool(net, picture, { method = "fgsm", confidence = 0, most = 60 })
  local weight = net:node("fc").layer.params.weight
  local from, to = found.original.index, found.class.index
  local sign = (weight:select(1, to) - weight:select(1, from)):sign():reshape(1, W, W)
  h.close(found.change, sign * (found.largest / 255), 1e-6)
  h.close(found.picture, picture + found.change, 1e-6)
end

function T.test_probabilities_are_those_of_both_pictures()
  local net, picture = linear_net(3), picture_of(3)
  local found = sb.vis.fool(net, picture, { confidence = 0.9, most = 200 })
  lu.assertTrue(found.fooled and found.class.after >= 0.9)
  local before = net:forward(net:prepare(picture)):probabilities()
  local after = net:forward(net:prepare(found.picture)):probabilities()
  for _, class in ipairs { found.original, found.class } do
    lu.assertAlmostEquals(class.before, before[{ 1, class.index }], 1e-6)
    lu.assertAlmostEquals(class.after, after[{ 1, class.index }], 1e-6)
  end
end

function T.test_mistakes()
  local net, picture = linear_net(1), picture_of(1)
  local seen = net:forward(net:prepare(picture)):top(1)[1].label
  local function refused(options, text) h.error_has(sb.vis.fool, text, net, picture, options) end
  refused({ class = seen }, "is what the net sees already")
  refused({ method = "fgms" }, "unknown method 'fgms'; did you mean 'fgsm'")
  refused({ most = 0.5 }, "most must be a whole number of at least 1, got 0.5")
end

-- A trained net, a class far away, and a file between.
function T.test_a_trained_net_is_fooled_through_a_file()
  local net = sb.load(h.shared "models/squeezenet1_1/squeezenet1_1.onnx")
  for name, class in pairs { ["owl.jpg"] = "ostrich", ["astronaut.png"] = "toaster" } do
    local found = sb.vis.fool(net, sb.image.load(h.shared("images/" .. name)), { class = class })
    lu.assertTrue(found.fooled and found.class.before < 0.01 and found.class.after >= 0.5)
    lu.assertTrue(found.largest >= 1 and found.largest <= 8)
    local path = h.temporary "fooled.png"
    assert(sb.image.save(path, found.picture))
    local again = net:forward(net:prepare(sb.image.load(path))):top(1)[1]
    lu.assertEquals(again.index, net:class(class))
    lu.assertAlmostEquals(again.p, found.class.after, 1e-5)
  end
end

return T
