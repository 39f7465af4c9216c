-- Images: files, sizes, places, colours, labels.
--
-- An image is a tensor (3,H,W) or (1,H,W) with values 0 to 1, channels red, green, blue. (H,W) stands for
-- (1,H,W), and one image with a leading 1, as networks give it, is taken too. Functions return new tensors
-- and leave their arguments alone, except those that draw: `rectangle`, `frame`, `paste` and `text` draw
-- into their first argument and return it. Positions are 1-based, (row, column), and may lie outside when
-- drawing. A colour is a number (grey, 0 to 1) or {r, g, b}. Unknown options are errors.
local check = require "switchback.check"
local core = require "switchback.core"
local file = require "switchback.file"

local codec, draw = core.image, core.draw
local image = {}

-- ---- Arguments --------------------------------------------------------------------------------------------

local function rgb_values(color)
  if type(color) == "table" then return color[1], color[2], color[3] end
  return color, color, color
end

-- ---- Files ------------------------------------------------------------------------------------------------

local LARGEST_FILE = 1 << 29 -- bytes
local LOAD = { channels = false, background = 1 }

local function converted(name, t, wanted)
  if not wanted or wanted == t:size(1) then return t end
  if wanted == 1 then return image.luminance(t) end
  if wanted == 3 then return image.rgb(t) end
  error(("image.%s: channels must be 1 or 3, got %s"):format(name, wanted), 3)
end

-- decode(bytes [, {channels = 1 | 3, background = 1}]) --> image; or nil, message.
-- Reads PNG, JPEG, GIF (first frame), BMP, TGA and binary PNM; 16-bit files at full precision. Grey files
-- give (1,H,W), all others (3,H,W); `channels` converts (to grey: ITU-R BT.601 luma). What is transparent is
-- composited over the grey level `background` (default white). A file that is cut short, fails its checksum
-- or claims more pixels than its length can hold is refused before anything is decoded, as are images of
-- over 2^28 pixels.
function image.decode(bytes, options)
  options = check.options("image.decode", options, LOAD)
  local t, message = codec.decode(bytes, options.background)
  if not t then return nil, message end
  return converted("decode", t, options.channels)
end

-- load(path [, options]) --> image; or nil, message. Options as for decode. Files of over 512 MB are refused.
function image.load(path, options)
  options = check.options("image.load", options, LOAD)
  local bytes, trouble = file.read(path, LARGEST_FILE)
  if not bytes then return nil, trouble end
  local t, message = codec.decode(bytes, options.background)
  if not t then return nil, ("%s: %s"):format(path, message) end
  return converted("load", t, options.channels)
end

local SAVE = { quality = 95 }
local FORMATS = { png = "png", jpg = "jpeg", jpeg = "jpeg" }

-- encode(image, "png" | "jpeg" [, {quality = 95}]) --> string; or nil, message.
-- 8 bits a channel: values are clamped to [0,1] and rounded to the nearest of 256 levels; NaN becomes 0. A
-- grey image makes a grey PNG, but a JPEG of three equal channels. quality (JPEG) is 1 to 100.
function image.encode(t, format, options)
  options = check.options("image.encode", options, SAVE)
  check.choice("image.encode", "format", format, { "png", "jpeg" })
  if math.type(options.quality) ~= "integer" or options.quality < 1 or options.quality > 100 then
    error(("image.encode: quality must be 1 to 100, got %s"):format(options.quality), 2)
  end
  return codec.encode(t, format, options.quality)
end

-- save(path, image [, options]) --> true; or nil, message. The format follows from the extension: .png,
-- .jpg, .jpeg. The file is written beside `path` and renamed: on failure what was there before is untouched.
-- Options as for encode.
function image.save(path, t, options)
  if type(path) ~= "string" then error("image.save: the path must be a string, got a " .. type(path), 2) end
  local extension = path:match("%.([^./]*)$") or ""
  local format = FORMATS[extension:lower()]
  if not format then
    error(("image.save: cannot write '%s'; the name must end in .png, .jpg or .jpeg"):format(path), 2)
  end
  local bytes, message = image.encode(t, format, options)
  if not bytes then return nil, ("%s: %s"):format(path, message) end
  return file.write(path, bytes)
end

-- ---- Sizes ------------------------------------------------------------------------------------------------

local METHODS = { "auto", "nearest", "area", "bilinear", "bicubic" }

-- resize(t, h, w [, {method = "auto"}]) --> (..., h, w) from (..., H, W), any number of channels and images.
-- Methods: "nearest"; "area", the mean over what a target pixel covers; "bilinear", a triangle, and
-- "bicubic", Keys 1981 with a = -1/2, both widened by the scale when shrinking so that nothing aliases (as
-- in Pillow); "auto", an axis at a time, area when shrinking and bicubic when growing. Bicubic overshoots:
-- values may leave [0,1].
function image.resize(t, h, w, options)
  options = check.options("image.resize", options, { method = "auto" })
  check.choice("image.resize", "method", options.method, METHODS)
  return codec.resize(t, h, w, options.method)
end

-- crop(t, y, x, h, w) --> (..., h, w) whose corner is at row y, column x of t. It must lie inside.
image.crop = codec.crop

