-- reduce_*: values by hand, axes near and apart, ties, empty sets.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local X = sb.tensor { { 3, -4, 0 }, { 1, 2, -2 } }

local function reduce(name, config, x) return (sb.layer["reduce_" .. name](config):forward(x)) end

local function gradient(name, config, x, dy)
  local layer = sb.layer["reduce_" .. name](config)
  local _, tape = layer:forward(x)
  return layer:backward(tape, dy)
end

function T.test_values_along_rows()
  local want = { sum = { -1, 1 }, mean = { -1 / 3, 1 / 3 }, max = { 3, 2 }, min = { -4, -2 }, l1 = { 7, 5 },
    l2 = { 5, 3 }, sum_square = { 25, 9 } }
  for name, values in pairs(want) do
    local y = reduce(name, { axes = 2, keepdims = false }, X)
    local close, why = y:close(sb.tensor(values), 1e-7)
    lu.assertTrue(close, name .. ": " .. tostring(why))
    lu.assertEquals(reduce(name, { axes = -1 }, X):size(), { 2, 1 })
    lu.assertEquals(reduce(name, { keepdims = false }, X):size(), {})
    lu.assertEquals(reduce(name, {}, X):size(), { 1, 1 })
  end
end

function T.test_axes_that_are_no_neighbours()
  local x = sb.randn(sb.rng(1), 3, 4, 5, 6)
  h.close(reduce("sum", { axes = { 1, 3 }, keepdims = false }, x), x:sum(3):sum(1), 2e-6)
  h.close(reduce("max", { axes = { 4, 1, 2 } }, x), x:max(4, true):max(2, true):max(1, true), 0)
  h.close(reduce("l2", { axes = { 1, -1 } }, x), (x * x):sum(4, true):sum(1, true):sqrt(), 1e-6)
end

function T.test_gradients_by_hand()
  local dy = sb.tensor { { 10 }, { 100 } }
  h.close(gradient("mean", { axes = 2 }, X, dy), sb.tensor { { 10, 10, 10 }, { 100, 100, 100 } } / 3, 1e-6)
  h.close(gradient("l1", { axes = 2 }, X, dy), sb.tensor { { 10, -10, 0 }, { 100, 100, -100 } }, 0)
  h.close(gradient("l2", { axes = 2 }, X, dy),
    sb.tensor { { 6, -8, 0 }, { 100 / 3, 200 / 3, -200 / 3 } }, 1e-5)
  h.close(gradient("sum_square", { axes = 2 }, X, dy), sb.tensor { { 60, -80, 0 }, { 200, 400, -400 } }, 0)
  h.close(gradient("sum", { axes = 1, keepdims = false }, X, sb.tensor { 1, 2, 3 }),
    sb.tensor { { 1, 2, 3 }, { 1, 2, 3 } }, 0)
end

function T.test_equal_extremes_share_the_gradient()
  local x = sb.tensor { { 1, 5, 5 }, { 5, 0, 2 } }
  h.close(gradient("max", {}, x, sb.tensor { { 6 } }), sb.tensor { { 0, 2, 2 }, { 2, 0, 0 } }, 0)
  h.close(gradient("max", { axes = 2 }, x, sb.tensor { { 6 }, { 1 } }),
    sb.tensor { { 0, 3, 3 }, { 1, 0, 0 } }, 0)
  h.close(gradient("min", { axes = 1, keepdims = false }, -x, sb.tensor { 1, 2, 3 }),
    sb.tensor { { 0, 2, 3 }, { 1, 0, 0 } }, 0)
end

function T.test_the_norm_of_nothing_has_no_slope()
  h.close(gradient("l2", {}, sb.zeros(2, 2), sb.tensor { { 1 } }), sb.zeros(2, 2), 0)
end

-- In float32 alone, adding 1 to 2^24 changes nothing.
function T.test_long_sums_are_accurate()
  local x = sb.full(1, 1 << 12, 1 << 12)
  x[{ 1, 1 }] = 1 << 24
  lu.assertEquals(reduce("sum", { keepdims = false }, x):sum(), 1 << 25) -- 2^25 - 1, rounded once
  lu.assertAlmostEquals(reduce("mean", {}, sb.full(0.1, 1000, 1000))[{ 1, 1 }], 0.1, 1e-8)
end

function T.test_empty_sets()
  h.close(reduce("sum", { axes = 1 }, sb.zeros(0, 2)), sb.zeros(1, 2), 0)
  h.close(reduce("max", { axes = 1 }, sb.zeros(0, 2)), sb.full(-math.huge, 1, 2), 0)
  lu.assertEquals(reduce("mean", { axes = 2 }, sb.zeros(0, 2)):size(), { 0, 1 })
end

function T.test_mistakes_are_named()
  h.error_has(reduce, "reduce_max: axis 3 is out of range for the input 2x3", "max", { axes = 3 }, X)
  h.error_has(reduce, "reduce_sum: axis 2 is named twice", "sum", { axes = { 2, -1 } }, X)
end

function T.test_windows()
  lu.assertEquals(sb.layer.reduce_mean { axes = 2 }:window().extent, { 1, 1 })
  lu.assertNil(sb.layer.reduce_mean { axes = { 3, 4 } }:window())
  lu.assertNil(sb.layer.reduce_mean {}:window())
end

return T
