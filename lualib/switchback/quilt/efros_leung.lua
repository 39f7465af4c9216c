-- Efros & Leung 1999, "Texture synthesis by non-parametric sampling": the picture grows from a seed of
-- 3 x 3 pixels. What is known around a pixel is compared with every window of the sample, and the pixel
-- becomes the middle of one that is drawn among the best.
--
-- Options (the names in the authors' algorithm in brackets):
--   window     width in pixels (WindowSize; default 15): the size of the largest regular feature
--   tolerance  0.1: drawn from are windows up to 1 + tolerance times as far as the nearest (ErrThreshold)
--   limit      0.3: a pixel waits while its nearest window is farther, as a mean of squares
--              (MaxErrThreshold); it grows by a tenth when no pixel of a ring could be filled
--   image, hole  to complete a picture: (C,H,W), and a mask (H,W) or (1,H,W) above 0.5 where it is unknown
local interrupt = require "switchback.interrupt"
local texture = require("switchback.core").texture

local efros_leung = {
  OPTIONS = { window = 15, tolerance = 0.1, limit = 0.3, image = false, hole = false },
}

local AT_ONCE <const> = 32 -- pixels between two looks at the clock and at Ctrl-C
local SEED <const> = 3

-- The seed, from anywhere in the sample, in the middle of an empty picture. --> picture, from
local function plant(o)
  local sb = require "switchback"
  local c, h, w = table.unpack(o.texture:size())
  local picture, from = sb.zeros(c, o.size[1], o.size[2]), sb.zeros(o.size[1], o.size[2])
  local y, x = o.rng:integer(1, h - SEED + 1), o.rng:integer(1, w - SEED + 1)
  local top, left = (o.size[1] - SEED) // 2, (o.size[2] - SEED) // 2
  for i = math.max(1, 1 - top), math.min(SEED, o.size[1] - top) do
    for j = math.max(1, 1 - left), math.min(SEED, o.size[2] - left) do
      for k = 1, c do picture[{ k, top + i, left + j }] = o.texture[{ k, y + i - 1, x + j - 1 }] end
      from[{ top + i, left + j }] = (y + i - 2) * w + x + j - 1
    end
  end
  return picture, from
end

-- The given picture, with its hole unknown. --> picture, from
local function cut_hole(o)
  local size, hole = o.image:size(), o.hole and o.hole:size() or {}
  if size[1] ~= o.texture:size(1) then
    error(("quilt: the image has %d channels, the texture %d"):format(size[1], o.texture:size(1)), 0)
  elseif hole[#hole - 1] ~= size[2] or hole[#hole] ~= size[3] or o.hole:count() ~= size[2] * size[3] then
    error(("quilt: the hole must be a mask of %dx%d, got %s"):format(size[2], size[3],
      #hole > 0 and table.concat(hole, "x") or tostring(o.hole)), 0)
  end
  require("switchback.quilt").check_values("image", o.image)
  local unknown = (o.hole:reshape(size[2], size[3]) - 0.5):clamp(0, math.huge)
  return o.image:clone(), require("switchback").where(unknown, 0, -1)
end

-- Fills the pixels of the list in turn. --> how many it could
local function fill(o, picture, from, list, limit)
  local filled, n = 0, list:count()
  for first = 1, n, AT_ONCE do
    local last = math.min(n, first + AT_ONCE - 1)
    filled = filled + texture.grow(o.texture, picture, from, o.radius, o.rng, list, first, last, o.tolerance,
      limit)
    o.progress(o.done + filled, o.total)
  end
  o.done = o.done + filled
  return filled
end

local function fill_all(o, picture, from, limit)
  while true do
    local list = texture.frontier(o.texture, picture, from, o.radius, o.rng)
    if not list then return end
    if fill(o, picture, from, list, limit) == 0 then limit = limit * 1.1 end
    o.keep(o.done, o.total, function() return { picture = picture, from = from }, { limit, o.total } end)
  end
end

-- The picture to begin with, where its pixels are from, the limit. Sets how much is done, of how much.
local function begin(o)
  local function unknown(from) return require("switchback").where(from, 0, 1):sum() // 1 | 0 end
  if not o.saved then
    local picture, from = (o.image and cut_hole or plant)(o)
    o.done, o.total = 0, unknown(from)
    return picture, from, o.limit
  end
  local picture, from = o.saved.tensors.picture, o.saved.tensors.from
  o.total = o.saved.numbers[2]
  o.done = o.total - unknown(from)
  return picture, from, o.saved.numbers[1]
end

-- run(o) --> { image =, from =: negative where the image was given, interrupted = }; see switchback.quilt.
function efros_leung.run(o)
  local quilt = require "switchback.quilt"
  o.radius = quilt.half_window(o.window, o.texture)
  quilt.check_range("tolerance", o.tolerance, 0, 1e6)
  quilt.check_range("limit", o.limit, 1e-30, 1e30)
  local picture, from, limit = begin(o)
  local interrupted = interrupt.caught(fill_all, o, picture, from, limit)
  return { image = picture, from = from, interrupted = interrupted }
end

return efros_leung
