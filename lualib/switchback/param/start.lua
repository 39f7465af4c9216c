-- What parameterisations start from: the options that they share, checked.
local check = require "switchback.check"
local core = require "switchback.core"
local image = require "switchback.image"
local merged = require "switchback.merged"

local start = {}

local SHARED = { size = false, batch = false, start = "noise", image = false, photos = false,
                 deviation = false, rng = false }
local GREY = 0.5

local function is_tensor(t) return type(t) == "userdata" end

local function is_extent(n) return math.type(n) == "integer" and n > 0 end

local function size_of(name, size)
  if is_extent(size) then return { size, size } end
  if type(size) ~= "table" or not is_extent(size[1]) or not is_extent(size[2]) or #size ~= 2 then
    error(("%s: size must be {h, w}, whole numbers of pixels, got %s"):format(name,
      type(size) == "table" and "{" .. table.concat(size, ", ") .. "}" or tostring(size)), 0)
  end
  return size
end

-- (N,3,H,W) of a picture (3,H,W), (1,H,W), or a batch of them.
local function as_batch(name, t)
  local s = t:size()
  if #s == 3 then t, s = t:unsqueeze(1), { 1, s[1], s[2], s[3] } end
  if #s ~= 4 or s[2] ~= 3 and s[2] ~= 1 then
    error(("%s: a picture is (3,H,W) or (N,3,H,W), got %s"):format(name, table.concat(s, "x")), 0)
  end
  return s[2] == 3 and t or core.tensor.cat({ t, t, t }, 2)
end

-- The mean of photos, each scaled to cover the size and cropped: what a class looks like on average.
local function mean_of(name, photos, size)
  if type(photos) ~= "table" or #photos == 0 then
    error(name .. ": start = 'mean' takes the mean of photos = {picture, ...}", 0)
  end
  local sum = core.tensor.zeros(3, size[1], size[2])
  for _, photo in ipairs(photos) do sum = sum + image.fit(image.rgb(photo), size[1], size[2]) end
  return sum / #photos
end

local function repeated(name, picture, batch)
  local n = picture:size(1)
  if n == batch then return picture:clone() end
  if n ~= 1 then
    error(("%s: %d pictures to start from, but batch = %d"):format(name, n, batch), 0)
  end
  return picture:expand(batch, table.unpack(picture:size(), 2))
end

--- options(name, given, extra) -> the options with defaults; o.size is {h, w}, o.batch a number, o.picture
-- the picture to start from, (N,3,H,W) and the caller's own, or nil for noise. extra: defaults of the
-- options that only this kind has. Raises, in the name of the kind, for what cannot be.
function start.options(name, given, extra)
  local o = check.options(name, given, merged(SHARED, extra))
  local from = o.image or o.start
  if is_tensor(from) then from = as_batch(name, from) end
  if not o.size and not is_tensor(from) then error(name .. ": give size = {h, w} or image = picture", 0) end
  o.size = size_of(name, o.size or { from:size(3), from:size(4) })
  o.batch = o.batch or is_tensor(from) and from:size(1) or 1
  if not is_extent(o.batch) then
    error(("%s: batch must be a positive whole number, got %s"):format(name, tostring(o.batch)), 0)
  end
  return start.with_picture(name, o, from)
end

-- Adds o.picture to checked options.
function start.with_picture(name, o, from)
  local h, w = o.size[1], o.size[2]
  if is_tensor(from) then
    if from:size(3) ~= h or from:size(4) ~= w then from = image.resize(from, h, w) end
    o.picture = repeated(name, from, o.batch)
    return o
  end
  check.choice(name, "start", from, { "noise", "grey", "mean" })
  if from == "noise" and not o.rng then
    error(name .. ": start = 'noise' needs rng = sb.rng(seed)", 0)
  elseif from == "grey" then
    o.picture = core.tensor.full(GREY, o.batch, 3, h, w)
  elseif from == "mean" then
    o.picture = repeated(name, mean_of(name, o.photos, o.size):unsqueeze(1), o.batch)
  end
  return o
end

return start
