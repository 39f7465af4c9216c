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
local check = require "switchback.check"
local core = require "switchback.core"
local image = require "switchback.image"

local preprocess = {}

local FIELDS = { size = false, crop = "square", channels = "RGB", scale = 1, mean = 0, std = 1 }

local function fail(format, ...) error("preprocess: " .. format:format(...), 0) end

-- A list of n numbers from a number or such a list.
local function numbers(list, field, n)
  if type(list) == "number" then list = { list } end
  if type(list) ~= "table" or #list ~= n and #list ~= 1 then
    fail("%s must be a number or a list of %d", field, n)
  end
  local out = {}
  for i = 1, n do
    out[i] = list[i] or list[1]
    if type(out[i]) ~= "number" then fail("%s holds a %s", field, type(out[i])) end
    if out[i] == 0 and field ~= "mean" then fail("%s is 0", field) end
  end
  return out
end

local function size_of(size)
  if not size then return nil end
  size = numbers(size, "size", 2)
  for _, n in ipairs(size) do
    if math.type(n) ~= "integer" or n < 1 then fail("size %s is not a positive whole number", n) end
  end
  return size
end

--- complete(p) -> a copy with every default filled in: mean and std are lists, size a pair or nil.
-- Raises for unknown fields (with near matches) and values of a wrong type or range.
function preprocess.complete(p)
  local c = check.options("preprocess", p, FIELDS)
  check.choice("preprocess", "crop", c.crop, { "square", "none" })
  check.choice("preprocess", "order of channels", c.channels, { "RGB", "BGR", "grey" })
  local n = c.channels == "grey" and 1 or 3
  c.size, c.scale = size_of(c.size), numbers(c.scale, "scale", 1)[1]
  c.mean, c.std = numbers(c.mean, "mean", n), numbers(c.std, "std", n)
  return c
end

local function levels(t) return (t * 255 + 0.5):floor() / 255 end

-- Across, then down, each time rounded to the 256 levels of a file, as image libraries resize: what the
-- networks saw in training. Left unrounded, probabilities move by up to 0.02.
local function resized(t, h, w)
  if t:size(3) ~= w then t = levels(image.resize(t, t:size(2), w, { method = "bilinear" })) end
  if t:size(2) ~= h then t = levels(image.resize(t, h, w, { method = "bilinear" })) end
  return t
end

local function sized(t, c)
  if not c.size then return t end
  if c.crop == "square" then t = image.square(t) end
  return resized(t, c.size[1], c.size[2])
end

local function swapped(t) -- (3,H,W): red for blue
  return core.tensor.cat({ t:narrow(1, 3, 1), t:narrow(1, 2, 1), t:narrow(1, 1, 1) }, 1)
end

local function in_order(t, channels)
  if channels == "grey" then return t:size(1) == 3 and image.luminance(t) or t end
  if t:size(1) == 1 then return image.rgb(t) end
  return channels == "BGR" and swapped(t) or t
end

local function per_channel(list) return core.tensor.tensor(list):reshape(#list, 1, 1) end

local function check_image(t)
  local size = type(t) == "userdata" and t:size() or {}
  if #size ~= 3 or size[1] ~= 1 and size[1] ~= 3 then
    fail("an image is a tensor (3,H,W) or (1,H,W), got %s",
      #size > 0 and table.concat(size, "x") or type(t))
  end
  if size[2] < 1 or size[3] < 1 then fail("the image is empty (%s)", table.concat(size, "x")) end
end

local function prepare_one(t, c)
  check_image(t)
  local x = in_order(sized(t, c), c.channels)
  x = (x * c.scale - per_channel(c.mean)) / per_channel(c.std)
  return x:unsqueeze(1)
end

--- prepare(p, image) -> input (1,C,H,W); prepare(p, {image, ...}) -> input (N,C,H,W). Shrinking is
-- antialiased (a triangle filter as wide as the scale), and what was resized has 256 levels. Raises for
-- what is no image, and where images of a list end up with different sizes.
function preprocess.prepare(p, images)
  local c = preprocess.complete(p)
  if type(images) ~= "table" then return prepare_one(images, c) end
  local batch = {}
  for i, t in ipairs(images) do batch[i] = prepare_one(t, c) end
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

-- ---- With a gradient ---------------------------------------------------------------------------

local LUMINANCE <const> = { 0.299, 0.587, 0.114 } -- as image.luminance

-- The factors of pictures of `channels` channels in each channel of the input, a matrix.
local function factors(c, channels)
  local rows = {}
  for i, std in ipairs(c.std) do
    local row = {}
    for j = 1, channels do
      local own = channels == 1 or (c.channels == "BGR" and 4 - i or i) == j
      local share = c.channels == "grey" and channels == 3 and LUMINANCE[j] or own and 1 or 0
      row[j] = share * c.scale / std
    end
    rows[i] = row
  end
  return core.tensor.tensor(rows)
end

-- matrix times the channels of each image of t.
local function mixed(matrix, t)
  local size = t:size()
  return matrix:matmul(t:reshape(size[1], size[2], size[3] * size[4]))
    :reshape(size[1], matrix:size(1), size[3], size[4])
end

--- apply(p, pictures) -> input (N,C,H,W) of pictures (N,3,H,W) or (N,1,H,W), or of one without the N, values
-- in [0,1] or not: prepare without its crop, resize and rounding, hence linear. Raises for other shapes.
function preprocess.apply(p, pictures)
  local c = preprocess.complete(p)
  if pictures:dim() == 3 then pictures = pictures:unsqueeze(1) end
  local size = pictures:size()
  if #size ~= 4 or size[2] ~= 3 and size[2] ~= 1 then
    fail("pictures are a tensor (N,3,H,W) or (N,1,H,W), got %s", table.concat(size, "x"))
  end
  local offset = core.tensor.tensor(c.mean) / core.tensor.tensor(c.std)
  return mixed(factors(c, size[2]), pictures):sub_(offset:reshape(-1, 1, 1))
end

--- adjoint(p, g [, channels]) -> gradient (N,channels,H,W) at the pictures that apply was given, from g
-- (N,C,H,W) at the input it answered. channels: of the pictures, 3 (default) or 1.
function preprocess.adjoint(p, g, channels)
  local c = preprocess.complete(p)
  if g:dim() ~= 4 or g:size(2) ~= #c.mean then
    fail("a gradient at the input is (N,%d,H,W), got %s", #c.mean, table.concat(g:size(), "x"))
  end
  return mixed(factors(c, channels or 3):transpose(), g)
end

return preprocess
