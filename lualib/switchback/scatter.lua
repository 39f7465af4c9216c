-- Pictures of maps: points of the plane shown as thumbnails, as coloured labels, or as a grid of pictures.
local check = require "switchback.check"
local core = require "switchback.core"
local image = require "switchback.image"
local stack = require "switchback.stack"

local scatter = {}

local MARGIN <const> = 0.03 -- of the side, around the outermost points
local INK <const> = 0.15
local FEW <const> = 60 -- classes that a legend can name

-- Ten colours that are told apart easily (Tableau's), then hues all around.
local TEN <const> = {
  { 0.12, 0.47, 0.71 }, { 1.00, 0.50, 0.05 }, { 0.17, 0.63, 0.17 }, { 0.84, 0.15, 0.16 },
  { 0.58, 0.40, 0.74 }, { 0.55, 0.34, 0.29 }, { 0.89, 0.47, 0.76 }, { 0.40, 0.40, 0.40 },
  { 0.65, 0.66, 0.05 }, { 0.09, 0.75, 0.81 },
}

local function hue(turn, value)
  local color = {}
  for c = 1, 3 do
    local distance = math.abs((turn * 6 + 4 - 2 * c + 4) % 6 - 3) -- 3 at the channel's own hue, falling
    color[c] = value * (0.15 + 0.85 * math.max(0, math.min(1, distance - 1)))
  end
  return color
end

-- color(i, n) --> {r, g, b} of class i of n.
function scatter.color(i, n)
  if n <= #TEN then return TEN[i] end
  return hue((i - 1) / n, i % 2 == 0 and 0.55 or 0.9)
end

-- The points of map (N,2) in pixels { x, y } of a square, as far as it allows, proportions kept.
local function places(map, side)
  local low, high = map:min(1), map:max(1)
  local span = math.max((high - low):max(), 1e-12)
  local inner, list = side * (1 - 2 * MARGIN), {}
  for i, p in ipairs(map:totable()) do
    list[i] = { side / 2 + ((p[1] - (low[1] + high[1]) / 2) / span) * inner,
                side / 2 + ((p[2] - (low[2] + high[2]) / 2) / span) * inner }
  end
  return list
end

local function at(middle, extent) return math.floor(middle - extent / 2 + 0.5) + 1 end

-- A thumbnail inside a frame of its class's colour.
local function framed(t, side, color)
  local tile = image.rgb(image.fit(t, side, side):clamp(0, 1))
  return color and image.frame(tile, 1, 1, side, side, { color = color, width = 2 }) or tile
end

local LINE <const>, LEGEND <const> = 18, 180 -- pixels: of a class in the legend, of its width

-- A column of the classes' names beside their colors, in the middle of the height.
local function legend(classes, height)
  local canvas = image.canvas(math.max(height, #classes * LINE), LEGEND)
  local top = (canvas:size(2) - #classes * LINE) // 2
  for i, class in ipairs(classes) do
    local y = top + (i - 1) * LINE + 1
    image.rectangle(canvas, y + 2, 8, LINE - 6, LINE - 6, scatter.color(i, #classes))
    image.text(canvas, y + 2, 28, image.elide(class:match "^[^,]*", LEGEND - 32), { color = INK })
  end
  return canvas
end

local THUMBNAILS = { side = 1400, thumbnail = 40, labels = false, classes = {} }

-- thumbnails(map (N,2), picture, options) --> (3,side,side): picture(i) of each point at its place. options:
-- side = 1400 pixels; thumbnail = 40 pixels; labels: list of places in `classes`, the list of names: each
-- frame has its class's colour, unless there are more than 60, which a legend at the right tells.
function scatter.thumbnails(map, picture, options)
  local o = check.options("scatter.thumbnails", options, THUMBNAILS)
  local canvas, colored = image.canvas(o.side, o.side), o.labels and #o.classes <= FEW
  for i, p in ipairs(places(map, o.side)) do
    local color = colored and scatter.color(o.labels[i], #o.classes) or nil
    image.paste(canvas, at(p[2], o.thumbnail), at(p[1], o.thumbnail), framed(picture(i), o.thumbnail, color))
  end
  return colored and stack({ canvas, legend(o.classes, o.side) }, true) or canvas
end

local GRID = { side = 1400, cells = 28 }

-- grid(map (N,2), picture, options) --> (3,side,side): in each of cells x cells places of the map the picture
-- whose point is nearest to its middle. options: side = 1400 pixels, cells = 28.
function scatter.grid(map, picture, options)
  local o = check.options("scatter.grid", options, GRID)
  local cell, middles = o.side // o.cells, {}
  local canvas = image.canvas(cell * o.cells, cell * o.cells)
  for i = 0, o.cells * o.cells - 1 do
    middles[i + 1] = { (i % o.cells + 0.5) * cell, (i // o.cells + 0.5) * cell }
  end
  local points = core.tensor.tensor(places(map, cell * o.cells))
  local nearest = core.embed.neighbors(points, core.tensor.tensor(middles), 1):reshape(-1):totable()
  for i, which in ipairs(nearest) do
    local tile = framed(picture(math.tointeger(which)), cell)
    image.paste(canvas, (i - 1) // o.cells * cell + 1, (i - 1) % o.cells * cell + 1, tile)
  end
  return canvas
end

-- The place of a class: the medians of its points.
local function middle_of(list)
  local xs, ys = {}, {}
  for i, p in ipairs(list) do xs[i], ys[i] = p[1], p[2] end
  table.sort(xs)
  table.sort(ys)
  return xs[(#xs + 1) // 2], ys[(#ys + 1) // 2]
end

local function draw_name(canvas, x, y, name, color)
  local h, w = image.text_size(name, 1.5)
  local top, left = at(y, h), at(x, w)
  image.rectangle(canvas, top - 2, left - 4, h + 4, w + 8, 1)
  image.frame(canvas, top - 2, left - 4, h + 4, w + 8, { color = color, width = 1 })
  image.text(canvas, top, left, name, { scale = 1.5, color = INK })
end

local LABELS = { side = 1400 }
local DOT <const> = 7

-- labels(map (N,2), labels, classes [, { side = 1400 }]) --> (3,side,side): each point in the colour of its
-- class, as the class's name where that is a character or two, else as a square; the names stand in the
-- middle of their classes. labels: list of N places in `classes`, the list of names.
function scatter.labels(map, labels, classes, options)
  local o = check.options("scatter.labels", options, LABELS)
  local canvas, of_class = image.canvas(o.side, o.side), {}
  for i, p in ipairs(places(map, o.side)) do
    local class, color = labels[i], scatter.color(labels[i], #classes)
    of_class[class] = of_class[class] or {}
    table.insert(of_class[class], p)
    if #classes[class] <= 2 then
      local h, w = image.text_size(classes[class], 1.5)
      image.text(canvas, at(p[2], h), at(p[1], w), classes[class], { scale = 1.5, color = color })
    else
      image.rectangle(canvas, at(p[2], DOT), at(p[1], DOT), DOT, DOT, color)
    end
  end
  for class = 1, #classes <= FEW and #classes or 0 do
    local name = classes[class]:match "^[^,]*"
    if of_class[class] and #name > 2 then
      local x, y = middle_of(of_class[class])
      draw_name(canvas, x, y, name, scatter.color(class, #classes))
    end
  end
  return canvas
end

return scatter
