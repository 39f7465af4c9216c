-- Texture synthesis: against naive versions of the papers' algorithms, and on textures whose continuation is
-- known.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local texture = require("switchback.core").texture
local tiny = require "tiny_model"

local T = {}

local METHODS = { "efros-leung", "wei-levoy", "efros-freeman" }

-- ---- What holds for every method ------------------------------------------------------------------

-- The colors of the texture's pixels that `from` names.
local function looked_up(t, from)
  local c, n = t:size(1), t:size(2) * t:size(3)
  return t:reshape(c, n):take(from:reshape(-1), 2):reshape(c, from:size(1), from:size(2))
end

function T.test_every_pixel_is_one_of_the_texture()
  local t = tiny.grain()
  for _, method in ipairs(METHODS) do
    local got = sb.quilt { texture = t, size = { 33, 30 }, method = method, window = 5, seed = 3 }
    lu.assertEquals(got.image:size(), { 3, 33, 30 }, method)
    lu.assertFalse(got.interrupted)
    lu.assertTrue(got.from:min() >= 1 and got.from:max() <= 40 * 44, method)
    h.close(got.image, looked_up(t, got.from), 0)
    -- not one pixel over and over, and no plain copy
    lu.assertTrue(got.image:select(1, 1):std() > 0.3 * t:select(1, 1):std(), method)
  end
end

function T.test_the_seed_decides_at_any_number_of_threads()
  local t, threads = tiny.grain(), sb.threads()
  for _, method in ipairs(METHODS) do
    local function from(seed, n)
      sb.threads(n)
      return sb.quilt({ texture = t, size = 24, method = method, window = 7, seed = seed }).from
    end
    local first = from(5, 1)
    for n = 2, 3 do h.close(from(5, n), first, 0) end
    lu.assertTrue((from(6, 1) - first):abs():max() > 0, method)
  end
  sb.threads(threads)
end

-- Diagonal stripes 4 pixels wide.
local function stripes()
  local t = sb.zeros(1, 24, 24)
  for y = 1, 24 do
    for x = 1, 24 do t[{ 1, y, x }] = (x + y) % 4 / 4 end
  end
  return t
end

-- Outwards from a seed, and from block to block, they go on without a fault.
function T.test_stripes_go_on()
  for _, method in ipairs { "efros-leung", "efros-freeman" } do
    local got = sb.quilt({ texture = stripes(), size = 40, method = method, window = 9 }).image[1]
    local phase = got[{ 1, 1 }] * 4 - 2
    for y = 1, 40 do
      for x = 1, 40 do lu.assertEquals(got[{ y, x }], (x + y + phase) % 4 / 4, method) end
    end
  end
end

-- Stripes that the noise of the first rows started at different places meet somewhere, at faults that stay in
-- their place; elsewhere each goes on from row to row, also across the edges.
function T.test_stripes_are_scanned()
  local got = sb.quilt({ texture = stripes(), size = 40, window = 9, levels = 1 }).image[1] * 4
  local along, across = 0, 0
  for y = 20, 40 do
    for x = 1, 40 do
      local right = x % 40 + 1
      along = along + (got[{ y, x }] == got[{ y - 1, right }] and 1 or 0)
      across = across + ((got[{ y, right }] - got[{ y, x }]) % 4 == 1 and 1 or 0)
    end
  end
  lu.assertTrue(along >= 0.9 * 21 * 40, along)
  lu.assertTrue(across >= 0.7 * 21 * 40, across)
end

