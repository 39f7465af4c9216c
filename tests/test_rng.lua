-- The random generator: published values, ranges, moments, independence.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- From a second implementation of splitmix64 (Vigna's test value 6457827717110365317 for 1234567) and
-- xoshiro256** in another language, seed 42.
function T.test_sequence()
  local rng = sb.rng(42)
  lu.assertEquals(rng:uniform(), 0.08386297105988216)
  lu.assertEquals(rng:uniform(), 0.3789802506626686)
  lu.assertEquals(rng:uniform(), 0.6800434110281394)
  lu.assertEquals(rng:uniform(), 0.9246929453253876)
  h.error_has(sb.rng, "number", "seed")
  h.error_has(sb.rng, "no integer representation", 1.5)
end

function T.test_equal_seeds_give_equal_sequences()
  local a, b, c = sb.rng(7), sb.rng(7), sb.rng(8)
  local x, y, z = sb.randn(a, 100), sb.randn(b, 100), sb.randn(c, 100)
  lu.assertEquals(x:bytes(), y:bytes())
  lu.assertNotEquals(x:bytes(), z:bytes())
  lu.assertNotEquals(sb.randn(a, 100):bytes(), x:bytes())
end

-- Means of 10^5 draws lie within 5 standard errors: 0.005 for uniform, 0.016 for normal draws.
function T.test_moments()
  local rng, n = sb.rng(1), 100000
  local u, g = sb.rand(rng, n), sb.randn(rng, n)
  lu.assertAlmostEquals(u:mean(), 0.5, 0.005)
  lu.assertAlmostEquals(u:var(), 1 / 12, 0.005)
  lu.assertTrue(u:min() >= 0 and u:max() < 1)
  lu.assertAlmostEquals(g:mean(), 0, 0.016)
  lu.assertAlmostEquals(g:std(), 1, 0.012)
  lu.assertAlmostEquals((g ^ 4):mean(), 3, 0.16) -- the fourth moment's standard error is 0.031
end

function T.test_scaled_draws()
  local rng, low, high = sb.rng(2), math.huge, -math.huge
  for _ = 1, 1000 do
    local x = rng:uniform(-3, 5)
    low, high = math.min(low, x), math.max(high, x)
  end
  lu.assertTrue(low >= -3 and low < -2.9 and high < 5 and high > 4.9)
  local a, b = sb.rng(3), sb.rng(3)
  lu.assertAlmostEquals(a:normal(10, 2), 10 + 2 * b:normal(), 1e-12)
end

-- Each of 6 faces comes 10000 +- 5 * 91 times of 60000.
function T.test_integers_are_even()
  local rng, counts = sb.rng(4), { 0, 0, 0, 0, 0, 0 }
  for _ = 1, 60000 do
    local face = rng:integer(6)
    counts[face] = counts[face] + 1
  end
  for face = 1, 6 do lu.assertAlmostEquals(counts[face], 10000, 455) end
end

function T.test_integer_ranges()
  local rng = sb.rng(5)
  lu.assertEquals(rng:integer(3, 3), 3)
  lu.assertEquals(math.type(rng:integer(math.mininteger, math.maxinteger)), "integer")
  for _ = 1, 100 do
    local i = rng:integer(-2, 1)
    lu.assertTrue(i >= -2 and i <= 1)
  end
  h.error_has(rng.integer, "range is empty", rng, 2, 1)
  h.error_has(rng.integer, "range is empty", rng, 0)
end

local function is_permutation(list, n)
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy)
  for i = 1, n do if copy[i] ~= i then return false end end
  return #copy == n
end

function T.test_permutation_and_shuffle()
  local rng = sb.rng(6)
  local p = rng:permutation(100)
  lu.assertTrue(is_permutation(p, 100))
  lu.assertNotEquals(p, rng:permutation(100))
  lu.assertEquals(rng:permutation(0), {})
  local list = {}
  for i = 1, 50 do list[i] = i end
  lu.assertIs(rng:shuffle(list), list)
  lu.assertTrue(is_permutation(list, 50))
  lu.assertEquals(rng:shuffle({}), {})
  h.error_has(rng.permutation, "out of range", rng, -1)
end

-- All 6 orders of 3 things come 1000 +- 5 * 29 times of 6000.
function T.test_orders_are_even()
  local rng, counts = sb.rng(9), {}
  for _ = 1, 6000 do
    local order = table.concat(rng:permutation(3))
    counts[order] = (counts[order] or 0) + 1
  end
  local orders = 0
  for _, count in pairs(counts) do
    orders = orders + 1
    lu.assertAlmostEquals(count, 1000, 145)
  end
  lu.assertEquals(orders, 6)
end

function T.test_state_continues()
  local rng = sb.rng(10)
  rng:normal() -- leaves the second of a pair in the state
  local saved = rng:state()
  local a = { rng:normal(), rng:uniform() }
  rng:restore(saved)
  lu.assertEquals({ rng:normal(), rng:uniform() }, a)
  lu.assertEquals(sb.rng(10):state(), sb.rng(10):state())
  h.error_has(rng.restore, "not a generator's state", rng, "short")
  h.error_has(rng.restore, "not a generator's state", rng, ("\0"):rep(#saved))
  h.error_has(rng.restore, "not a generator's state", rng, ("\255"):rep(#saved))
end

function T.test_forks_are_apart()
  local rng = sb.rng(11)
  local fork = rng:fork()
  local other = sb.rng(11)
  local same = other:fork()
  for _ = 1, 10 do fork:uniform() end
  lu.assertEquals(rng:uniform(), other:uniform()) -- drawing from a fork left its parent alone
  lu.assertNotEquals(same:uniform(), sb.rng(11):uniform())
end

return T
