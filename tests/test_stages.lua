-- The layers through which everything passes.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"
local stages = require "switchback.stages"

local T = {}

function T.test_googlenet()
  local found = stages(sb.load(h.shared "models/googlenet/googlenet.onnx"))
  lu.assertEquals(#found, 18)
  lu.assertEquals({ found[1], found[6], found[7], found[18] }, { "conv1/relu_7x7", "inception_3a/output",
    "inception_3b/output", "loss3/classifier" })
end

-- A layer is no stage where another path leads past it.
function T.test_a_bypass()
  local L, rng = sb.layer, sb.rng(1)
  local function conv() return L.conv2d { in_channels = 3, out_channels = 3, kernel = 1, rng = rng } end
  local net = sb.net { inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, constants = { k = sb.ones(1) },
    nodes = {
      { name = "first", inputs = { "x" }, layer = conv() },
      { name = "inner", inputs = { "first" }, layer = conv() },
      { name = "scaled", inputs = { "inner", "k" }, layer = L.mul {} },
      { name = "sum", inputs = { "first", "scaled" }, layer = L.add {} },
      { name = "relu", inputs = { "sum" }, layer = L.relu {} },
      { name = "prob", inputs = { "relu" }, layer = L.softmax { axis = 2 } },
    } }
  lu.assertEquals(stages(net), { "first", "relu" })
end

return T