function T.test_ctrl_c_keeps_what_is_done()
  local t = tiny.grain()
  for _, method in ipairs(METHODS) do
    local got = sb.quilt { texture = t, size = 64, method = method, window = 7,
      progress = function(done, total) if done > total // 2 then error "interrupted" end end }
    lu.assertTrue(got.interrupted, method)
    lu.assertEquals(got.image:size(), { 3, 64, 64 }, method)
    lu.assertEquals(got.from:min(), 0, method)
    lu.assertTrue(got.image:abs():sum() > 0, method)
  end
  h.error_has(sb.quilt, "broken", { texture = t, size = 30, progress = function() error "broken" end })
end

function T.test_progress_reaches_the_total()
  for _, method in ipairs(METHODS) do
    local last, all = 0, nil
    local t = tiny.grain()
    sb.quilt { texture = t, size = 20, method = method, window = 5, progress = function(done, total)
      lu.assertTrue(done >= last and done <= total, method)
      last, all = done, total
    end }
    lu.assertEquals(last, all, method)
  end
end

function T.test_failed_allocations_leave_nothing_behind()
  local t = sb.rand(sb.rng(1), 1, 14, 14)
  for _, method in ipairs(METHODS) do
    h.survives_failed_allocations(function()
      return sb.quilt { texture = t, size = 8, method = method, window = 5 }
    end)
  end
end

function T.test_mistakes_are_explained()
  local t = tiny.grain()
  local function refused(text, options) h.error_has(sb.quilt, text, options) end
  refused("the texture must be (C,h,w) and at least 3x3, got 40x44", { texture = t[1], size = 9 })
  refused("the texture must be (C,h,w) and at least 3x3, got nil", { size = 9 })
  refused("size must be pixels or {h, w}, got 0", { texture = t, size = { 3, 0 } })
  refused("a window of 41 does not fit a texture of 40x44", { texture = t, size = 9, window = 41 })
  refused("the window must be an odd number of pixels from 3, got 8", { texture = t, size = 9, window = 8 })
  refused("unknown method 'wei-levi'; did you mean 'wei-levoy'?",
    { texture = t, size = 9, method = "wei-levi" })
  refused("unknown option 'tolerance'", { texture = t, size = 9, method = "wei-levoy", tolerance = 1 })
  refused("levels must be 1 to 3 for this texture and window, got 4", { texture = t, size = 9, levels = 4 })
  for _, bad in ipairs { t / 0, t * 1e20, t * 0 / 0 } do
    for _, method in ipairs(METHODS) do
      refused("the texture holds values that are not finite, or beyond 1e+15",
        { texture = bad, size = 9, method = method })
    end
  end
  refused("the image holds values", { texture = t, image = t / 0, hole = t[1], method = "efros-leung" })
  refused("limit must be a number from 1e-30 to 1e+30, got 0",
    { texture = t, size = 9, method = "efros-leung", limit = 0 })
  for _, method in ipairs { "efros-leung", "efros-freeman" } do
    refused("tolerance must be a number from 0 to 1e+06, got -1",
      { texture = t, size = 9, method = method, tolerance = -1 })
  end
  refused("leaves must be a whole number from 0, got 1.5", { texture = t, size = 9, leaves = 1.5 })
  refused("the overlap must be 1 to 9 pixels for this window, got 10",
    { texture = t, size = 9, method = "efros-freeman", window = 10, overlap = 10 })
  refused("the window must be 2 to 40 pixels for this texture, got 41",
    { texture = t, size = 9, method = "efros-freeman", window = 41 })
  refused("the hole must be a mask of 40x44, got 4x4",
    { texture = t, image = t, hole = sb.zeros(4, 4), method = "efros-leung" })
end

-- ---- Efros & Leung, written out -------------------------------------------------------------------

-- The algorithm as the authors give it, in plain Lua; drawing numbers in the same order.
local Naive = {}
Naive.__index = Naive

function Naive:known(y, x) return self.from[y] and (self.from[y][x] or 0) ~= 0 end

function Naive:known_around(y, x, r)
  local n = 0
  for i = y - r, y + r do
    for j = x - r, x + r do n = n + (self:known(i, j) and 1 or 0) end
  end
  return n
end

-- Unknown pixels beside known ones, shuffled, then those with the most known pixels in their window first.
function Naive:frontier()
  local list = {}
  for y = 1, self.h do
    for x = 1, self.w do
      if not self:known(y, x) and self:known_around(y, x, 1) > 0 then
        list[#list + 1] = { y, x, self:known_around(y, x, self.r) }
      end
    end
  end
  for i = #list, 2, -1 do
    local j = self.rng:integer(i)
    list[i], list[j] = list[j], list[i]
  end
  for i, entry in ipairs(list) do entry[4] = i end
  table.sort(list, function(a, b) return a[3] > b[3] or a[3] == b[3] and a[4] < b[4] end)
  return list
end

function Naive:distance(y, x, sy, sx)
  local sum, total, sigma = 0, 0, (2 * self.r + 1) / 6.4
  for i = -self.r, self.r do
    for j = -self.r, self.r do
      if self:known(y + i, x + j) then
        local weight = math.exp(-(i * i + j * j) / (2 * sigma * sigma))
        local e = self.sample[self.from[y + i][x + j]] - self.sample[(sy + i - 1) * self.sw + sx + j]
        sum, total = sum + weight * e * e, total + weight
      end
    end
  end
  return sum / total
end

function Naive:fill(y, x)
  local found, least, within = {}, math.huge, {}
  for sy = self.r + 1, self.sh - self.r do
    for sx = self.r + 1, self.sw - self.r do
      local d = self:distance(y, x, sy, sx)
      found[#found + 1], least = { d, (sy - 1) * self.sw + sx }, math.min(least, d)
    end
  end
  for _, entry in ipairs(found) do
    if entry[1] <= least * 1.1 then within[#within + 1] = entry[2] end
  end
  self.from[y][x] = within[self.rng:integer(#within)]
end

local function naive_efros_leung(t, size, window, seed)
  local self = setmetatable({ sample = t:reshape(-1):totable(), sh = t:size(2), sw = t:size(3), h = size,
                              w = size, r = window // 2, rng = sb.rng(seed), from = {} }, Naive)
  for y = 1, size do self.from[y] = {} end
  local y, x, corner = self.rng:integer(1, self.sh - 2), self.rng:integer(1, self.sw - 2), (size - 3) // 2
  for i = 1, 3 do
    for j = 1, 3 do self.from[corner + i][corner + j] = (y + i - 2) * self.sw + x + j - 1 end
  end
  repeat
    local list = self:frontier()
    for _, place in ipairs(list) do self:fill(place[1], place[2]) end
  until #list == 0
  return sb.tensor(self.from)
end

function T.test_efros_leung_is_the_algorithm_of_the_paper()
  local t = sb.rand(sb.rng(8), 1, 11, 13)
  for seed = 1, 3 do
    local got = sb.quilt { texture = t, size = 13, method = "efros-leung", window = 5, seed = seed,
                           limit = 9 }
    h.close(got.from, naive_efros_leung(t, 13, 5, seed), 0)
  end
end

-- No window of noise is as near as the limit at first; it grows until all is filled.
function T.test_the_limit_grows_until_all_is_filled()
  local t = sb.rand(sb.rng(8), 3, 11, 13)
  local got = sb.quilt { texture = t, size = 12, method = "efros-leung", window = 5, limit = 1e-6 }
  lu.assertTrue(got.from:min() >= 1)
end

function T.test_a_hole_is_filled_and_the_rest_is_kept()
  local t = sb.zeros(1, 16, 20)
  for y = 1, 16 do
    for x = 1, 20 do t[{ 1, y, x }] = (x + 2 * y) % 5 / 5 end
  end
  local image, hole = t * 1, sb.zeros(1, 16, 20)
  for y = 5, 12 do
    for x = 6, 15 do
      image[{ 1, y, x }], hole[{ 1, y, x }] = 0.77, 1
    end
  end
  local got = sb.quilt { texture = t, image = image, hole = hole, method = "efros-leung", window = 7 }
  h.close(got.image, t, 0)
  lu.assertEquals(got.from[{ 1, 1 }], -1)
  lu.assertTrue(got.from[{ 8, 8 }] >= 1)
end

-- ---- Efros & Freeman ------------------------------------------------------------------------------

-- Every way down, tried in turn. --> the least sum of costs
local function cheapest_by_trial(cost, i, j)
  if not cost[i] then return 0 end
  if not cost[i][j] then return math.huge end
  local below = math.huge
  for k = j - 1, j + 1 do below = math.min(below, cheapest_by_trial(cost, i + 1, k)) end
  return cost[i][j] + (cost[i + 1] and below or 0)
end

function T.test_the_cheapest_path()
  local rng = sb.rng(6)
  for _, size in ipairs { { 1, 1 }, { 1, 5 }, { 6, 1 }, { 7, 2 }, { 8, 5 } } do
    local cost = sb.rand(rng, size[1], size[2])
    local path, sum, least = texture.cheapest_path(cost):totable(), 0, math.huge
    for i, j in ipairs(path) do
      sum = sum + cost[{ i, j // 1 | 0 }]
      lu.assertTrue(i == 1 or math.abs(j - path[i - 1]) <= 1)
    end
    for j = 1, size[2] do least = math.min(least, cheapest_by_trial(cost:totable(), 1, j)) end
    lu.assertAlmostEquals(sum, least, 1e-5)
  end
end

-- Blocks of a picture whose pixels are all different can only agree with their true neighbours: what is laid
-- in the middle of the sample continues it.
function T.test_a_block_continues_what_it_overlaps()
  local t, rng = sb.rand(sb.rng(7), 1, 30, 30), sb.rng(1)
  local picture, from = sb.zeros(1, 10, 17), sb.zeros(10, 17)
  repeat -- until the first block lies where the sample goes on to the right of it
    from:fill_(0)
    texture.quilt_block(t, picture, from, 10, 3, 0, rng, 1, 1)
  until from[{ 1, 1 }] % 30 >= 1 and from[{ 1, 1 }] % 30 <= 14
  texture.quilt_block(t, picture, from, 10, 3, 0, rng, 1, 8)
  for y = 1, 10 do
    for x = 2, 17 do lu.assertEquals(from[{ y, x }], from[{ y, 1 }] + x - 1) end
  end
end

-- Where blocks meet, the picture differs from both in places; but no more than the cut has to.
function T.test_blocks_are_cut()
  local t = tiny.grain()
  local got = sb.quilt { texture = t, size = 60, method = "efros-freeman", window = 15, overlap = 5 }
  local together = 0
  for y = 1, 60 do
    for x = 2, 60 do
      if got.from[{ y, x }] == got.from[{ y, x - 1 }] + 1 then together = together + 1 end
    end
  end
  local jumps = 60 * 59 - together
  -- 60 rows times 5 seams, and what a path does across
  lu.assertTrue(jumps > 60 and jumps <= 60 * 5 * 2, jumps)
  lu.assertTrue(together > 2900, together)
end

return T
