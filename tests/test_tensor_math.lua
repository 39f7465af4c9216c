-- Pointwise arithmetic against the same formula in Lua numbers.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}
local inf, nan = math.huge, 0 / 0

-- Calls compare(x, y) with the numbers of two tensors of equal count.
local function each_pair(a, b, compare)
  local x, y = a:reshape(-1):totable(), b:reshape(-1):totable()
  lu.assertEquals(#x, #y)
  for i = 1, #x do compare(x[i], y[i], i) end
end

-- float32 rounds to 6e-8 of the value; functions of it (exp, pow) to a few times that.
local function assert_same(actual, expected)
  if expected ~= expected then
    lu.assertNaN(actual)
  elseif expected == inf or expected == -inf then
    lu.assertEquals(actual, expected)
  else
    lu.assertAlmostEquals(actual, expected, 1e-6 * math.max(1, math.abs(expected)))
  end
end

-- ---- Two operands -------------------------------------------------------------------------------

local function truth(b) return b and 1 or 0 end
local binary = {
  add = function(a, b) return a + b end,
  sub = function(a, b) return a - b end,
  mul = function(a, b) return a * b end,
  div = function(a, b) return a / b end,
  mod = function(a, b) return a % b end,
  idiv = function(a, b) return a // b end,
  pow = function(a, b) return math.abs(a) ^ b end,
  maximum = math.max,
  minimum = math.min,
  lt = function(a, b) return truth(a < b) end,
  le = function(a, b) return truth(a <= b) end,
  gt = function(a, b) return truth(a > b) end,
  ge = function(a, b) return truth(a >= b) end,
  eq = function(a, b) return truth(a == b) end,
  ne = function(a, b) return truth(a ~= b) end,
}

-- Quarters, so that sums, comparisons and remainders are exact; no zero to divide by.
local function quarters(rng, ...)
  return sb.rand(rng, ...):mul_(16):floor_():sub_(7.5):div_(2)
end

-- Value of a broadcast operand at positions (i, j, k) of the result.
local function at(t, i, j, k)
  local s = t:size()
  return t[{ math.min(i, s[1]), math.min(j, s[2]), math.min(k, s[3]) }]
end

local function check_broadcast(name, f, x, y)
  if name == "pow" then x = x:abs() end
  local z = x[name](x, y)
  local s = z:size()
  for i = 1, s[1] do
    for j = 1, s[2] do
      for k = 1, s[3] do assert_same(z[{ i, j, k }], f(at(x, i, j, k), at(y, i, j, k))) end
    end
  end
end

for name, f in pairs(binary) do
  T["test_" .. name .. "_broadcasts"] = function()
    local rng = sb.rng(1)
    local shapes = { { 2, 3, 4 }, { 1, 3, 4 }, { 2, 1, 4 }, { 2, 3, 1 }, { 1, 1, 4 }, { 1, 1, 1 } }
    for _, of_x in ipairs(shapes) do
      for _, of_y in ipairs(shapes) do
        check_broadcast(name, f, quarters(rng, of_x), quarters(rng, of_y))
      end
    end
  end

  T["test_" .. name .. "_with_numbers"] = function()
    local x = quarters(sb.rng(2), 5)
    if name == "pow" then x = x:abs() end
    each_pair(x, sb[name](x, 1.25), function(a, b) assert_same(b, f(a, 1.25)) end)
    each_pair(x, sb[name](1.25, x), function(a, b) assert_same(b, f(1.25, a)) end)
  end
end

function T.test_metamethods()
  local x, y = sb.tensor { 7, 8 }, sb.tensor { 2, 3 }
  lu.assertEquals((x + y):totable(), { 9, 11 })
  lu.assertEquals((x - 1):totable(), { 6, 7 })
  lu.assertEquals((1 - x):totable(), { -6, -7 })
  lu.assertEquals((2 * y):totable(), { 4, 6 })
  lu.assertEquals((x / y):totable()[1], 3.5)
  lu.assertEquals((x % y):totable(), { 1, 2 })
  lu.assertEquals((x // y):totable(), { 3, 2 })
  lu.assertEquals((y ^ 2):totable(), { 4, 9 })
  lu.assertEquals((-x):totable(), { -7, -8 })
end

function T.test_missing_leading_dimensions_broadcast()
  local x, y = sb.arange(6):reshape(2, 3), sb.tensor { 10, 20, 30 }
  lu.assertEquals((x + y):totable(), { { 11, 22, 33 }, { 14, 25, 36 } })
  lu.assertEquals((y + x):totable(), { { 11, 22, 33 }, { 14, 25, 36 } })
  lu.assertEquals((sb.tensor(1) + sb.tensor(2)):item(), 3)
  lu.assertEquals((sb.zeros(0, 3) + y):size(), { 0, 3 })
end

function T.test_mistakes_name_the_function_and_shapes()
  local x = sb.zeros(2, 3)
  h.error_has(function() return x + sb.zeros(4) end, "add: shapes 2x3 and 4 do not broadcast")
  h.error_has(function() return x:lt(sb.zeros(3, 2)) end, "lt: shapes 2x3 and 3x2 do not broadcast")
  h.error_has(function() return x + "1" end, "tensor or number expected, got string")
  h.error_has(function() return x:add_(sb.zeros(4, 2, 3)) end, "add_: shape 4x2x3 does not broadcast to 2x3")
  h.error_has(sb.add, "switchback.tensor expected", 1, 2)
  h.error_has(x.addmul_, "addmul_: shape 2 does not broadcast to 2x3", x, 1, sb.zeros(2))
  h.error_has(x.copy_, "copy_: shape 2 does not broadcast to 2x3", x, sb.zeros(2))
end

-- Long enough for several threads; every position counts.
function T.test_long_operands()
  local n = 100003
  local x = sb.arange(n)
  local y = sb.arange(n, 1, -1)
  lu.assertEquals((x + y):min(), n + 1)
  lu.assertEquals((x + y):max(), n + 1)
  local rows = sb.arange(1000):reshape(1000, 1) + sb.zeros(1, 300)
  lu.assertEquals(rows:sum(), 300 * 1000 * 1001 / 2)
  lu.assertEquals(rows:max(2):close(sb.arange(1000)), true)
end

function T.test_threads_do_not_change_results()
  local x, y = sb.randn(sb.rng(1), 300, 400), sb.randn(sb.rng(2), 400)
  local threads = sb.threads()
  local function results()
    return (x * y):bytes() .. x:exp():bytes() .. ("%a %a"):format(x:sum(), x:var()) .. x:sum(1):bytes()
  end
  sb.threads(1)
  local alone = results()
  sb.threads(4)
  local together = results()
  sb.threads(threads)
  lu.assertEquals(together == alone, true)
end

function T.test_not_a_number()
  local x = sb.tensor { nan, 1, inf, -inf }
  each_pair(x:maximum(2), sb.tensor { nan, 2, inf, 2 }, assert_same)
  each_pair(x:minimum(2), sb.tensor { nan, 1, 2, -inf }, assert_same)
  each_pair(sb.minimum(2, x), sb.tensor { nan, 1, 2, -inf }, assert_same)
  each_pair(x - x, sb.tensor { nan, 0, nan, nan }, assert_same)
  lu.assertEquals(x:lt(2):totable(), { 0, 1, 0, 1 })
  lu.assertEquals(x:ne(x):totable(), { 1, 0, 0, 0 })
  each_pair(sb.tensor { 5, -5, 5, nan } % inf, sb.tensor { 5, inf, 5, nan }, assert_same)
  each_pair(sb.tensor { 5, -5, 0 } % 0, sb.tensor { nan, nan, nan }, assert_same)
  each_pair(sb.tensor { 1, -1, 0 } / 0, sb.tensor { inf, -inf, nan }, assert_same)
end

-- ---- In place -----------------------------------------------------------------------------------

function T.test_in_place_forms_overwrite()
  local rng = sb.rng(3)
  for _, name in ipairs { "add", "sub", "mul", "div", "pow", "mod", "idiv", "maximum", "minimum" } do
    local x, y = quarters(rng, 4, 5):abs(), quarters(rng, 5)
    local expected = x[name](x, y)
    local same = x[name .. "_"](x, y)
    lu.assertTrue(rawequal(same, x))
    lu.assertEquals(x:bytes(), expected:bytes(), name)
  end
end

function T.test_in_place_from_an_overlapping_view()
  local x = sb.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  x:add_(x[1]) -- row 1 changes first; the others must still see its old values
  lu.assertEquals(x:totable(), { { 2, 4 }, { 4, 6 }, { 6, 8 } })
  x:add_(x)
  lu.assertEquals(x:totable(), { { 4, 8 }, { 8, 12 }, { 12, 16 } })
  x:narrow(1, 2, 2):copy_(x:narrow(1, 1, 2))
  lu.assertEquals(x:totable(), { { 4, 8 }, { 4, 8 }, { 8, 12 } })
  x:addmul_(-1, x[1])
  lu.assertEquals(x:totable(), { { 0, 0 }, { 0, 0 }, { 4, 4 } })
end

function T.test_addmul_copy_fill()
  local x = sb.tensor { { 1, 2 }, { 3, 4 } }
  lu.assertEquals(x:addmul_(0.5, sb.tensor { 2, 4 }):totable(), { { 2, 4 }, { 4, 6 } })
  lu.assertEquals(x:addmul_(2, 1):totable(), { { 4, 6 }, { 6, 8 } })
  lu.assertEquals(x:copy_(sb.tensor { 7, 8 }):totable(), { { 7, 8 }, { 7, 8 } })
  lu.assertEquals(x:fill_(3):totable(), { { 3, 3 }, { 3, 3 } })
  lu.assertEquals(x:copy_(5):sum(), 20)
end

-- ---- One operand --------------------------------------------------------------------------------

local function round_to_even(a)
  local f = math.floor(a)
  local above = a - f
  if above == 0.5 then return f % 2 == 0 and f or f + 1 end
  return above < 0.5 and f or f + 1
end

local unary = {
  neg = function(a) return -a end,
  abs = math.abs,
  sign = function(a) return a > 0 and 1 or a < 0 and -1 or 0 end,
  floor = function(a) return math.floor(a) end,
  ceil = function(a) return math.ceil(a) end,
  round = round_to_even,
  square = function(a) return a * a end,
  sqrt = math.sqrt,
  reciprocal = function(a) return 1 / a end,
  exp = math.exp,
  log = math.log,
  sin = math.sin,
  cos = math.cos,
  tan = math.tan,
  tanh = function(a) return 1 - 2 / (math.exp(2 * a) + 1) end,
  sigmoid = function(a) return 1 / (1 + math.exp(-a)) end,
  isfinite = function(a) return truth(a == a and a ~= inf and a ~= -inf) end,
  isnan = function(a) return truth(a ~= a) end,
}

for name, f in pairs(unary) do
  T["test_" .. name] = function()
    local x = sb.cat { sb.linspace(-4, 4, 33), sb.tensor { 0.1, -0.3, 7.7 } }
    local expected = x:map(f)
    each_pair(x[name](x), expected, assert_same)
    lu.assertTrue(rawequal(x[name .. "_"](x), x))
    each_pair(x, expected, assert_same)
  end
end

function T.test_unary_limits()
  local x = sb.tensor { nan, inf, -inf }
  each_pair(x:sign(), sb.tensor { nan, 1, -1 }, assert_same)
  each_pair(x:sigmoid(), sb.tensor { nan, 1, 0 }, assert_same)
  each_pair(x:tanh(), sb.tensor { nan, 1, -1 }, assert_same)
  each_pair(x:exp(), sb.tensor { nan, inf, 0 }, assert_same)
  lu.assertEquals(x:isfinite():totable(), { 0, 0, 0 })
  lu.assertEquals(x:isnan():totable(), { 1, 0, 0 })
end

function T.test_clamp()
  local x = sb.tensor { -2, 0.5, 3, nan }
  each_pair(x:clamp(-1, 1), sb.tensor { -1, 0.5, 1, nan }, assert_same)
  each_pair(x:clamp(nil, 1), sb.tensor { -2, 0.5, 1, nan }, assert_same)
  each_pair(x:clamp(0), sb.tensor { 0, 0.5, 3, nan }, assert_same)
  lu.assertTrue(rawequal(x:clamp_(0, 1), x))
  each_pair(x, sb.tensor { 0, 0.5, 1, nan }, assert_same)
  h.error_has(x.clamp, "clamp: low 2.0 is not below high 1.0", x, 2, 1)
end

function T.test_where()
  local mask = sb.tensor { { 1, 0 }, { 0, 1 } }
  lu.assertEquals(sb.where(mask, 5, sb.tensor { 7, 8 }):totable(), { { 5, 8 }, { 7, 5 } })
  lu.assertEquals(mask:where(sb.tensor { { 1 }, { 2 } }, 0):totable(), { { 1, 0 }, { 0, 2 } })
  lu.assertEquals(sb.tensor({ 1, 0 }):where(1, sb.zeros(3, 1)):totable(), { { 1, 0 }, { 1, 0 }, { 1, 0 } })
  h.error_has(sb.where, "where: shapes 2x2 and 3 do not broadcast", mask, sb.zeros(3), 0)
end

function T.test_map()
  lu.assertEquals(sb.tensor({ { 1, 2 } }):map(function(a) return 10 * a end):totable(), { { 10, 20 } })
  h.error_has(sb.map, "map: the function gave a nil", sb.zeros(1), function() end)
  h.error_has(sb.map, "my mistake", sb.zeros(1), function() error "my mistake" end)
end

-- ---- Equality -----------------------------------------------------------------------------------

function T.test_close()
  local x = sb.tensor { { 1, 2 }, { 3, 1000 } }
  lu.assertTrue(x:close(x + 5e-6))
  lu.assertFalse((x:close(x + 1e-4)))
  lu.assertTrue(x:close(x + 1e-4, 1e-3))
  lu.assertTrue(x:close(x * (1 + 5e-6))) -- relative above 1
  local _, why = x:close(x + sb.tensor { { 0, 0 }, { 0, 1 } })
  lu.assertStrContains(why, "differ at {2, 2}: 1000.0 and 1001.0")
  _, why = x:close(sb.zeros(4))
  lu.assertStrContains(why, "shapes 2x2 and 4")
  lu.assertTrue(sb.zeros(3):close(0))
  lu.assertTrue(sb.tensor({ inf, -inf }):close(sb.tensor { inf, -inf }))
  lu.assertFalse((sb.tensor({ inf }):close(sb.tensor { 1 }, 1e9)))
  lu.assertFalse((sb.tensor({ nan }):close(sb.tensor { nan })))
end

function T.test_equality_is_tolerant()
  local x = sb.tensor { 1, 2 }
  lu.assertTrue(x == x + 1e-6)
  lu.assertTrue(x ~= x + 1e-3)
  lu.assertTrue(x ~= x:reshape(1, 2))
  lu.assertTrue(sb.zeros(0) == sb.zeros(0))
  lu.assertTrue(x ~= sb.rng(1)) -- another kind of object
end

return T
