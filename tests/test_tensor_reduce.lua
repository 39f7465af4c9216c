-- Reductions against the textbook formula over Lua numbers.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}
local inf, nan = math.huge, 0 / 0

-- ---- Naive formulas over a list -----------------------------------------------------------------

local function sum(v)
  local s = 0
  for _, x in ipairs(v) do s = s + x end
  return s
end
local function mean(v) return sum(v) / #v end
local function var(v)
  local m, s = mean(v), 0
  for _, x in ipairs(v) do s = s + (x - m) ^ 2 end
  return s / (#v - 1)
end
local naive = {
  sum = sum, mean = mean, var = var,
  std = function(v) return math.sqrt(var(v)) end,
  norm = function(v)
    local s = 0
    for _, x in ipairs(v) do s = s + x * x end
    return math.sqrt(s)
  end,
  prod = function(v)
    local p = 1
    for _, x in ipairs(v) do p = p * x end
    return p
  end,
  max = function(v) return math.max(table.unpack(v)) end,
  min = function(v) return math.min(table.unpack(v)) end,
}

local function first_position(v, value)
  for i, x in ipairs(v) do if x == value then return i end end
end

-- The values of t along `dims` (a set) at each position of the other dimensions, in row-major order.
local function lines(t, dims)
  local size, groups, order = t:size(), {}, {}
  local function visit(d, index, key)
    if d > #size then
      if not groups[key] then groups[key], order[#order + 1] = {}, key end
      table.insert(groups[key], t[index])
      return
    end
    for i = 1, size[d] do
      index[d] = i
      visit(d + 1, index, dims[d] and key or key .. "," .. i)
    end
  end
  visit(1, {}, "")
  local list = {}
  for i, key in ipairs(order) do list[i] = groups[key] end
  return list
end

local dims_to_try = { { 1 }, { 2 }, { 3 }, { 4 }, { 1, 2 }, { 2, 3 }, { 3, 4 }, { 1, 3 }, { 1, 4 }, { 2, 4 },
  { 1, 2, 3, 4 }, { 4, 2, 1 } }

local function check_reduction(name, t, dims)
  local set, kept, with_ones = {}, {}, {}
  for _, d in ipairs(dims) do set[d] = true end
  for d, n in ipairs(t:size()) do
    if not set[d] then kept[#kept + 1] = n end
    with_ones[d] = set[d] and 1 or n
  end
  local result, positions = t[name](t, #dims == 1 and dims[1] or dims)
  lu.assertEquals(result:size(), kept)
  lu.assertEquals(t[name](t, dims, true):size(), with_ones)
  local values = result:reshape(-1):totable()
  for i, line in ipairs(lines(t, set)) do
    local expected = naive[name](line)
    -- Results are rounded to float32; the sums themselves are in double.
    lu.assertAlmostEquals(values[i], expected, 2e-7 * math.max(1, math.abs(expected)))
    if positions then lu.assertEquals(positions:reshape(-1)[i], first_position(line, expected)) end
  end
end

for name in pairs(naive) do
  T["test_" .. name .. "_along_dimensions"] = function()
    local t = sb.randn(sb.rng(1), 3, 4, 5, 6)
    for _, dims in ipairs(dims_to_try) do check_reduction(name, t, dims) end
    check_reduction(name, sb.randn(sb.rng(2), 7, 40), { 1 }) -- more neighbours than are folded at once
    check_reduction(name, sb.randn(sb.rng(2), 7, 40), { 2 })
  end

  T["test_" .. name .. "_of_everything"] = function()
    for _, n in ipairs { 1, 2, 15, 16, 17, 100 } do
      local t = sb.randn(sb.rng(n), n)
      local expected = naive[name](t:totable())
      if expected == expected then lu.assertAlmostEquals((t[name](t)), expected, 1e-12) end
    end
  end
end

-- ---- Whole tensors ------------------------------------------------------------------------------

-- 3 million times 0.1 in float32 would be off by whole numbers if summed in float32.
function T.test_sums_are_accurate()
  local n = 3000000
  local tenth = sb.tensor({ 0.1 })[1] -- 0.1 as float32
  lu.assertAlmostEquals(sb.full(0.1, n):sum(), n * tenth, 1e-6)
  lu.assertAlmostEquals(sb.full(0.1, n, 1):sum(1):item(), n * tenth, 0.02) -- rounded once, to float32
  lu.assertAlmostEquals((sb.randn(sb.rng(1), n) + 1e4):var(), 1, 0.01) -- far from 0, two passes
end

function T.test_var_correction()
  local t = sb.tensor { { 1, 2, 3, 4 } }
  lu.assertAlmostEquals(t:var(), 5 / 3, 1e-12)
  lu.assertAlmostEquals(t:var(nil, nil, 0), 5 / 4, 1e-12)
  lu.assertAlmostEquals(t:std(2, false, 0)[1], math.sqrt(5 / 4), 1e-6)
  lu.assertNaN(sb.tensor({ 1 }):var())
end

function T.test_any_and_all()
  local t = sb.tensor { { 0, 1 }, { 0, 0 } }
  lu.assertEquals({ t:any(), t:all(), t[1]:any(), (t + 1):all() }, { true, false, true, true })
  lu.assertEquals(t:any(2):totable(), { 1, 0 })
  lu.assertEquals(t:all(1):totable(), { 0, 0 })
  lu.assertEquals({ sb.zeros(0):any(), sb.zeros(0):all() }, { false, true })
end

function T.test_extremes_answer_positions()
  local t = sb.tensor { { 3, 9, 2 }, { 9, 1, 1 } }
  lu.assertEquals({ t:max() }, { 9, 2 })
  lu.assertEquals({ t:min() }, { 1, 5 })
  lu.assertEquals(t:argmax(), 2)
  lu.assertEquals(t:argmin(), 5)
  lu.assertEquals(math.type(t:argmax()), "integer")
  lu.assertEquals(t:argmax(2):totable(), { 2, 1 })
  lu.assertEquals(t:argmin(1):totable(), { 1, 2, 2 })
  lu.assertEquals(t:argmax({ 1, 2 }):item(), 2)
end

function T.test_positions_in_long_tensors()
  local t = sb.zeros(500000)
  t[400001] = 1
  lu.assertEquals({ t:max() }, { 1, 400001 })
end

-- ---- Limits -------------------------------------------------------------------------------------

function T.test_not_a_number_wins()
  local t = sb.tensor { 1, nan, 3, nan }
  local value, position = t:max()
  lu.assertNaN(value)
  lu.assertEquals(position, 2)
  lu.assertEquals(t:argmin(), 2)
  lu.assertEquals(t:reshape(2, 2):argmax(1):totable(), { 2, 1 })
  lu.assertNaN(t:sum())
  lu.assertNaN(t:reshape(4, 1):mean(1):item())
  lu.assertEquals(t:all(), true)
end

function T.test_infinite_values()
  lu.assertEquals({ sb.tensor({ -inf, -inf }):max() }, { -inf, 1 })
  lu.assertEquals({ sb.tensor({ 1, inf }):max() }, { inf, 2 })
  lu.assertEquals(sb.tensor({ inf, 1 }):sum(), inf)
  lu.assertNaN(sb.tensor({ inf, -inf }):sum())
end

function T.test_of_nothing()
  local none = sb.zeros(0, 3)
  lu.assertEquals(none:sum(), 0)
  lu.assertEquals(none:prod(), 1)
  lu.assertNaN(none:mean())
  lu.assertEquals(none:sum(1):totable(), { 0, 0, 0 })
  lu.assertEquals(none:sum(2):size(), { 0 })
  lu.assertEquals(none:max(2):size(), { 0 })
  h.error_has(none.max, "max: no values in 0x3", none)
  h.error_has(none.argmin, "min: no values along that dimension of 0x3", none, 1)
end

function T.test_scalars()
  local s = sb.tensor(4)
  lu.assertEquals(s:sum(), 4)
  lu.assertEquals({ s:max() }, { 4, 1 })
  h.error_has(s.sum, "no dimension 1, the tensor has 0", s, 1)
end

function T.test_mistakes()
  local t = sb.zeros(2, 3)
  h.error_has(t.sum, "no dimension 3, the tensor has 2", t, 3)
  h.error_has(t.mean, "no dimension 0", t, { 1, 0 })
  h.error_has(t.sum, "integers expected, got a string", t, { "x" })
  h.error_has(t.max, "number expected", t, "x")
  h.error_has(sb.argmax, "float32 counts to 16777216", sb.zeros(2 ^ 24 + 1), 1)
end

-- ---- Running sums and inner products --------------------------------------------------------------

function T.test_cumsum()
  local t = sb.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t:cumsum(1):totable(), { { 1, 2, 3 }, { 5, 7, 9 } })
  lu.assertEquals(t:cumsum(2):totable(), { { 1, 3, 6 }, { 4, 9, 15 } })
  lu.assertEquals(sb.ones(2, 40):cumsum(1)[2]:sum(), 80)
end

function T.test_dot()
  local a, b = sb.randn(sb.rng(1), 37), sb.randn(sb.rng(2), 37)
  local x, y, expected = a:totable(), b:totable(), 0
  for i = 1, 37 do expected = expected + x[i] * y[i] end
  lu.assertAlmostEquals(a:dot(b), expected, 1e-12)
  h.error_has(a.dot, "dot: shapes 37 and 3 differ", a, sb.zeros(3))
end

return T
