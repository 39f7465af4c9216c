-- Nearest neighbours, ranks and trustworthiness against the definitions, point by point.
local h = require "helper"
local lu = require "luaunit"
local neighbors = require "switchback.neighbors"
local sb = require "switchback"

local T = {}

-- All points other than `self`, nearest first, from distances in double.
local function sorted(points, query, self)
  local rows, list = points:totable(), {}
  for i, row in ipairs(rows) do
    local sum = 0
    for c, value in ipairs(row) do sum = sum + (value - query[c]) ^ 2 end
    if i ~= self then list[#list + 1] = { i, math.sqrt(sum) } end
  end
  table.sort(list, function(a, b) return a[2] < b[2] or a[2] == b[2] and a[1] < b[1] end)
  return list
end

local function compare(points, k, queries)
  local positions, distances = sb.nearest(points, k, { queries = queries })
  for q, query in ipairs((queries or points):totable()) do
    local wanted = sorted(points, query, not queries and q or nil)
    for j = 1, k do
      lu.assertEquals(positions[{ q, j }], wanted[j][1])
      lu.assertAlmostEquals(distances[{ q, j }], wanted[j][2], 1e-5 * (1 + wanted[j][2]))
    end
  end
end

function T.test_equals_sorting_by_distance()
  local rng = sb.rng(1)
  compare(sb.randn(rng, 150, 20), 12)
  compare(sb.randn(rng, 700, 3), 5, sb.randn(rng, 70, 3))
  compare(sb.randn(rng, 9, 40), 8)
  compare(sb.randn(rng, 5, 1), 5, sb.randn(rng, 2, 1))
end

-- Far from the origin, products of float32 cannot tell which point is near; differences can.
function T.test_is_exact_far_from_the_origin()
  local rng = sb.rng(2)
  compare(sb.randn(rng, 200, 2) + 1000, 6)
  compare(sb.randn(rng, 120, 33) * 0.01 + 100, 6)
end

function T.test_equal_distances_are_in_order()
  local points = sb.tensor { { 0 }, { 1 }, { -1 }, { 1 }, { 0 } }
  lu.assertEquals((sb.nearest(points, 4)):totable(), { { 5, 2, 3, 4 }, { 4, 1, 5, 3 }, { 1, 5, 2, 4 },
                                                       { 2, 1, 5, 3 }, { 1, 2, 3, 4 } })
  lu.assertEquals((sb.nearest(sb.ones(40, 3), 3)):select(1, 40):totable(), { 1, 2, 3 })
end

function T.test_cosine_goes_by_angles()
  local points = sb.tensor { { 1, 0 }, { 5, 5 }, { 0, 9 }, { -3, 0.1 } }
  local query = sb.tensor { { 2, 0.1 } }
  local positions, distances = sb.nearest(points, 3, { queries = query, metric = "cosine" })
  lu.assertEquals(positions:totable(), { { 1, 2, 3 } })
  lu.assertAlmostEquals(distances[{ 1, 1 }], math.sqrt(2 - 2 * 2 / math.sqrt(4.01)), 1e-5)
end

function T.test_same_bytes_at_any_number_of_threads()
  local x, threads, first = sb.randn(sb.rng(3), 400, 50), sb.threads(), nil
  for n = 1, 3 do
    sb.threads(n)
    local positions, distances = sb.nearest(x, 9)
    local bytes = positions:bytes() .. distances:bytes()
    first = first or bytes
    lu.assertTrue(bytes == first)
  end
  sb.threads(threads)
end

-- Venna & Kaski 2001, equation 1, sum by sum.
local function trustworthiness(points, map, k)
  local n, sum = points:size(1), 0
  for i = 1, n do
    local rank = {}
    for r, entry in ipairs(sorted(points, points[i]:totable(), i)) do rank[entry[1]] = r end
    local near = sorted(map, map[i]:totable(), i)
    for j = 1, k do sum = sum + math.max(0, rank[near[j][1]] - k) end
  end
  return 1 - 2 * sum / (n * k * (2 * n - 3 * k - 1))
end

function T.test_trustworthiness_is_as_defined()
  local rng = sb.rng(4)
  local points = sb.randn(rng, 60, 8)
  for _, k in ipairs { 1, 5, 12 } do
    for _, map in ipairs { points:narrow(2, 1, 2):clone(), sb.randn(rng, 60, 2) } do
      lu.assertAlmostEquals(sb.trustworthiness(points, map, k), trustworthiness(points, map, k), 1e-9)
    end
    lu.assertEquals(sb.trustworthiness(points, points * 2, k), 1)
  end
end

function T.test_agreement_counts_equal_labels()
  local map = sb.tensor { { 0, 0 }, { 0, 1 }, { 5, 0 }, { 5, 2 } }
  lu.assertEquals(neighbors.agreement(map, { "a", "a", "b", "c" }), 0.5)
end

function T.test_mistakes()
  local x = sb.zeros(10, 4)
  h.error_has(sb.nearest, "expected 1 to 9 neighbours, got 10", x, 10)
  h.error_has(sb.nearest, "queries have 3 dimensions, points have 4", x, 2, { queries = sb.zeros(1, 3) })
  h.error_has(sb.nearest, "not finite", sb.full(1 / 0, 3, 2), 1)
  h.error_has(sb.nearest, "unknown metric 'cosin'; did you mean 'cosine'", x, 1, { metric = "cosin" })
  h.error_has(sb.trustworthiness, "k must be below half of the 10 points, got 5", x, x, 5)
end

function T.test_survives_failed_allocations()
  local x = sb.randn(sb.rng(1), 30, 4)
  lu.assertTrue(h.survives_failed_allocations(function() sb.trustworthiness(x, x, 3) end) > 4)
end

return T
