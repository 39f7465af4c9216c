-- Augmentations: random changes of training pictures that leave their class alone. Each function answers a
-- step; a list of steps is the option `augment` of sb.data.batches and sb.train, taken in order. Pictures are
-- (C,H,W) with values in [0,1]. Sizes are { height, width } or one number for both.
local check = require "switchback.check"
local core = require "switchback.core"

local augment = {}

local function fail(name, format, ...)
  error(("augment.%s: " .. format):format(name, ...), 3)
end

local function side(name, n)
  if math.type(n) ~= "integer" or n < 1 or n > 32768 then
    fail(name, "size must be whole numbers from 1 to 32768, got %s", tostring(n))
  end
  return n
end

local function sides(name, size)
  if type(size) ~= "table" then size = { size, size } end
  return side(name, size[1]), side(name, size[2])
end

-- A number of [low, high].
local function number(name, what, value, low, high)
  if type(value) == "number" and value >= low and value <= high then return value end
  fail(name, "%s must be %g to %g, got %s", what, low, high, tostring(value))
end

local function fill_of(name, fill)
  return fill == "reflect" and -1 or number(name, "fill", fill, 0, 1)
end

local function range(name, what, pair, low, high)
  if type(pair) ~= "table" or #pair ~= 2 then fail(name, "%s must be a pair of numbers", what) end
  local a, b = number(name, what, pair[1], low, high), number(name, what, pair[2], low, high)
  if a > b then fail(name, "%s is an empty range", what) end
  return a, b
end

--- random_crop{ size, padding = 0, fill = 0 }: a part of that size at a random place. padding: so many pixels
-- are put on each side before; fill: their grey level, or "reflect": the picture mirrored at its outermost
-- pixels. A picture smaller than the size is an error when it is read.
function augment.random_crop(options)
  local o = check.options("augment.random_crop", options, { size = false, padding = 0, fill = 0 })
  local h, w = sides("random_crop", o.size)
  if o.padding ~= 0 then side("random_crop", o.padding) end
  return { "random_crop", h, w, o.padding, fill_of("random_crop", o.fill) }
end

--- random_resized_crop{ size, scale = {0.08, 1}, ratio = {3/4, 4/3} }: a random part resized (bilinearly,
-- antialiased): scale is the range of its share of the area, ratio of its width / height, log-uniform
-- (Szegedy et al. 2015; as torchvision draws it).
function augment.random_resized_crop(options)
  local o = check.options("augment.random_resized_crop", options,
    { size = false, scale = { 0.08, 1 }, ratio = { 3 / 4, 4 / 3 } })
  local h, w = sides("random_resized_crop", o.size)
  local least, most = range("random_resized_crop", "scale", o.scale, 1e-6, 1)
  local narrow, broad = range("random_resized_crop", "ratio", o.ratio, 1e-3, 1e3)
  return { "random_resized_crop", h, w, least, most, narrow, broad }
end

--- horizontal_flip{ p = 0.5 }: mirrored left to right with that probability.
function augment.horizontal_flip(options)
  local o = check.options("augment.horizontal_flip", options, { p = 0.5 })
  return { "horizontal_flip", number("horizontal_flip", "p", o.p, 0, 1) }
end

--- color_jitter{ brightness = 0, contrast = 0, saturation = 0, hue = 0 }, in random order, as torchvision has
-- it: the first three by a factor of 1 - x to 1 + x (not below 0), the hue turned by up to so much of a full
-- turn (at most 0.5) either way. Grey pictures have no saturation and hue.
function augment.color_jitter(options)
  local o = check.options("augment.color_jitter", options,
    { brightness = 0, contrast = 0, saturation = 0, hue = 0 })
  local step = { "color_jitter" }
  for i, what in ipairs { "brightness", "contrast", "saturation", "hue" } do
    step[i + 1] = number("color_jitter", what, o[what], 0, what == "hue" and 0.5 or 10)
  end
  return step
end

--- rotation{ degrees, fill = 0 }: turned about the centre by up to so many degrees either way, bilinearly;
-- fill is the grey level outside of the picture.
function augment.rotation(options)
  local o = check.options("augment.rotation", options, { degrees = false, fill = 0 })
  local degrees = number("rotation", "degrees", o.degrees, 0, 180)
  return { "rotation", degrees, number("rotation", "fill", o.fill, 0, 1) }
end

--- resize{ size }: to { height, width }, or, for one number, to a shorter side of so many pixels (bilinearly,
-- antialiased). Not random.
function augment.resize(options)
  local o = check.options("augment.resize", options, { size = false })
  if type(o.size) ~= "table" then return { "resize", side("resize", o.size), 0 } end
  return { "resize", sides("resize", o.size) }
end

--- center_crop{ size }: the central part. Not random.
function augment.center_crop(options)
  local o = check.options("augment.center_crop", options, { size = false })
  return { "center_crop", sides("center_crop", o.size) }
end

--- compose{ step or list, ... } --> the list of all their steps.
function augment.compose(steps)
  local list = {}
  for _, step in ipairs(steps) do
    if type(step[1]) == "string" then
      list[#list + 1] = step
    else
      table.move(step, 1, #step, #list + 1, list)
    end
  end
  return list
end

--- apply(steps, picture, seed) --> (C,h,w): what the steps make of a picture, which is left alone; equal
-- seeds give equal pictures. Raises for a picture that is too small for a crop.
function augment.apply(steps, picture, seed)
  local t, message = core.loader.augment(picture, augment.compose { steps }, seed)
  return t or error("augment: " .. message, 2)
end

return augment
