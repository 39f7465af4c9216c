-- sb.ascend: every step's value can be checked against the net itself.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

local function small_net()
  local rng, L = sb.rng(5), sb.layer
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } },
    nodes = {
      { name = "conv", inputs = { "x" },
        layer = L.conv2d { in_channels = 3, out_channels = 6, kernel = 3, pad = 1, rng = rng } },
      { name = "relu", inputs = { "conv" }, layer = L.relu {} },
      { name = "gap", inputs = { "relu" }, layer = L.global_avgpool {} },
      { name = "flat", inputs = { "gap" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" }, layer = L.linear { in_features = 6, out_features = 4, rng = rng } },
      { name = "prob", inputs = { "fc" }, layer = L.softmax { axis = 2 } },
    },
  }
end

local function input() return sb.randn(sb.rng(1), 1, 3, 12, 12) * 0.1 end

function T.test_a_class_rises()
  local net, x = small_net(), input()
  local before = x:clone()
  local raised, history = sb.ascend { net = net, input = x, class = 2, steps = 10, rate = 0.1 }
  lu.assertEquals(#history, 10)
  h.close(history[1], net:forward(x).fc[{ 1, 2 }], 1e-6)
  lu.assertTrue(net:forward(raised).fc[{ 1, 2 }] > history[1])
  h.close(x, before, 0)
end

function T.test_a_channel_and_a_neuron_rise()
  local net, x = small_net(), input()
  for _, neuron in ipairs { false, { 4, 7 } } do
    local options = { net = net, input = x, layer = "relu", channel = 3, steps = 5, rate = 0.1,
                      neuron = neuron or nil }
    local _, history = sb.ascend(options)
    lu.assertTrue(history[5] > history[1])
  end
end

-- One step without extras adds rate * g / mean|g|, g the gradient of the logit.
function T.test_one_step_by_hand()
  local net, x = small_net(), input()
  local g = net:forward(x):backward { class = 1 }
  local raised = sb.ascend { net = net, input = x, class = 1, steps = 1, rate = 0.5 }
  h.close(raised, x + g * (0.5 / g:abs():mean()), 1e-5)
end

function T.test_l2_pulls_towards_zero()
  local net, x = small_net(), input()
  local free = sb.ascend { net = net, input = x, class = 1, steps = 20, rate = 0.1 }
  local held = sb.ascend { net = net, input = x, class = 1, steps = 20, rate = 0.1, l2 = 1 }
  lu.assertTrue(held:norm() < free:norm())
end

function T.test_jitter_follows_its_generator()
  local net, x = small_net(), input()
  local function run(seed)
    return (sb.ascend { net = net, input = x, class = 1, steps = 4, jitter = 3, rng = sb.rng(seed) })
  end
  h.close(run(1), run(1), 0)
  lu.assertEquals(run(1):size(), x:size())
  lu.assertTrue((run(1) - x):norm() > 0)
end

function T.test_a_target_is_required()
  h.error_has(sb.ascend, "say what to raise", { net = small_net(), input = input() })
end

return T
