-- Receptive fields, by a bright dot: exactly the activations that should see it move.
local field = require "switchback.field"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- Sums in double are exact for whole numbers, Winograd's F(4x4) is not.
function T.setUp() sb.precision "exact" end
T.tearDown = h.usual_precision

-- { {y, x} = dots }, as one batch (N,C,side,side) that is 0 elsewhere.
local function dots_on(places, channels, side)
  local x = sb.zeros(#places, channels, side, side)
  for n, at in ipairs(places) do
    for c = 1, channels do x[{ n, c, at[1], at[2] }] = 1 end
  end
  return x
end

-- A map (H,W) with 1 where the field of a position holds the dot.
local function predicted(f, at, height, width)
  local rows = {}
  for y = 1, height do
    rows[y] = {}
    for x = 1, width do
      local top, left, bottom, right = field.box(f, y, x)
      local sees = at[1] >= top and at[1] <= bottom and at[2] >= left and at[2] <= right
      rows[y][x] = sees and 1 or 0
    end
  end
  return sb.tensor(rows)
end

-- Fails unless of every picture exactly the predicted positions have a channel above 0.
local function check_moved(name, values, f, places)
  local moved = values:max(2):gt(0)
  for n, at in ipairs(places) do
    local wanted = predicted(f, at, values:size(3), values:size(4))
    local ok, difference = moved:select(1, n):close(wanted, 0)
    if not ok then error(("%s, dot at %d, %d: %s"):format(name, at[1], at[2], difference), 0) end
  end
end

-- Corners, edges, and places in between.
local function places_in(side)
  local list = { { 1, 1 }, { side, side }, { 1, side // 2 }, { side // 3, side } }
  local rng = sb.rng(3)
  for _ = 1, 4 do list[#list + 1] = { rng:integer(1, side), rng:integer(1, side) } end
  return list
end

-- ---- A net of our own, as a whole -----------------------------------------------------------------------

local function conv(channels, filters, kernel, options)
  local config = { weight = sb.ones(filters, channels, kernel, kernel), bias = false }
  for key, value in pairs(options or {}) do config[key] = value end
  return sb.layer.conv2d(config)
end

-- Strides, padding that differs by side, pooling that rounds up, branches of unequal reach.
local function winding_net(side)
  local layer = sb.layer
  return sb.net {
    inputs = { { name = "x", shape = { 0, 2, side, side } } },
    nodes = {
      { name = "c1", inputs = { "x" }, layer = conv(2, 3, 5, { stride = 2, pad = { 2, 1, 0, 2 } }) },
      { name = "r1", inputs = { "c1" }, layer = layer.relu {} },
      { name = "p1", inputs = { "r1" }, layer = layer.maxpool { kernel = 3, stride = 2, ceil_mode = true } },
      { name = "b1", inputs = { "p1" }, layer = conv(3, 2, 1) },
      { name = "b3", inputs = { "p1" }, layer = conv(3, 2, 3, { pad = 1 }) },
      { name = "b5a", inputs = { "p1" }, layer = conv(3, 2, 1) },
      { name = "b5", inputs = { "b5a" }, layer = conv(2, 2, 5, { pad = 2 }) },
      { name = "bp", inputs = { "p1" }, layer = layer.maxpool { kernel = 3, stride = 1, pad = 1 } },
      { name = "cat", inputs = { "b1", "b3", "b5", "bp" }, layer = layer.concat {} },
      { name = "lrn", inputs = { "cat" }, layer = layer.lrn { size = 3 } },
      { name = "p2", inputs = { "lrn" }, layer = layer.avgpool { kernel = 2, stride = 2, ceil_mode = true } },
    },
  }
end

-- Whole numbers up to the last pooling, so that what should be 0 is, whatever the algorithm.
function T.test_a_dot_moves_what_sees_it()
  local side = 47
  local net, places = winding_net(side), places_in(side)
  local pass, fields = net:forward(dots_on(places, 2, side)), net:fields()
  for _, name in ipairs { "c1", "p1", "b1", "b3", "b5", "bp", "cat", "p2" } do
    check_moved(name, pass[name], fields[name], places)
  end
end

-- The same dots against fields that are wrong by one pixel or one step: the check can fail.
function T.test_the_check_notices_a_pixel()
  local side = 47
  local net, places = winding_net(side), places_in(side)
  local pass, f = net:forward(dots_on(places, 2, side)), net:fields().cat
  for _, key in ipairs { "lo", "hi", "stride" } do
    for axis = 1, 2 do
      local wrong = { { lo = f[1].lo, hi = f[1].hi, stride = f[1].stride },
                      { lo = f[2].lo, hi = f[2].hi, stride = f[2].stride } }
      wrong[axis][key] = wrong[axis][key] + 1
      h.error_has(check_moved, "cat, dot at", "cat", pass.cat, wrong, places)
    end
  end
end

-- ---- GoogLeNet, layer by layer --------------------------------------------------------------------------

-- Runs the nodes one by one on maps of 0 and 1, all weights 1: values count what is seen, whole numbers that
-- stay exact, and are made 0 and 1 again for the next layer, so that the far ends of a field do not fade.
local function spread_of(net, x, last)
  local values, shapes = { [net.inputs[1].name] = x }, net:shapes(x:size(), last)
  for _, node in ipairs(net.order) do
    local inputs = {}
    for i, name in ipairs(node.inputs) do inputs[i] = values[name] end
    local layer = net.layer_of(node, function(value) return shapes[value] end)
    for name, t in pairs(layer.params) do t:fill_(name == "weight" and 1 or 0) end
    inputs[#inputs + 1] = { tape = false }
    values[node.outputs[1]] = layer:forward(table.unpack(inputs)):gt(0.01)
    if node.outputs[1] == last then return values end
  end
end

function T.test_a_dot_moves_what_sees_it_in_googlenet()
  local net = sb.load(h.shared "models/googlenet/googlenet.onnx")
  local last = net:value "inception_4b/output"
  local places = { { 1, 1 }, { 224, 130 }, { 97, 61 } }
  local values, fields = spread_of(net, dots_on(places, 3, 224), last), net:fields()
  for _, name in ipairs { "conv1/relu_7x7", "pool1/3x3_s2", "conv2/relu_3x3", "inception_3a/output",
                          "inception_3b/output", "pool3/3x3_s2", "inception_4b/output" } do
    check_moved(name, values[net:value(name)], fields[net:value(name)], places)
  end
end

return T