-- centre_crop(t, h, w) --> the middle (..., h, w) of t. It must not be larger than t.
function image.centre_crop(t, h, w)
  local from_h, from_w = codec.extent(t)
  return codec.crop(t, (from_h - h) // 2 + 1, (from_w - w) // 2 + 1, h, w)
end

-- square(t) --> the largest square in the middle of t.
function image.square(t)
  local h, w = codec.extent(t)
  local side = math.min(h, w)
  return image.centre_crop(t, side, side)
end

local function rounded(x) return math.max(1, math.floor(x + 0.5)) end

-- longer_side(t, side [, {method = "auto"}]) --> t scaled so that its longer side has `side` pixels, values
-- clamped to [0,1].
function image.longer_side(t, side, options)
  local h, w = codec.extent(t)
  local scale = side / math.max(h, w)
  return image.resize(t, rounded(h * scale), rounded(w * scale), options):clamp(0, 1)
end

-- fit(t, h, w [, {method = "auto"}]) --> (..., h, w): t scaled to cover h x w and centre-cropped.
function image.fit(t, h, w, options)
  local from_h, from_w = codec.extent(t)
  local scale = math.max(h / from_h, w / from_w)
  local to_h, to_w = math.max(h, rounded(from_h * scale)), math.max(w, rounded(from_w * scale))
  return image.centre_crop(image.resize(t, to_h, to_w, options), h, w)
end

-- contain(t, h, w [, {method = "auto", fill = 0.5}]) --> (..., h, w): all of t, scaled to fit, in the
-- middle, with `fill` (a number) around it.
function image.contain(t, h, w, options)
  options = check.options("image.contain", options, { method = "auto", fill = 0.5 })
  local from_h, from_w = codec.extent(t)
  local scale = math.min(h / from_h, w / from_w)
  local to_h, to_w = math.min(h, rounded(from_h * scale)), math.min(w, rounded(from_w * scale))
  local inner = image.resize(t, to_h, to_w, { method = options.method })
  -- half a pixel of shift centres an odd remainder on whole pixels
  local dy, dx = (h - to_h) % 2 / 2, (w - to_w) % 2 / 2
  return codec.affine(inner, 1, 0, 0, 1, dy, dx, options.fill, h, w)
end

-- ---- Places -----------------------------------------------------------------------------------------------

-- flip(t [, "horizontal" | "vertical"]) --> t mirrored left to right (the default) or top to bottom.
function image.flip(t, axis)
  axis = axis or "horizontal"
  check.choice("image.flip", "axis", axis, { "horizontal", "vertical" })
  return codec.flip(t, axis)
end

-- affine(t, {yy, yx, xy, xx, dy, dx} [, {fill = 0.5, size = {h, w}}]) --> (..., h, w), size like t by
-- default. The target pixel at (y, x) is looked up bilinearly at (yy y + yx x + dy, xy y + xx x + dx), both
-- relative to the centre of their picture; what lies outside is `fill`.
function image.affine(t, m, options)
  options = check.options("image.affine", options, { fill = 0.5, size = { codec.extent(t) } })
  return codec.affine(t, m[1], m[2], m[3], m[4], m[5], m[6], options.fill, options.size[1], options.size[2])
end

-- rotate(t, degrees [, {fill = 0.5}]) --> t turned counter-clockwise about its centre, same size.
function image.rotate(t, degrees, options)
  options = check.options("image.rotate", options, { fill = 0.5 })
  local c, s = math.cos(math.rad(degrees)), math.sin(math.rad(degrees))
  return image.affine(t, { c, s, -s, c, 0, 0 }, options)
end

-- translate(t, dy, dx [, {fill = 0.5}]) --> t moved down by dy and right by dx pixels (fractions blend).
function image.translate(t, dy, dx, options)
  options = check.options("image.translate", options, { fill = 0.5 })
  return image.affine(t, { 1, 0, 0, 1, -dy, -dx }, options)
end

-- ---- Colours ----------------------------------------------------------------------------------------------

-- canvas(h, w [, color = 1]) --> (3,h,w) of one colour.
function image.canvas(h, w, color)
  return image.rectangle(core.tensor.zeros(3, h, w), 1, 1, h, w, color or 1)
end

-- rgb(t) --> (3,H,W) of one image: grey is repeated.
function image.rgb(t)
  local h, w = codec.extent(t)
  return draw.picture(core.tensor.zeros(3, h, w), 1, 1, t)
end

-- luminance(t) --> (1,H,W) = 0.299 R + 0.587 G + 0.114 B of one (3,H,W) (ITU-R BT.601).
image.luminance = draw.luminance

-- blend(a, b, alpha) --> (C,H,W) = (1 - alpha) a + alpha b; alpha is a number, or a mask (1,H,W) or (C,H,W).
-- One channel stands for all.
function image.blend(a, b, alpha)
  if type(alpha) == "number" then
    local h, w = codec.extent(a)
    alpha = draw.rectangle(core.tensor.zeros(1, h, w), 1, 1, h, w, alpha, alpha, alpha)
  end
  return draw.blend(a, b, alpha)
end

-- colormaps: list of the names that colormap takes.
image.colormaps = draw.colormaps()

-- colormap(map [, name = "viridis"]) --> (3,H,W) from one (1,H,W) with values in [0,1] (clamped; NaN counts
-- as 0). Maps: "viridis", even in lightness; "turbo" and "jet", rainbows; "heat", black to white over red;
-- "grey"; and for signed data with zero at 0.5 (see stretch) "diverging", blue to red over white.
function image.colormap(map, name)
  name = name or "viridis"
  check.choice("image.colormap", "colour map", name, image.colormaps)
  return draw.colormap(map, name)
end

local STRETCH = { method = "auto", percentile = false, per_channel = false }

-- stretch(t [, options]) --> like t, in [0,1] for display: y = (x - low) / (high - low), clamped, one range
-- for each image of (...,C,H,W). Options:
--   method = "minmax": from the smallest to the largest value; "symmetric": around zero, so that zero
--     becomes 0.5; "auto" (default): symmetric if there are values of both signs, else minmax;
--     "percentile": as auto, with percentile 99;
--   percentile = p: the range of the middle p percent of the values (default: of all);
--   per_channel = true: a range for each channel.
-- Constant data become 0.5. NaN and infinities do not count; NaN becomes 0.
function image.stretch(t, options)
  options = check.options("image.stretch", options, STRETCH)
  check.choice("image.stretch", "method", options.method, { "auto", "minmax", "symmetric", "percentile" })
  local method, percentile = options.method, options.percentile
  if method == "percentile" then method, percentile = "auto", percentile or 99 end
  percentile = percentile or 100
  if not (percentile > 0 and percentile <= 100) then
    error(("image.stretch: percentile must be above 0 and at most 100, got %s"):format(percentile), 2)
  end
  return draw.stretch(t, method, percentile / 100, options.per_channel)
end

local HEAT = { alpha = 0.5, colormap = "turbo", stretch = true }

-- heat(image, map [, {alpha = 0.5, colormap = "turbo", stretch = true}]) --> (3,H,W): the map's colours over
-- the image. map is (h,w) or (1,h,w) of any size; it is stretched to [0,1] (`stretch` may be false, or
-- options for stretch) and enlarged bicubically. alpha is the opacity of the colours.
function image.heat(t, map, options)
  options = check.options("image.heat", options, HEAT)
  check.choice("image.heat", "colour map", options.colormap, image.colormaps)
  local h, w = codec.extent(t)
  if options.stretch then
    map = image.stretch(map, options.stretch ~= true and options.stretch or nil)
  end
  local colors = draw.colormap(codec.resize(map, h, w, "auto"), options.colormap)
  return image.blend(image.rgb(t), colors, options.alpha)
end

-- ---- Drawing ----------------------------------------------------------------------------------------------

-- rectangle(t, y, x, h, w [, color = 1]) --> t with a filled rectangle.
function image.rectangle(t, y, x, h, w, color)
  return draw.rectangle(t, y, x, h, w, rgb_values(color or 1))
end

-- frame(t, y, x, h, w [, {color = {1, 0, 0}, width = 2}]) --> t with the outline of a rectangle, drawn
-- inwards.
function image.frame(t, y, x, h, w, options)
  options = check.options("image.frame", options, { color = { 1, 0, 0 }, width = 2 })
  local n, color = math.min(options.width, h, w), options.color
  image.rectangle(t, y, x, n, w, color)
  image.rectangle(t, y + h - n, x, n, w, color)
  image.rectangle(t, y, x, h, n, color)
  return image.rectangle(t, y, x + w - n, h, n, color)
end

-- paste(t, y, x, picture) --> t with the picture on it, its corner at (y, x). Grey pictures go onto any
-- image.
function image.paste(t, y, x, picture) return draw.picture(t, y, x, picture) end

-- text_size(string [, scale = 1]) --> height, width in pixels that text would take.
function image.text_size(s, scale) return draw.text_size(s, scale or 1) end

-- text(t, y, x, string [, {color = 0, scale = 1}]) --> t with the text on it, its top left corner at (y,
-- x), on one line. At scale 1 capitals are 9 pixels high; other than ASCII shows as '?'.
function image.text(t, y, x, s, options)
  options = check.options("image.text", options, { color = 0, scale = 1 })
  return draw.text(t, y, x, s, options.scale, rgb_values(options.color))
end

-- elide(string, width [, scale = 1]) --> the string, shortened by "..." at its end so that it is at most
-- `width` pixels wide; "" if not even that fits.
function image.elide(s, width, scale)
  scale = scale or 1
  local function wide(text) return select(2, draw.text_size(text, scale)) > width end
  if not wide(s) then return s end
  s = s:sub(1, math.ceil(width / scale)) -- every byte takes more than a pixel at scale 1
  repeat
    s = s:sub(1, (utf8.offset(s, -1) or #s) - 1)
  until s == "" or not wide(s .. "...")
  return s == "" and "" or s .. "..."
end

-- grid(list [, options]) --> (3,H,W): pictures side by side, with labels; see switchback.grid.
function image.grid(list, options) return require("switchback.grid")(list, options) end

return image
