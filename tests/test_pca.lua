-- Principal components against LAPACK's singular value decomposition (tests/svd.c).
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

-- n points whose deviation falls along random directions, so that components are well apart.
local function points_of(seed, n, d)
  local rng = sb.rng(seed)
  local deviations = sb.tensor((function()
    local list = {}
    for c = 1, math.min(n, d) do list[c] = 0.85 ^ c * 10 end
    return list
  end)())
  local mixing = sb.randn(rng, math.min(n, d), d)
  return (sb.randn(rng, n, math.min(n, d)) * deviations):matmul(mixing) + sb.randn(rng, d) * 3
end

-- Components, standard deviations and scores as the decomposition of the centred points has them.
local function by_svd(x, k)
  local n, d = x:size(1), x:size(2)
  local centred = x - x:mean(1, true)
  local s, v = require("svd").singular(n, d, centred:reshape(-1):totable())
  local components = sb.tensor(v):narrow(1, 1, k * d):reshape(k, d)
  return components, sb.tensor(s):narrow(1, 1, k) / math.sqrt(n - 1), centred:matmul(components:transpose())
end

-- 1e-4 of the largest value, from float32 points: the sums are in double, the results are float32.
function T.test_equals_lapacks_singular_value_decomposition()
  for _, case in ipairs { { 200, 30, 12 }, { 30, 200, 12 }, { 40, 40, 20 }, { 700, 300, 9 }, { 2, 5, 1 } } do
    local n, d, k = table.unpack(case)
    local x = points_of(n, n, d)
    local scores, found = sb.pca(x, k)
    local components, deviations, projected = by_svd(x, k)
    h.close(found.variances:sqrt(), deviations, 1e-4 * deviations[1])
    for j = 1, k do
      local sign = found.components:select(1, j):dot(components:select(1, j)) > 0 and 1 or -1
      h.close(found.components:select(1, j), components:select(1, j) * sign, 1e-4)
      h.close(scores:select(2, j), projected:select(2, j) * sign, 1e-4 * deviations[1] * math.sqrt(n))
    end
    h.close(found.mean, x:mean(1), 1e-4)
  end
end

function T.test_the_largest_entry_of_a_component_is_positive()
  for _, case in ipairs { { 50, 8 }, { 8, 50 } } do
    local _, found = sb.pca(points_of(3, table.unpack(case)), 6)
    for j = 1, 6 do
      local component = found.components:select(1, j)
      lu.assertEquals(component:max(), component:abs():max())
      lu.assertAlmostEquals(component:norm(), 1, 1e-5)
    end
  end
end

-- Points of a plane have two components; equal points none.
function T.test_beyond_the_rank_all_is_zero()
  for _, case in ipairs { { 40, 7 }, { 7, 40 } } do
    local n, d = table.unpack(case)
    local rng = sb.rng(4)
    local scores, found = sb.pca(sb.randn(rng, n, 2):matmul(sb.randn(rng, 2, d)), 5)
    lu.assertTrue(found.variances[2] > 0.01)
    h.close(found.variances:narrow(1, 3, 3), sb.zeros(3), 1e-6)
    h.close(scores:narrow(2, 3, 3), sb.zeros(n, 3), 1e-3)
    scores = sb.pca(sb.ones(n, d), 2)
    lu.assertEquals(scores:abs():max(), 0)
  end
end

function T.test_same_bytes_at_any_number_of_threads()
  local x, threads, first = points_of(5, 300, 90), sb.threads(), nil
  for n = 1, 3 do
    sb.threads(n)
    local bytes = sb.pca(x, 10):bytes()
    first = first or bytes
    lu.assertTrue(bytes == first)
  end
  sb.threads(threads)
end

function T.test_mistakes()
  local x = points_of(1, 10, 4)
  h.error_has(sb.pca, "10 points of 4 dimensions have no 5 principal components", x, 5)
  h.error_has(sb.pca, "points must be (N,D), at least 2 of them, got 3x4x5", sb.zeros(3, 4, 5), 1)
  h.error_has(sb.pca, "not finite", sb.tensor { { 1, 2 }, { 0 / 0, 3 } }, 1)
end

function T.test_survives_failed_allocations()
  local x = points_of(1, 12, 4)
  lu.assertTrue(h.survives_failed_allocations(function() sb.pca(x, 2) end) > 3)
end

return T
