-- From an image to a network's input, and back.
-- An image is a tensor (3,H,W) or (1,H,W) with values in [0,1]; an input is (N,C,H,W) in the
-- network's own units: input = (pixels in the network's channel order * scale - mean) / std.
--
-- A preprocessing is a table; net.preprocess is one:
--   size      {height, width} of the input in pixels, or one number for both; none: the image's own
--   crop      "square" (default): the central square of the image, then resized to size;
--             "none": the whole image is resized, whatever its proportions
--   channels  "RGB" (default), "BGR" or "grey"
--   scale     default 1 (255 for networks that count levels)
--   mean, std a number, or one a channel in the network's order; defaults 0 and 1
local core = require "switchback.core"
local suggest = require "switchback.suggest"

local preprocess = {}

local fields = { "size", "crop", "channels", "scale", "mean", "std" }
local choices = { crop = { "square", "none" }, channels = { "RGB", "BGR", "grey" } }

local function contains(list, value)
  for _, v in ipairs(list) do
    if v == value then return true end
  end
  return false
end

local function fail(format, ...) error("preprocess: " .. format:format(...), 0) end

local function check_keys(p)
  if type(p) ~= "table" then fail("must be a table, got a %s", type(p)) end
  for key in pairs(p) do
    if not contains(fields, key) then
      fail("unknown field '%s'%s", key, suggest.hint(tostring(key), fields))
    end
  end
  for key, allowed in pairs(choices) do
    if p[key] ~= nil and not contains(allowed, p[key]) then
      fail("%s is '%s', must be %s", key, tostring(p[key]), table.concat(allowed, ", "))
    end
  end
end

-- A list of n numbers from a number or such a list.
local function numbers(p, field, n, fallback)
  local list = p[field]
  if list == nil then list = fallback end
  if type(list) == "number" then list = { list } end
  if type(list) ~= "table" or #list ~= n and #list ~= 1 then
    fail("%s must be a number or a list of %d", field, n)
  end
  local out = {}
  for i = 1, n do
    out[i] = list[i] or list[1]
    if type(out[i]) ~= "number" then fail("%s holds a %s", field, type(out[i])) end
  end
  return out
end

local function check_size(p)
  if not p.size then return nil end
  local size = numbers(p, "size", 2)
  for _, n in ipairs(size) do
    if not math.tointeger(n) or n < 1 then fail("size %s is not a positive whole number", n) end
  end
  return size
end

--- complete(p) -> a copy with every default filled in: mean and std are lists, size a pair or nil.
-- Raises for unknown fields (with near matches) and values of a wrong type or range.
function preprocess.complete(p)
  check_keys(p)
  local channels = p.channels or "RGB"
  local n = channels == "grey" and 1 or 3
  local c = { size = check_size(p), crop = p.crop or "square", channels = channels,
              scale = numbers(p, "scale", 1, 1)[1], mean = numbers(p, "mean", n, 0),
              std = numbers(p, "std", n, 1) }
  if c.scale == 0 then fail("scale is 0") end
  if contains(c.std, 0) then fail("std is 0") end
  return c
end

local function square(image)
  local size = image:size()
  local side = math.min(size[2], size[3])
  return image:narrow(2, (size[2] - side) // 2 + 1, side):narrow(3, (size[3] - side) // 2 + 1, side)
end

local function sized(image, c)
  if not c.size then return image end
  if c.crop == "square" then image = square(image) end
  if image:size(2) == c.size[1] and image:size(3) == c.size[2] then return image end
  return core.image.resize(image, c.size[1], c.size[2], "bilinear")
end

local function swapped(t) -- (3,H,W): red for blue
  return core.tensor.cat({ t:narrow(1, 3, 1), t:narrow(1, 2, 1), t:narrow(1, 1, 1) }, 1)
end

-- ITU-R BT.601 luma, as image libraries turn colour into grey.
local function grey(image)
  return image:narrow(1, 1, 1) * 0.299 + image:narrow(1, 2, 1) * 0.587 + image:narrow(1, 3, 1) * 0.114
end

local function in_order(image, channels)
  local has_colour = image:size(1) == 3
  if channels == "grey" then return has_colour and grey(image) or image end
  if not has_colour then return core.tensor.cat({ image, image, image }, 1) end
  return channels == "BGR" and swapped(image) or image
end

local function per_channel(list) return core.tensor.tensor(list):reshape(#list, 1, 1) end

local function check_image(image)
  local size = type(image) == "userdata" and image:size() or {}
  if #size ~= 3 or size[1] ~= 1 and size[1] ~= 3 then
    fail("an image is a tensor (3,H,W) or (1,H,W), got %s",
      #size > 0 and table.concat(size, "x") or type(image))
  end
  if size[2] < 1 or size[3] < 1 then fail("the image is empty (%s)", table.concat(size, "x")) end
end

local function prepare_one(image, c)
  check_image(image)
  local x = in_order(sized(image, c), c.channels)
  x = (x * c.scale - per_channel(c.mean)) / per_channel(c.std)
  return x:reshape(1, table.unpack(x:size()))
end

--- prepare(p, image) -> input (1,C,H,W); prepare(p, {image, ...}) -> input (N,C,H,W). Shrinking is
-- antialiased (a triangle filter as wide as the scale). Raises for what is no image, and where images
-- of a list end up with different sizes.
function preprocess.prepare(p, images)
  local c = preprocess.complete(p)
  if type(images) ~= "table" then return prepare_one(images, c) end
  local batch = {}
  for i, image in ipairs(images) do batch[i] = prepare_one(image, c) end
  if #batch == 0 then fail("no images") end
  return #batch == 1 and batch[1] or core.tensor.cat(batch, 1)
end

local function first_of(x, p)
  local size = x:size()
  local n = p.channels == "grey" and 1 or 3
  if #size == 4 and size[1] == 1 then x = x:reshape(size[2], size[3], size[4]) end
  if #x:size() ~= 3 or x:size(1) ~= n then
    fail("expected a tensor like one input, (1,%d,H,W), got %s", n, table.concat(size, "x"))
  end
  return x
end

--- to_image(p, x) -> the image (3,H,W) or (1,H,W) that an input (1,C,H,W) or (C,H,W) shows, in RGB and
-- clamped to [0,1]: the inverse of prepare without its crop and resize.
function preprocess.to_image(p, x)
  local c = preprocess.complete(p)
  local pixels = (first_of(x, c) * per_channel(c.std) + per_channel(c.mean)) / c.scale
  return (c.channels == "BGR" and swapped(pixels) or pixels):clamp(0, 1)
end

--- gradient_to_image(p, g) -> g (1,C,H,W) or (C,H,W), a gradient or any map shaped like the input, as
-- (3,H,W) or (1,H,W) in the order of an image: only the channels are put back into RGB.
function preprocess.gradient_to_image(p, g)
  local c = preprocess.complete(p)
  local map = first_of(g, c)
  return c.channels == "BGR" and swapped(map) or map
end

return preprocess
