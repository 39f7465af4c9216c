-- Wei & Levoy 2000, "Fast texture synthesis using tree-structured vector quantization": pyramids of sample
-- and picture; from the coarsest level to the finest, in scan order, each pixel becomes the sample's whose
-- neighbourhood (what was scanned of its own level, and a full square of the level above) is nearest.
--
-- Options:
--   window   width of the neighbourhood in pixels of each level (default 9); the level above is seen through
--            half of it
--   levels   of the pyramids (default: up to 4, while the sample's coarsest is at least two windows wide)
--   leaves   of the tree of neighbourhoods that a search visits (default 4; 1 is the paper's plain descent);
--            0: exact search, far slower
local interrupt = require "switchback.interrupt"
local texture = require("switchback.core").texture

local wei_levoy = { OPTIONS = { window = 9, levels = false, leaves = 4 } }

local LEAF <const> = 8 -- neighbourhoods in a leaf of the tree
local AT_ONCE <const> = 4 -- rows between two looks at Ctrl-C

-- ---- Pyramids -------------------------------------------------------------------------------------

local function count_levels(o)
  local side, levels = math.min(o.texture:size(2), o.texture:size(3)), 1
  if o.levels then
    local most = math.max(1, math.floor(math.log(side / o.window, 2)) + 1)
    if math.type(o.levels) ~= "integer" or o.levels < 1 or o.levels > most then
      error(("quilt: levels must be 1 to %d for this texture and window, got %s"):format(most,
        tostring(o.levels)), 0)
    end
    return o.levels
  end
  while levels < 4 and side // 2 ^ levels >= 2 * o.window do levels = levels + 1 end
  return levels
end

-- The sample's levels, coarsest last: each half of the one before, blurred by a triangle of 4 pixels.
local function sample_levels(t, n)
  local image, levels = require "switchback.image", { t }
  for i = 2, n do
    local h, w = t:size(2) // 2, t:size(3) // 2
    t = image.resize(image.crop(t, 1, 1, 2 * h, 2 * w), h, w, { method = "bilinear" })
    levels[i] = t
  end
  return levels
end

-- White noise with the sample's histogram: pixels of the sample, drawn at random. --> (C,h,w)
local function noise(o, sample, h, w)
  local c, n = sample:size(1), sample:size(2) * sample:size(3)
  local drawn = {}
  for i = 1, h * w do drawn[i] = o.rng:integer(1, n) end
  return sample:reshape(c, n):take(drawn, 2):reshape(c, h, w)
end

-- The sizes of the picture's levels.
local function picture_sizes(size, n)
  local sizes = { size }
  for i = 2, n do sizes[i] = { (sizes[i - 1][1] + 1) // 2, (sizes[i - 1][2] + 1) // 2 } end
  return sizes
end

-- ---- Synthesis ------------------------------------------------------------------------------------

-- What is kept of a level that is filled down to row `last`.
local function snapshot(o, level, coarse, last)
  return { picture = level.picture, from = level.from, coarse = coarse and coarse.picture },
    { level.number, last, o.done }
end

-- Fills a level below its row `row`, where it holds noise; `coarse` is the one above, if any.
local function fill_level(o, level, coarse, row)
  local sample, above = level.sample, coarse and coarse.sample
  local r, q = o.radius, o.radius // 2
  local rows = texture.neighbourhoods(sample, above, r, q)
  local tree = texture.tsvq(rows, o.leaves > 0 and LEAF or rows:size(1))
  local h, w = level.picture:size(2), level.picture:size(3)
  for first = row + 1, h, AT_ONCE do
    local last = math.min(h, first + AT_ONCE - 1)
    texture.fill_level(sample, above, level.picture, coarse and coarse.picture, level.from, tree, r, q,
      o.leaves, first, last)
    o.done = o.done + (last - first + 1) * w
    o.keep(o.done, o.total, function() return snapshot(o, level, coarse, last) end)
    o.progress(o.done, o.total)
  end
end

local function new_level(number, sample, picture, from)
  from = from or require("switchback").zeros(picture:size(2), picture:size(3))
  return { number = number, sample = sample, picture = picture, from = from }
end

-- What a checkpoint holds. --> level, the one above, the last row that is filled
local function restored(o, samples)
  local kept, number, row = o.saved.tensors, o.saved.numbers[1], o.saved.numbers[2]
  o.done = o.saved.numbers[3]
  local coarse = kept.coarse and new_level(number + 1, samples[number + 1], kept.coarse)
  return new_level(number, samples[number], kept.picture, kept.from), coarse, row
end

-- Fills the levels one after the other; shown.level is the one at work.
local function fill_all(o, samples, sizes, shown)
  local coarse, row = nil, 0
  if o.saved then shown.level, coarse, row = restored(o, samples) end
  for i = shown.level and shown.level.number or #samples, 1, -1 do
    if not shown.level or shown.level.number ~= i then
      coarse, row = shown.level, 0
      shown.level = new_level(i, samples[i], noise(o, samples[i], sizes[i][1], sizes[i][2]))
    end
    fill_level(o, shown.level, coarse, row)
  end
end

-- What is shown of a run that ended at this level: its picture at full size. Where pixels came from is known
-- of the finest only.
local function result(o, level, interrupted)
  local h, w = o.size[1], o.size[2]
  local picture, from = level.picture, level.from
  if level.number > 1 then
    picture = require("switchback.image").resize(picture, h, w, { method = "nearest" })
    from = require("switchback").zeros(h, w)
  end
  return { image = picture, from = from, interrupted = interrupted }
end

-- run(o) --> { image =, from =, interrupted = }; see switchback.quilt.
function wei_levoy.run(o)
  o.radius = require("switchback.quilt").half_window(o.window, o.texture)
  if math.type(o.leaves) ~= "integer" or o.leaves < 0 then
    error(("quilt: leaves must be a whole number from 0, got %s"):format(tostring(o.leaves)), 0)
  end
  local n = count_levels(o)
  local samples, sizes = sample_levels(o.texture, n), picture_sizes(o.size, n)
  o.done, o.total = 0, 0
  for _, size in ipairs(sizes) do o.total = o.total + size[1] * size[2] end
  local shown = {}
  local interrupted = interrupt.caught(fill_all, o, samples, sizes, shown)
  return result(o, shown.level or new_level(n, samples[n], noise(o, samples[n], 1, 1)), interrupted)
end

return wei_levoy
