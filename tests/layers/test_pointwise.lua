-- Smooth and other pointwise layers: values from the formulas in double precision, and extreme inputs.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local inf = math.huge
local X = { -8, -3, -1.5, -0.5, -0.01, 0, 0.01, 0.5, 1.5, 3, 8 }

local function map(f, xs)
  local out = {}
  for i, x in ipairs(xs) do out[i] = f(x) end
  return sb.tensor(out)
end

-- The error function by its Maclaurin series, which converges everywhere; 80 terms suffice up to |x| = 4.
local function erf(x)
  if math.abs(x) > 4 then return x > 0 and 1 or -1 end
  local term, sum = x, x
  for n = 1, 80 do
    term = -term * x * x / n
    sum = sum + term / (2 * n + 1)
  end
  return 2 / math.sqrt(math.pi) * sum
end

local function sigmoid(x) return 1 / (1 + math.exp(-x)) end
local function tanh(x) return 2 * sigmoid(2 * x) - 1 end
local function softplus(x) return math.log(1 + math.exp(x)) end

local formulas = {
  sigmoid = { {}, sigmoid },
  tanh = { {}, tanh },
  softplus = { {}, softplus },
  hard_sigmoid = { { alpha = 0.3, beta = 0.4 }, function(x)
    return math.max(0, math.min(1, 0.3 * x + 0.4))
  end },
  hard_swish = { {}, function(x) return x * math.max(0, math.min(1, x / 6 + 0.5)) end },
  swish = { {}, function(x) return x * sigmoid(x) end },
  mish = { {}, function(x) return x * tanh(softplus(x)) end },
  gelu = { {}, function(x) return x * (1 + erf(x / math.sqrt(2))) / 2 end },
  erf = { {}, erf },
  exp = { {}, math.exp },
  abs = { {}, math.abs },
  neg = { {}, function(x) return -x end },
}

-- Float32 rounding of the result and of one intermediate value.
function T.test_values_follow_the_formulas()
  for name, case in pairs(formulas) do
    local close, why = sb.layer[name](case[1]):forward(sb.tensor(X)):close(map(case[2], X), 5e-7)
    lu.assertTrue(close, name .. ": " .. tostring(why))
  end
end

function T.test_values_for_positive_inputs()
  local xs = { 1e-6, 0.01, 0.5, 1, 2, 100, 1e6 }
  h.close(sb.layer.log {}:forward(sb.tensor(xs)), map(math.log, xs), 2e-7)
  h.close(sb.layer.sqrt {}:forward(sb.tensor(xs)), map(math.sqrt, xs), 2e-7)
  h.close(sb.layer.reciprocal {}:forward(sb.tensor(xs)), map(function(x) return 1 / x end, xs), 2e-7)
end

function T.test_gelu_by_tanh()
  local function formula(x)
    return x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ^ 3))) / 2
  end
  h.close(sb.layer.gelu { approximate = "tanh" }:forward(sb.tensor(X)), map(formula, X), 5e-7)
  h.error_has(sb.layer.gelu, "gelu: 'approximate' must be one of none, tanh; got 'sine'",
    { approximate = "sine" })
end

function T.test_large_inputs_neither_overflow_nor_cancel()
  local x, rectified = sb.tensor { -1000, -90, 90, 1000 }, sb.tensor { 0, 0, 90, 1000 }
  h.close(sb.layer.tanh {}:forward(x), sb.tensor { -1, -1, 1, 1 }, 0)
  h.close(sb.layer.sigmoid {}:forward(x), sb.tensor { 0, 0, 1, 1 }, 1e-36) -- e^-90 is 8e-40
  for _, name in ipairs { "softplus", "swish", "mish", "gelu" } do
    h.close(sb.layer[name] {}:forward(x), rectified, 1e-36)
  end
end

-- A sum of 1 and e^-20 would lose the small term.
function T.test_softplus_keeps_small_values()
  local y = sb.layer.softplus {}:forward(sb.tensor { -20 })
  lu.assertAlmostEquals(y[1] / math.exp(-20), 1, 1e-6)
end

function T.test_poles_are_infinite()
  local zero = sb.tensor { 0 }
  lu.assertEquals(sb.layer.log {}:forward(zero)[1], -inf)
  lu.assertEquals(sb.layer.reciprocal {}:forward(zero)[1], inf)
  local y = sb.layer.sqrt {}:forward(sb.tensor { -1 })
  lu.assertTrue(y[1] ~= y[1])
end

function T.test_smooth_layers_pass_the_true_gradient_under_every_rule()
  local layer = sb.layer.swish {}
  local _, tape = layer:forward(sb.tensor { -1, 1 })
  local dy = sb.tensor { 1, -1 }
  local plain = layer:backward(tape, dy)
  lu.assertTrue(plain[1] ~= 0 and plain[2] < 0)
  h.close(layer:backward(tape, dy, { rectifier = "deconv" }), plain, 0)
  lu.assertFalse(layer.is_rectifier)
end

function T.test_scalars_and_empty_tensors_have_an_image()
  lu.assertEquals(sb.layer.exp {}:forward(sb.tensor { 0 }:reshape {}):size(), {})
  lu.assertEquals(sb.layer.exp {}:forward(sb.zeros(2, 0)):size(), { 2, 0 })
end

return T
