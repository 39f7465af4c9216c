-- Labelled grids of pictures: the form in which most results are shown.
local check = require "switchback.check"
local image = require "switchback.image"

local DEFAULTS = {
  columns = false, labels = false, title = false, gap = 8, background = 1, scale = false, text = false,
}
-- Pixels; smaller maps are enlarged to about this, where a few are looked at one by one to more.
local FEW, SMALLEST_OF_FEW, SMALLEST_CELL = 12, 160, 64
local TITLE = 1.5 -- the title's size in labels' sizes

local extent = require("switchback.core").image.extent

-- The sides of a cell: the largest picture, enlarged by `scale`.
local function cell_size(list, scale)
  local h, w = 1, 1
  for _, t in ipairs(list) do
    local th, tw = extent(t)
    h, w = math.max(h, th), math.max(w, tw)
  end
  local smallest = #list <= FEW and SMALLEST_OF_FEW or SMALLEST_CELL
  scale = scale or math.max(1, math.ceil(smallest / math.max(h, w)))
  return h * scale, w * scale
end

-- The number of columns that leaves the fewest cells empty, among those near the number that makes the whole
-- about 3:2; the wider of two equals.
local function choose_columns(n, h, w)
  local ideal = math.sqrt(1.5 * n * h / w)
  local best, best_empty = 1, math.huge
  for columns = math.max(1, math.floor(0.7 * ideal)), math.ceil(1.3 * ideal) do
    columns = math.min(columns, n)
    local empty = -n % columns
    local closer = math.abs(columns - ideal) <= math.abs(best - ideal)
    if empty < best_empty or (empty == best_empty and closer) then best, best_empty = columns, empty end
  end
  return best
end

-- A picture enlarged by whole pixels, as far as it fits the cell.
local function enlarged(t, h, w)
  local th, tw = extent(t)
  local factor = math.max(1, math.min(h // th, w // tw))
  if factor == 1 then return t end
  return image.resize(t, th * factor, tw * factor, { method = "nearest" })
end

-- Black or white, whichever reads better on the background.
local function ink(background)
  local r, g, b = background, background, background
  if type(background) == "table" then r, g, b = background[1], background[2], background[3] end
  return 0.299 * r + 0.587 * g + 0.114 * b > 0.5 and 0.1 or 0.95
end

-- Writes in the middle of `width` pixels, shortened to them.
local function write(canvas, y, x, s, width, scale, color)
  s = image.elide(tostring(s), width, scale)
  local _, wide = image.text_size(s, scale)
  image.text(canvas, y, x + (width - wide) // 2, s, { scale = scale, color = color })
end

-- Text grows with the cell, in halves so that strokes stay sharp.
local function text_scale(width)
  return math.max(1, math.min(3, 2 * width // 240 / 2))
end

-- Where things go: all sizes in pixels.
local function layout(list, o)
  local l = { gap = o.gap }
  l.h, l.w = cell_size(list, o.scale)
  l.columns = o.columns or choose_columns(#list, l.h, l.w)
  l.text = o.text or text_scale(l.w)
  l.label = o.labels and image.text_size("", l.text) + 3 or 0
  local title_h, title_w = image.text_size(o.title or "", l.text * TITLE)
  local cells = l.columns * (l.w + o.gap) - o.gap
  l.width = math.max(cells, title_w) + 2 * o.gap
  l.left = (l.width - cells) // 2
  l.top = o.gap + (o.title and title_h + o.gap or 0)
  l.height = l.top + math.ceil(#list / l.columns) * (l.h + l.label + o.gap)
  return l
end

-- The images of a tensor, as a list.
local function as_list(pictures)
  if type(pictures) == "table" then return pictures end
  local list = {}
  for i = 1, pictures:size(1) do list[i] = pictures[i] end
  return list
end

-- grid(pictures [, options]) --> (3,H,W) from a list of images (grey and colour, of any sizes), or from a
-- tensor: (N,C,H,W) is N images, (N,H,W) is N grey maps. Every cell is as large as the largest picture;
-- smaller ones are enlarged by whole pixels as far as they fit and put in the middle. Options:
--   labels = {string...}: under the pictures, shortened to the cell's width;  title = string: above all;
--   columns: default so that the whole is about 3:2;  gap = 8 pixels between cells and around;
--   background = 1: a color;  scale: enlargement of all by whole pixels, default so that cells are at least
--   about 64 pixels large;  text: scale of the labels, default 1 to 3 with the cell's width (the title is
--   half as large again).
return function(pictures, options)
  local o = check.options("image.grid", options, DEFAULTS)
  local list = as_list(pictures)
  if #list == 0 then error("image.grid: there are no pictures", 2) end
  local l, color = layout(list, o), ink(o.background)
  local canvas = image.canvas(l.height, l.width, o.background)
  if o.title then write(canvas, o.gap + 1, 1, o.title, l.width, l.text * TITLE, color) end
  for i, t in ipairs(list) do
    local y = 1 + l.top + (i - 1) // l.columns * (l.h + l.label + l.gap)
    local x = 1 + l.left + (i - 1) % l.columns * (l.w + l.gap)
    local picture = enlarged(t, l.h, l.w)
    local h, w = extent(picture)
    image.paste(canvas, y + (l.h - h) // 2, x + (l.w - w) // 2, picture)
    if o.labels and o.labels[i] then write(canvas, y + l.h + 3, x, o.labels[i], l.w, l.text, color) end
  end
  return canvas
end
