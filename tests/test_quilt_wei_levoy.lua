-- Wei & Levoy's synthesis and its trees of vectors, against their definitions.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local texture = require("switchback.core").texture
local tiny = require "tiny_model"

local T = {}

-- ---- Trees of vectors -----------------------------------------------------------------------------

local function nearest_by_definition(rows, v)
  local distances = ((rows - v:reshape(1, -1)) ^ 2):sum(2):reshape(-1)
  local least = distances:min()
  return distances, least
end

function T.test_exact_search_finds_the_nearest_row()
  local rng = sb.rng(4)
  local rows = sb.randn(rng, 1300, 21)
  local tree = texture.tsvq(rows, 8)
  for _ = 1, 20 do
    local v = sb.randn(rng, 21)
    local distances, least = nearest_by_definition(rows, v)
    local row, distance = tree:nearest(v)
    lu.assertAlmostEquals(distance, least, 1e-5 * least)
    lu.assertAlmostEquals(distances[row], least, 1e-5 * least)
    -- all leaves: the same
    lu.assertEquals({ tree:nearest(v, 1000000) }, { row, distance })
  end
end

function T.test_a_tree_finds_each_of_its_rows()
  local rows = texture.neighbourhoods(tiny.grain(), nil, 3, 0)
  local tree = texture.tsvq(rows, 8)
  local n, d, nodes = tree:shape()
  lu.assertEquals({ n, d }, { rows:size(1), 3 * 24 })
  lu.assertTrue(nodes > n // 8 and nodes < n)
  -- near the border of two leaves the nearer centroid may be that of the other one
  local found, tried = { 0, 0, 0, 0 }, 0
  for i = 1, n, 7 do
    tried = tried + 1
    for leaves in ipairs(found) do
      local _, distance = tree:nearest(rows[i], leaves)
      if distance == 0 then found[leaves] = found[leaves] + 1 end
    end
  end
  lu.assertTrue(tried > 150)
  lu.assertTrue(found[1] >= 0.9 * tried, found[1])
  lu.assertTrue(found[4] >= 0.98 * tried, found[4])
end

-- Neighbourhoods of one half of a texture looked up among those of the other: on average the nearest that one
-- leaf has to offer is less than twice as far as the nearest of all, that of 16 less than 1.1 times.
function T.test_a_tree_finds_neighbours_near_the_nearest()
  local t = tiny.grain(96)
  local rows = texture.neighbourhoods(sb.image.crop(t, 1, 1, 48, 100), nil, 3, 0)
  local queries = texture.neighbourhoods(sb.image.crop(t, 49, 1, 48, 100), nil, 3, 0)
  local tree, sums, count = texture.tsvq(rows, 8), { [0] = 0, 0, [16] = 0 }, 0
  for i = 1, queries:size(1), 11 do
    count = count + 1
    for leaves in pairs(sums) do
      local _, distance = tree:nearest(queries[i], leaves)
      sums[leaves] = sums[leaves] + math.sqrt(distance)
    end
  end
  lu.assertTrue(count > 300)
  lu.assertTrue(sums[1] < 2 * sums[0], sums[1] / sums[0])
  lu.assertTrue(sums[16] < 1.1 * sums[0], sums[16] / sums[0])
end

function T.test_equal_rows_end_in_one_leaf()
  local tree = texture.tsvq(sb.ones(100, 4), 8)
  lu.assertEquals(select(3, tree:shape()), 1)
  lu.assertEquals({ tree:nearest(sb.zeros(4), 1) }, { 1, 4 })
end

-- ---- Wei & Levoy, written out ---------------------------------------------------------------------

-- What is compared of pixel (y, x): the scanned part of its window, and the window on the level above; both
-- wrap around if `wrap`. nil where it leaves a level.
local function neighbourhood(fine, coarse, y, x, r, q, wrap)
  local list = {}
  local function add(level, i, j)
    local rows, columns = #level, #level[1]
    if wrap then i, j = (i - 1) % rows + 1, (j - 1) % columns + 1 end
    if not (level[i] and level[i][j]) then return false end
    list[#list + 1] = level[i][j]
    return true
  end
  for i = -r, 0 do
    for j = -r, i == 0 and -1 or r do
      if not add(fine, y + i, x + j) then return nil end
    end
  end
  for i = -q, coarse and q or -q - 1 do
    for j = -q, q do
      if not add(coarse, (y - 1) // 2 + 1 + i, (x - 1) // 2 + 1 + j) then return nil end
    end
  end
  return list
end

local function nearest_pixel(sample, above, want, r, q)
  local best, least = nil, math.huge
  for y = 1, #sample do
    for x = 1, #sample[1] do
      local have, d = neighbourhood(sample, above, y, x, r, q, false), 0
      for k, v in ipairs(have or {}) do d = d + (v - want[k]) ^ 2 end
      if have and d < least then best, least = { y, x }, d end
    end
  end
  return best
end

-- Fills `picture` (rows of noise) and answers where its pixels came from.
local function naive_level(sample, above, picture, coarse, r, q)
  local from = {}
  for y = 1, #picture do
    from[y] = {}
    for x = 1, #picture[1] do
      local best = nearest_pixel(sample, above, neighbourhood(picture, coarse, y, x, r, q, true), r, q)
      picture[y][x] = sample[best[1]][best[2]]
      from[y][x] = (best[1] - 1) * #sample[1] + best[2]
    end
  end
  return from
end

function T.test_wei_levoy_is_the_algorithm_of_the_paper()
  local rng, r, q = sb.rng(11), 2, 1
  local fine, above = sb.rand(rng, 1, 14, 13), sb.rand(rng, 1, 7, 6)
  local noise, coarse = sb.rand(rng, 1, 9, 11), sb.rand(rng, 1, 5, 6)
  for _, levels in ipairs { 1, 2 } do
    local a, c = levels == 2 and above or nil, levels == 2 and coarse or nil
    local rows = texture.neighbourhoods(fine, a, r, q)
    local tree = texture.tsvq(rows, 8)
    local want = naive_level(fine[1]:totable(), a and a[1]:totable(), noise[1]:totable(),
      c and c[1]:totable(), r, q)
    for _, leaves in ipairs { 0, 100000 } do
      local picture, from = noise:clone(), sb.zeros(9, 11)
      texture.fill_level(fine, a, picture, c, from, tree, r, q, leaves, 1, 9)
      lu.assertEquals(from:totable(), want)
    end
  end
end

function T.test_neighbourhoods_stay_inside()
  local fine, above = sb.rand(sb.rng(1), 2, 15, 12), sb.rand(sb.rng(1), 2, 7, 6)
  for _, radii in ipairs { { 1, 2 }, { 3, 1 }, { 2, 0 } } do
    local want, r, q = {}, radii[1], radii[2]
    for y = 1, 15 do
      for x = 1, 12 do
        local one = neighbourhood(fine[1]:totable(), above[1]:totable(), y, x, r, q, false)
        local two = neighbourhood(fine[2]:totable(), above[2]:totable(), y, x, r, q, false)
        local row = {}
        for k in ipairs(one or {}) do row[2 * k - 1], row[2 * k] = one[k], two[k] end
        if one then want[#want + 1] = row end
      end
    end
    h.close(texture.neighbourhoods(fine, above, r, q), sb.tensor(want), 0)
  end
  h.error_has(texture.neighbourhoods, "a level of 15 x 12 has no neighbourhood of 13 x 13", fine, nil, 6, 0)
end

return T
