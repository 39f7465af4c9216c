-- t-SNE: its parts against their formulas, and maps of points whose neighbourhoods are known.
local core = require("switchback.core").embed
local h = require "helper"
local lu = require "luaunit"
local neighbors = require "switchback.neighbors"
local sb = require "switchback"

local T = {}

-- k clusters of n / k points each in d dimensions, and their numbers.
local function clusters(seed, n, d, k)
  local rng, labels = sb.rng(seed), {}
  local centres = sb.randn(rng, k, d) * 4
  for i = 1, n do labels[i] = (i - 1) % k + 1 end
  return centres:take(labels) + sb.randn(rng, n, d), labels
end

local function affinities(points, k, perplexity)
  local positions, squares = core.neighbors(points, nil, k)
  return core.affinities(positions, squares, perplexity)
end

-- van der Maaten & Hinton 2008, section 2: with all neighbours, p[j|i] are Gaussian and of one entropy.
function T.test_joint_probabilities()
  local n, perplexity = 40, 9
  local points = sb.randn(sb.rng(1), n, 3)
  local p = core.joint(affinities(points, n - 1, perplexity))
  lu.assertAlmostEquals(p:sum(), 1, 1e-6)
  h.close(p, p:transpose(), 1e-9)
  lu.assertEquals(p:mul(sb.eye(n)):abs():max(), 0)
  -- the conditional ones of a point among equally far others are equal
  local even = core.joint(affinities(sb.eye(5), 4, 2))
  h.close(even, (1 - sb.eye(5)) / 20, 1e-7)
end

-- The entropy of each row, when rows are not mixed: two groups that do not see each other.
function T.test_perplexity_is_reached()
  local rng = sb.rng(2)
  local squares = sb.rand(rng, 30, 20):sort(false, 2)
  for _, perplexity in ipairs { 2, 7.5, 19 } do
    local list = {}
    for i = 1, 30 do
      local row = {}
      for j = 1, 20 do row[j] = j < i and j or j + 1 end
      list[i] = row
    end
    -- 2 n p[i,j] = p[j|i] + p[i|j]; columns above 21 name nobody back
    local p = core.joint(core.affinities(sb.tensor(list), squares, perplexity)) * 60
    for i = 22, 30 do
      local entropy = 0
      for j = 1, 20 do
        local value = p[{ i, j }]
        if value > 0 then entropy = entropy - value * math.log(value) end
      end
      lu.assertAlmostEquals(math.exp(entropy), perplexity, 1e-3 * perplexity)
    end
  end
end

-- KL(p || q), q ~ 1 / (1 + distance^2), from the whole matrices in double.
local function divergence(p, y)
  local rows, at, z, kl = p:totable(), y:totable(), 0, 0
  local function weight(i, j) return 1 / (1 + (at[i][1] - at[j][1]) ^ 2 + (at[i][2] - at[j][2]) ^ 2) end
  for i = 1, #at do
    for j = 1, #at do if i ~= j then z = z + weight(i, j) end end
  end
  for i = 1, #at do
    for j = 1, #at do
      if rows[i][j] > 0 then kl = kl + rows[i][j] * math.log(rows[i][j] * z / weight(i, j)) end
    end
  end
  return kl
end

function T.test_the_gradient_is_that_of_the_divergence()
  local points, y = clusters(3, 36, 5, 3), sb.randn(sb.rng(4), 36, 2)
  for _, k in ipairs { 35, 12 } do
    local a = affinities(points, k, 4)
    local p = core.joint(a)
    local gradient, value = core.gradient(a, y, 0, 1, true)
    lu.assertAlmostEquals(value, divergence(p, y), 1e-5)
    h.check_gradients(function() return divergence(p, y) end, { y }, { gradient })
  end
end

-- As theta falls, sums over squares approach the exact ones; points that coincide are no trouble.
function T.test_the_tree_approaches_the_exact_gradient()
  local rng = sb.rng(5)
  local points, y = sb.randn(rng, 500, 4), sb.randn(rng, 500, 2) * 5
  for i = 1, 9 do y:narrow(1, 50 + i, 1):copy_(y:narrow(1, 50, 1)) end
  local a = affinities(points, 30, 10)
  local exact, value = core.gradient(a, y, 0, 1, true)
  local last = math.huge
  for _, case in ipairs { { 1, 0.2 }, { 0.5, 0.03 }, { 0.1, 1e-3 }, { 0.01, 1e-5 } } do
    local theta, tolerance = table.unpack(case)
    local near, other = core.gradient(a, y, theta, 1, true)
    local error = h.rel_l2(near, exact)
    lu.assertTrue(error < tolerance and error <= last, ("theta %g: %g"):format(theta, error))
    lu.assertAlmostEquals(other, value, tolerance)
    last = error
  end
  lu.assertTrue(core.gradient(a, sb.ones(500, 2), 0.5, 1):abs():max() < 1e-6)
end

function T.test_clusters_stay_together()
  local points, labels = clusters(6, 240, 10, 4)
  for _, o in ipairs { { theta = 0 }, {}, { start = "random", seed = 3 } } do
    o.steps, o.perplexity = 400, 15
    local map, reached = sb.tsne(points, o)
    lu.assertTrue(neighbors.agreement(map, labels) > 0.98)
    lu.assertTrue(sb.trustworthiness(points, map, 12) > 0.9)
    lu.assertTrue(reached > 0 and reached < 1.5)
    h.close(map:mean(1), sb.zeros(2), 1e-3)
  end
end

function T.test_same_bytes_at_any_number_of_threads()
  local points, threads = clusters(7, 150, 6, 3), sb.threads()
  for _, theta in ipairs { 0, 0.5 } do
    local first
    for n = 1, 3 do
      sb.threads(n)
      local bytes = sb.tsne(points, { steps = 60, perplexity = 10, theta = theta }):bytes()
      first = first or bytes
      lu.assertTrue(bytes == first)
    end
  end
  sb.threads(threads)
end

function T.test_seeds()
  local points = clusters(8, 60, 4, 2)
  local function map(seed)
    return (sb.tsne(points, { steps = 20, perplexity = 5, start = "random", seed = seed }))
  end
  lu.assertTrue(map(1):bytes() == map(1):bytes())
  lu.assertFalse(map(1):bytes() == map(2):bytes())
end

function T.test_equal_points_and_one_dimension()
  lu.assertTrue(sb.tsne(sb.ones(40, 3), { steps = 20, perplexity = 5 }):abs():max() < 1e30)
  lu.assertEquals(sb.tsne(sb.randn(sb.rng(1), 40, 1), { steps = 20, perplexity = 5 }):size(), { 40, 2 })
end

function T.test_mistakes()
  h.error_has(sb.tsne, "perplexity must be 1 to 13 for 40 points, got 30", sb.zeros(40, 3))
  h.error_has(sb.tsne, "theta must be 0 to 1, got 2", sb.zeros(40, 3), { perplexity = 5, theta = 2 })
  h.error_has(sb.tsne, "'perplexty'; did you mean 'perplexity'", sb.zeros(4, 3), { perplexty = 1 })
end

function T.test_survives_failed_allocations()
  local points = clusters(9, 20, 3, 2)
  local function run() sb.tsne(points, { steps = 2, perplexity = 5 }) end
  lu.assertTrue(h.survives_failed_allocations(run) > 10)
end

return T
