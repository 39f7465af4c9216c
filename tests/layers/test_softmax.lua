-- softmax and log_softmax: values by the definition in double precision, large inputs, every axis.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local function definition(line)
  local sum, out = 0, {}
  for _, x in ipairs(line) do sum = sum + math.exp(x) end
  for i, x in ipairs(line) do out[i] = math.exp(x) / sum end
  return out
end

function T.test_values()
  local line = { 1, 2, 3, -4 }
  local p = sb.tensor(definition(line))
  h.close(sb.layer.softmax { axis = 1 }:forward(sb.tensor(line)), p, 1e-7)
  h.close(sb.layer.log_softmax { axis = 1 }:forward(sb.tensor(line)), p:log(), 1e-6)
end

function T.test_the_default_axis_is_the_channels()
  local x = sb.randn(sb.rng(1), 2, 3, 4, 5)
  local y = sb.layer.softmax {}:forward(x)
  h.close(y:sum(2), sb.full(1, 2, 4, 5), 1e-6)
  h.close(y, sb.layer.softmax { axis = -3 }:forward(x), 0)
end

-- More lines side by side than one block holds, along every axis.
function T.test_every_axis_normalises_its_own_lines()
  local x = sb.randn(sb.rng(2), 3, 70, 5)
  for axis = 1, 3 do
    local y = sb.layer.softmax { axis = axis }:forward(x)
    local e = x:exp()
    h.close(y, e / e:sum(axis, true), 1e-6)
    h.close(sb.layer.log_softmax { axis = axis }:forward(x), y:log(), 2e-6)
  end
end

function T.test_large_inputs_do_not_overflow()
  local x = sb.tensor { 10000, 10001, 10002 }
  local p = sb.tensor(definition { 0, 1, 2 })
  h.close(sb.layer.softmax { axis = 1 }:forward(x), p, 1e-7)
  h.close(sb.layer.log_softmax { axis = 1 }:forward(x), p:log(), 1e-6)
end

-- The logarithm of a probability that float32 cannot hold.
function T.test_log_softmax_keeps_tiny_probabilities()
  local y = sb.layer.log_softmax { axis = 1 }:forward(sb.tensor { 0, -500 })
  h.close(y, sb.tensor { 0, -500 }, 1e-6)
  h.close(sb.layer.softmax { axis = 1 }:forward(sb.tensor { 0, -math.huge }), sb.tensor { 1, 0 }, 0)
end

-- The gradient of a log-probability is (one-hot - p).
function T.test_gradient_of_one_log_probability()
  local line = { 0.5, -1, 2 }
  local layer = sb.layer.log_softmax { axis = 1 }
  local _, tape = layer:forward(sb.tensor(line))
  local dx = layer:backward(tape, sb.tensor { 0, 1, 0 })
  h.close(dx, sb.tensor { 0, 1, 0 } - sb.tensor(definition(line)), 1e-6)
end

function T.test_an_axis_that_is_not_there()
  h.error_has(function() return sb.layer.softmax {}:forward(sb.zeros(3)) end,
    "softmax: axis 2 is out of range for the input 3")
  h.error_has(function() return sb.layer.log_softmax { axis = -3 }:forward(sb.zeros(3, 2)) end,
    "log_softmax: axis -3 is out of range for the input 3x2")
  h.error_has(sb.layer.softmax, "softmax: 'axis' must be 1 to 6", { axis = 0 })
end

function T.test_windows()
  lu.assertEquals(sb.layer.softmax {}:window().extent, { 1, 1 })
  lu.assertNil(sb.layer.softmax { axis = -1 }:window())
end

return T
