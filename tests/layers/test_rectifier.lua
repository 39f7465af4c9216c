-- The ReLU family: values from the formulas in double precision, and what each rule passes back.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local inf = math.huge
local X = { -20, -3, -1, -0.25, 0, 0.25, 1, 3, 7, 20 }

local function map(f)
  local out = {}
  for i, x in ipairs(X) do out[i] = f(x) end
  return sb.tensor(out)
end

local function exp_m1(x) return math.exp(x) - 1 end

local formulas = {
  relu = { {}, function(x) return math.max(x, 0) end },
  leaky_relu = { { slope = 0.2 }, function(x) return x > 0 and x or 0.2 * x end },
  prelu = { { weight = sb.tensor { 0.3 } }, function(x) return x > 0 and x or 0.3 * x end },
  elu = { { alpha = 0.5 }, function(x) return x > 0 and x or 0.5 * exp_m1(x) end },
  celu = { { alpha = 2 }, function(x) return math.max(x, 0) + math.min(0, 2 * exp_m1(x / 2)) end },
  selu = { {}, function(x)
    return 1.0507009873554805 * (x > 0 and x or 1.6732632423543772 * exp_m1(x))
  end },
  thresholded_relu = { { alpha = 0.5 }, function(x) return x > 0.5 and x or 0 end },
  clip = { { min = 0, max = 6 }, function(x) return math.min(6, math.max(0, x)) end },
}

function T.test_values_follow_the_formulas()
  for name, case in pairs(formulas) do
    h.close(sb.layer[name](case[1]):forward(sb.tensor(X)), map(case[2]), 2e-7)
  end
end

function T.test_nan_is_not_hidden()
  for name, case in pairs(formulas) do
    if name ~= "thresholded_relu" then
      local y = sb.layer[name](case[1]):forward(sb.tensor { 0 / 0 })
      lu.assertTrue(y[1] ~= y[1], name)
    end
  end
end

-- The design's table: guided passes positive gradients where the input was positive, deconv every
-- positive gradient.
function T.test_rules_of_the_whole_family()
  local x = sb.tensor { -1, -1, 2, 2 }
  local dy = sb.tensor { -5, 5, -5, 5 }
  for _, name in ipairs { "relu", "leaky_relu", "prelu", "elu", "celu", "thresholded_relu", "clip" } do
    local layer = sb.layer[name](formulas[name][1])
    local _, tape = layer:forward(x)
    h.close(layer:backward(tape, dy, { rectifier = "guided" }), sb.tensor { 0, 0, 0, 5 }, 0)
    h.close(layer:backward(tape, dy, { rectifier = "deconv" }), sb.tensor { 0, 5, 0, 5 }, 0)
    lu.assertTrue(layer.is_rectifier)
  end
end

function T.test_gradient_at_kinks_is_that_of_the_flat_side()
  local function slope_at(x, layer)
    local _, tape = layer:forward(sb.tensor { x })
    return layer:backward(tape, sb.tensor { 1 })[1]
  end
  lu.assertEquals(slope_at(0, sb.layer.relu {}), 0)
  lu.assertEquals(slope_at(6, sb.layer.clip { min = 0, max = 6 }), 0)
  lu.assertEquals(slope_at(0, sb.layer.clip { min = 0, max = 6 }), 0)
end

function T.test_clip_with_another_floor_is_no_rectifier()
  local layer = sb.layer.clip { min = -1, max = 1 }
  local _, tape = layer:forward(sb.tensor { -2, -0.5, 0.5, 2 })
  local dy = sb.tensor { 3, -3, -3, 3 }
  for _, rule in ipairs { "gradient", "guided", "deconv" } do
    h.close(layer:backward(tape, dy, { rectifier = rule }), sb.tensor { 0, -3, -3, 0 }, 0)
  end
end

function T.test_guided_stops_at_the_ceiling_of_relu6()
  local layer = sb.layer.clip { min = 0, max = 6 }
  local _, tape = layer:forward(sb.tensor { 5, 7 })
  h.close(layer:backward(tape, sb.tensor { 2, 2 }, { rectifier = "guided" }), sb.tensor { 2, 0 }, 0)
end

function T.test_clip_without_bounds_and_with_bounds_that_cross()
  local x = sb.tensor { -inf, -1, 0, 1, inf }
  h.close(sb.layer.clip {}:forward(x), x, 0)
  h.close(sb.layer.clip { max = 0 }:forward(x), sb.tensor { -inf, -1, 0, 0, 0 }, 0)
  h.error_has(sb.layer.clip, "clip: min is 3, above max 1", { min = 3, max = 1 })
end

function T.test_prelu_has_a_weight_a_channel_or_one_for_all()
  local x = sb.full(-1, 2, 3, 2, 2)
  local layer = sb.layer.prelu { weight = sb.tensor { 1, 2, 3 } }
  local y, tape = layer:forward(x)
  lu.assertEquals(y:totable()[2], { { { -1, -1 }, { -1, -1 } }, { { -2, -2 }, { -2, -2 } },
    { { -3, -3 }, { -3, -3 } } })
  layer:backward(tape, sb.full(1, 2, 3, 2, 2), { weights = true })
  h.close(layer.grads.weight, sb.tensor { -8, -8, -8 }, 0)
  lu.assertEquals(sb.layer.prelu {}.params.weight:totable(), { 0.25 }) -- He et al. 2015
  h.error_has(layer.forward, "prelu: input is 2x4x2, weight expects 3 channels in dimension 2", layer,
    sb.zeros(2, 4, 2))
  h.error_has(sb.layer.prelu, "prelu: weight must be (channels), got 3x1", { weight = sb.zeros(3, 1) })
end

-- More elements than one thread takes at a time, and no multiple of that.
function T.test_long_tensors_are_covered_to_the_end()
  local x = sb.randn(sb.rng(3), 200003)
  for _, name in ipairs { "relu", "leaky_relu" } do
    local layer = sb.layer[name] {}
    local y, tape = layer:forward(x)
    local slope = sb.where(x:gt(0), 1, name == "relu" and 0 or 0.01)
    h.close(y, x * slope, 1e-6)
    h.close(layer:backward(tape, y), y * slope, 1e-6)
  end
end

function T.test_celu_needs_an_alpha()
  h.error_has(sb.layer.celu, "celu: alpha must not be 0", { alpha = 0 })
end

return T
