-- GrabCut and its parts: cuts against all cuts of small graphs, mixtures against their formulas.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local cuts = require("switchback.core").grabcut

local T = {}

-- ---- Maximum flow ------------------------------------------------------------------------------------

-- A random network of n nodes; capacities are whole numbers, so that sums are exact, many of them 0.
local function random_network(rng, n)
  local function capacity() return math.max(0, rng:integer(-4, 9)) end
  local terminals, edges = {}, {}
  for i = 1, n do terminals[i] = { capacity(), capacity() } end
  for from = 1, n do
    for to = from + 1, n do
      if rng:integer(1, 3) > 1 then edges[#edges + 1] = { from, to, capacity(), capacity() } end
    end
  end
  edges[#edges + 1] = { 1, 2, capacity(), capacity() } -- two edges between the same nodes
  return terminals, edges
end

-- What is cut when the nodes with in_source[i] are on the source's side.
local function cut_value(terminals, edges, in_source)
  local value = 0
  for i, t in ipairs(terminals) do value = value + (in_source(i) and t[2] or t[1]) end
  for _, e in ipairs(edges) do
    local from, to = in_source(e[1]), in_source(e[2])
    if from and not to then value = value + e[3] elseif to and not from then value = value + e[4] end
  end
  return value
end

local function least_cut(terminals, edges)
  local least = math.huge
  for set = 0, (1 << #terminals) - 1 do
    least = math.min(least, cut_value(terminals, edges, function(i) return set >> (i - 1) & 1 == 1 end))
  end
  return least
end

-- The maximum flow is the least of all cuts (Ford & Fulkerson 1956), and the answered side is such a cut.
function T.test_maximum_flow_is_the_least_cut()
  local rng, flows = sb.rng(1), 0
  for round = 1, 300 do
    local terminals, edges = random_network(rng, 2 + round % 7)
    local flow, side = cuts.maxflow(sb.tensor(terminals), sb.tensor(edges))
    lu.assertEquals(flow, least_cut(terminals, edges))
    lu.assertEquals(cut_value(terminals, edges, function(i) return side[i] == 1 end), flow)
    flows = flows + flow
  end
  lu.assertTrue(flows > 1000)
end

-- On long chains and grids whose trees are cut again and again: flow and cut agree, which proves both.
function T.test_flow_and_cut_agree_on_a_grid()
  local rng, n = sb.rng(2), 30
  local terminals, edges = {}, {}
  for i = 1, n * n do
    terminals[i] = { math.max(0, rng:integer(-20, 9)), math.max(0, rng:integer(-20, 9)) }
    if i % n > 0 then edges[#edges + 1] = { i, i + 1, rng:integer(0, 5), rng:integer(0, 5) } end
    if i + n <= n * n then edges[#edges + 1] = { i, i + n, rng:integer(0, 5), rng:integer(0, 5) } end
  end
  local flow, side = cuts.maxflow(sb.tensor(terminals), sb.tensor(edges))
  lu.assertTrue(flow > 0 and side:sum() > 0 and side:sum() < n * n)
  lu.assertEquals(cut_value(terminals, edges, function(i) return side[i] == 1 end), flow)
end

function T.test_networks_are_checked()
  local function refused(terminals, edges, text)
    h.error_has(cuts.maxflow, text, sb.tensor(terminals), sb.tensor(edges))
  end
  refused({ { 1, -1 } }, { { 1, 1, 0, 0 } }, "an edge from a node to itself")
  refused({ { 1, 1 }, { 1, 1 } }, { { 1, 3, 0, 0 } }, "holds a node that is not there")
  refused({ { 1, 1 }, { 1, 1 } }, { { 1, 2, 0 / 0, 0 } }, "negative or not finite")
  refused({ { 1, -1 }, { 1, 1 } }, { { 1, 2, 1, 0 } }, "negative or not finite")
  refused({ 1, 2 }, { { 1, 2, 1, 0 } }, "must be (nodes,2)")
end

-- ---- Colour models -----------------------------------------------------------------------------------

local VARIANCE <const> = 1e-5 -- SB_GMM_VARIANCE

local function row_of(picture, i) -- of pixel i in row-major order
  local flat = picture:reshape(3, -1)
  return { flat[{ 1, i }], flat[{ 2, i }], flat[{ 3, i }] }
end

-- Mean, covariance and share by their definitions.
function T.test_a_mixture_has_the_moments_of_its_groups()
  local picture = sb.rand(sb.rng(3), 3, 6, 7)
  local labels = sb.zeros(6, 7)
  for i = 1, 42 do labels[{ (i - 1) // 7 + 1, (i - 1) % 7 + 1 }] = i % 3 end -- 0 takes no part
  local mixture = cuts.fit(picture, labels, 3)
  for group = 1, 2 do
    local mean, n = { 0, 0, 0 }, 0
    for i = 1, 42 do
      if i % 3 == group then
        n = n + 1
        for a = 1, 3 do mean[a] = mean[a] + row_of(picture, i)[a] end
      end
    end
    lu.assertAlmostEquals(mixture[{ group, 1 }], n / 28, 1e-6)
    for a = 1, 3 do
      lu.assertAlmostEquals(mixture[{ group, 1 + a }], mean[a] / n, 1e-6)
      for b = 1, 3 do
        local sum = 0
        for i = group, 42, 3 do
          local z = row_of(picture, i)
          sum = sum + (z[a] - mean[a] / n) * (z[b] - mean[b] / n)
        end
        local want = sum / n + (a == b and VARIANCE or 0)
        lu.assertAlmostEquals(mixture[{ group, 1 + 3 * a + b }], want, 1e-6)
      end
    end
  end
  lu.assertEquals(mixture[{ 3, 1 }], 0) -- nobody has label 3
end

-- A diagonal covariance: the cost is a sum over colours. With an off-diagonal part, the determinant and
-- inverse of a 2x2 block are known.
function T.test_costs_are_those_of_the_formula()
  local d, c, v = 0.02, 0.01, 0.05 -- red and green covary, blue does not
  local mixture = sb.tensor { { 0.25, 0.5, 0.4, 0.3, d, c, 0, c, d, 0, 0, 0, v },
                              { 0.75, 0.9, 0.9, 0.9, d, 0, 0, 0, d, 0, 0, 0, v } }
  local picture = sb.rand(sb.rng(4), 3, 4, 5)
  local costs, labels = cuts.cost(picture, mixture)
  local seen = {}
  for i = 1, 20 do
    local z = row_of(picture, i)
    local r, g, b = z[1] - 0.5, z[2] - 0.4, z[3] - 0.3
    local det = d * d - c * c
    local first = -math.log(0.25) + math.log(det * v) / 2
      + ((d * r * r - 2 * c * r * g + d * g * g) / det + b * b / v) / 2
    r, g, b = z[1] - 0.9, z[2] - 0.9, z[3] - 0.9
    local second = -math.log(0.75) + math.log(d * d * v) / 2 + ((r * r + g * g) / d + b * b / v) / 2
    local y, x = (i - 1) // 5 + 1, (i - 1) % 5 + 1
    lu.assertAlmostEquals(costs[{ y, x }], math.min(first, second), 1e-4)
    lu.assertEquals(labels[{ y, x }], first < second and 1 or 2)
    seen[labels[{ y, x }]] = true
  end
  lu.assertTrue(seen[1] and seen[2])
end

-- Four colours with a little noise, in equal shares: each becomes a group.
function T.test_splitting_finds_separate_colors()
  local colors = { { 0.1, 0.1, 0.1 }, { 0.9, 0.2, 0.1 }, { 0.2, 0.8, 0.3 }, { 0.8, 0.9, 0.9 } }
  local picture, chosen = sb.randn(sb.rng(5), 3, 8, 10) * 0.01, sb.ones(8, 10)
  for y = 1, 8 do
    for c = 1, 3 do
      for x = 1, 10 do
        picture[{ c, y, x }] = picture[{ c, y, x }] + colors[(y + x) % 4 + 1][c]
      end
    end
  end
  chosen[{ 1, 1 }] = 0
  local labels = cuts.split(picture, chosen, 4)
  lu.assertEquals(labels[{ 1, 1 }], 0)
  local group_of, taken = {}, {}
  for y = 2, 8 do
    for x = 1, 10 do
      local color, label = (y + x) % 4 + 1, labels[{ y, x }]
      group_of[color] = group_of[color] or label
      lu.assertEquals(label, group_of[color])
    end
  end
  for _, label in pairs(group_of) do
    lu.assertNil(taken[label])
    taken[label] = true
  end
  lu.assertEquals(cuts.split(sb.ones(3, 2, 2), sb.ones(2, 2), 3):max(), 1) -- one colour, one group
end

-- ---- Links, cuts, regions ----------------------------------------------------------------------------

function T.test_links_fall_with_the_difference_of_colors()
  local picture = sb.zeros(3, 2, 2)
  picture[{ 1, 1, 1 }], picture[{ 2, 2, 2 }] = 0.6, 0.3
  local function squared(a, b) return (row_of(picture, a)[1] - row_of(picture, b)[1]) ^ 2
    + (row_of(picture, a)[2] - row_of(picture, b)[2]) ^ 2 end
  local pairs_of = { { 1, 2 }, { 3, 4 }, { 1, 3 }, { 2, 4 }, { 1, 4 }, { 2, 3 } }
  local sum = 0
  for _, p in ipairs(pairs_of) do sum = sum + squared(p[1], p[2]) end
  local beta = 1 / (2 * sum / 6)
  local function link(a, b, distance) return 50 / distance * math.exp(-beta * squared(a, b)) end
  local right, diagonal = link(1, 2, 1), link(1, 4, math.sqrt(2))
  local links = cuts.links(picture, 50)
  h.close(links[1], sb.tensor { { right, 0 }, { link(3, 4, 1), 0 } }, 1e-5)
  h.close(links[2], sb.tensor { { diagonal, 0 }, { 0, 0 } }, 1e-5)
  h.close(links[3], sb.tensor { { link(1, 3, 1), link(2, 4, 1) }, { 0, 0 } }, 1e-5)
  h.close(links[4], sb.tensor { { 0, link(2, 3, math.sqrt(2)) }, { 0, 0 } }, 1e-5)
end

-- All masks of a 3x3 picture, one of whose pixels must be background.
function T.test_the_cut_has_the_least_energy()
  local rng = sb.rng(6)
  for _ = 1, 20 do
    local front, back, links = sb.randn(rng, 3, 3), sb.randn(rng, 3, 3), sb.zeros(4, 3, 3)
    front[{ 2, 2 }] = math.huge
    local edges, steps = {}, { { 0, 1 }, { 1, 1 }, { 1, 0 }, { 1, -1 } }
    for k, s in ipairs(steps) do
      for y = 1, 3 - s[1] do
        for x = math.max(1, 1 - s[2]), math.min(3, 3 - s[2]) do
          links[{ k, y, x }] = rng:uniform() / 2
          edges[#edges + 1] = { 3 * y + x - 3, 3 * (y + s[1]) + x + s[2] - 3, links[{ k, y, x }] }
        end
      end
    end
    local f, b, least = front:reshape(-1):totable(), back:reshape(-1):totable(), math.huge
    for set = 0, 511 do
      local function inside(i) return set >> (i - 1) & 1 == 1 end
      local energy = 0
      for i = 1, 9 do energy = energy + (inside(i) and f[i] or b[i]) end
      for _, e in ipairs(edges) do
        if inside(e[1]) ~= inside(e[2]) then energy = energy + e[3] end
      end
      least = math.min(least, energy)
    end
    local mask, energy = cuts.cut(front, back, links)
    lu.assertAlmostEquals(energy, least, 1e-5)
    lu.assertEquals(mask[{ 2, 2 }], 0)
  end
end

function T.test_the_largest_region_remains()
  local mask = sb.tensor { { 1, 1, 0, 1 }, { 0, 0, 1, 0 }, { 1, 1, 1, 0 }, { 1, 0, 0, 0 } }
  h.close(cuts.largest(mask), sb.tensor { { 0, 0, 0, 0 }, { 0, 0, 1, 0 }, { 1, 1, 1, 0 }, { 1, 0, 0, 0 } }, 0)
  h.close(cuts.largest(mask * 0), mask * 0, 0)
end

-- ---- All of it ---------------------------------------------------------------------------------------

-- A noisy disc on a noisy ground, each of two colours that the other does not have.
local function disc(seed)
  local rng, n = sb.rng(seed), 48
  local picture, truth = sb.randn(rng, 3, n, n) * 0.05 + 0.3, sb.zeros(n, n)
  for y = 1, n do
    for x = 1, n do
      local inside = (y - 25) ^ 2 + (x - 20) ^ 2 < 15 ^ 2
      truth[{ y, x }] = inside and 1 or 0
      local c = (inside and 1 or 2) + (x + y) % 2 -- red or green; green or blue
      picture[{ c, y, x }] = picture[{ c, y, x }] + (inside and 0.25 or 0.35)
    end
  end
  return picture, truth
end

-- The energy never rises (Rother et al. 2004, section 3.2); the regularised variances may raise it a little.
function T.test_a_disc_is_cut_out_of_its_ground()
  local picture, truth = disc(7)
  local seeds = truth * 0 + 0.5
  for y = 20, 27 do
    for x = 15, 22 do seeds[{ y, x }] = 0.75 end
  end
  for y = 1, 48 do
    for x = 42, 48 do seeds[{ y, x }] = 0.25 end
  end
  local mask, energies = sb.grabcut(picture, seeds)
  lu.assertTrue((mask - truth):abs():mean() < 0.01)
  lu.assertTrue(#energies > 1)
  for i = 2, #energies do lu.assertTrue(energies[i] <= energies[i - 1] + 1e-3 * math.abs(energies[1])) end
  seeds[{ 25, 20 }], seeds[{ 3, 3 }] = 0, 1 -- wrong, but given for good
  mask = sb.grabcut(picture, seeds)
  lu.assertEquals({ mask[{ 25, 20 }], mask[{ 3, 3 }] }, { 0, 1 })
end

function T.test_grabcut_explains_what_is_wrong()
  local picture = sb.rand(sb.rng(1), 3, 4, 4)
  h.error_has(sb.grabcut, "the seeds are 4x5, the picture is 4x4", picture, sb.zeros(4, 5))
  h.error_has(sb.grabcut, "no pixels for the foreground", picture, sb.zeros(4, 4))
  h.error_has(sb.grabcut, "no pixels for the background", picture, sb.ones(4, 4))
  h.error_has(sb.grabcut, "must be (3,H,W), got 4x4", picture[1], sb.ones(4, 4))
  local never = sb.zeros(2, 2) + math.huge
  h.error_has(cuts.cut, "leave a pixel no side", never, never, sb.zeros(4, 2, 2))
end

function T.test_failed_allocations_are_survived()
  local picture, truth = disc(9)
  local function corner(t) return sb.image.crop(t, 32, 12, 12, 14) end
  picture, truth = corner(picture), corner(truth:unsqueeze(1))[1]
  local seeds = truth * 0.5 + 0.25
  local failures = h.survives_failed_allocations(function()
    cuts.largest((sb.grabcut(picture, seeds, { iterations = 1 })))
    cuts.maxflow(sb.tensor { { 1, 0 }, { 0, 1 } }, sb.tensor { { 1, 2, 1, 1 } })
  end)
  lu.assertTrue(failures > 10)
end

-- Pixels are shared out among threads, and nothing depends on how.
function T.test_threads_do_not_matter()
  local picture, truth = disc(8)
  local before = sb.threads()
  local function run(threads)
    sb.threads(threads)
    return (sb.grabcut(picture, truth * 0.5 + 0.25))
  end
  local one, two = run(1), run(2)
  sb.threads(before)
  h.close(one, two, 0)
end

return T
