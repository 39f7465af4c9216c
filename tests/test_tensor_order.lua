-- Sorting and the largest few, against table.sort.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}
local inf, nan = math.huge, 0 / 0

local function sorted_with_positions(list, descending)
  local items = {}
  for i, v in ipairs(list) do items[i] = { v, i } end
  table.sort(items, function(a, b)
    if a[1] == b[1] then return a[2] < b[2] end
    if descending then return a[1] > b[1] end
    return a[1] < b[1]
  end)
  local values, positions = {}, {}
  for i, item in ipairs(items) do values[i], positions[i] = item[1], item[2] end
  return values, positions
end

function T.test_sort_is_stable()
  local rng = sb.rng(1)
  for _, n in ipairs { 1, 2, 7, 300 } do
    local t = sb.randn(rng, n):mul_(3):round_() -- many equal values
    for _, descending in ipairs { false, true } do
      local values, positions = t:sort(descending)
      local v, p = sorted_with_positions(t:totable(), descending)
      lu.assertEquals(values:totable(), v)
      lu.assertEquals(positions:totable(), p)
    end
  end
end

function T.test_sort_by_value_not_bits()
  local t = sb.randn(sb.rng(2), 1000):exp():mul_(sb.randn(sb.rng(3), 1000)):mul_(1e10)
  local v = sorted_with_positions(t:totable())
  lu.assertEquals((t:sort()):totable(), v)
end

function T.test_sort_along_dimensions()
  local t = sb.tensor { { 3, 1, 2 }, { 1, 5, 0 } }
  local values, positions = t:sort(false, 1)
  lu.assertEquals(values:totable(), { { 1, 1, 0 }, { 3, 5, 2 } })
  lu.assertEquals(positions:totable(), { { 2, 1, 2 }, { 1, 2, 1 } })
  lu.assertEquals((t:sort()):totable(), { { 1, 2, 3 }, { 0, 1, 5 } })
  lu.assertEquals((t:sort(true)):totable(), { { 3, 2, 1 }, { 5, 1, 0 } })
end

function T.test_special_values()
  local values, positions = sb.tensor({ 1, nan, -inf, 0, -0.0, inf }):sort()
  lu.assertEquals(positions:totable(), { 3, 4, 5, 1, 6, 2 })
  lu.assertNaN(values[6])
  lu.assertEquals(select(2, sb.tensor({ 1, nan, 2 }):topk(3)):totable(), { 2, 3, 1 })
end

function T.test_topk()
  local t = sb.randn(sb.rng(4), 5, 50)
  local values, positions = t:topk(3)
  lu.assertEquals(values:size(), { 5, 3 })
  for i = 1, 5 do
    local v, p = sorted_with_positions(t[i]:totable(), true)
    lu.assertEquals(values[i]:totable(), { v[1], v[2], v[3] })
    lu.assertEquals(positions[i]:totable(), { p[1], p[2], p[3] })
  end
  local first = t:topk(1, 1)
  lu.assertEquals(first:totable(), { (t:max(1)):totable() })
  lu.assertEquals(sb.tensor({ 2, 2, 1 }):topk(2):totable(), { 2, 2 })
  lu.assertEquals(t:topk(0):size(), { 5, 0 })
end

function T.test_mistakes()
  local t = sb.zeros(2, 3)
  h.error_has(t.topk, "topk: 4 values of dimension 2 of shape 2x3", t, 4)
  h.error_has(t.topk, "topk: -1 values", t, -1)
  h.error_has(t.topk, "no dimension 3", t, 1, 3)
  h.error_has(t.sort, "boolean expected", t, 1)
  h.error_has(t.sort, "a scalar has no dimension", sb.tensor(1))
end

return T
