-- Plots, drawn as images.
local check = require "switchback.check"
local image = require "switchback.image"

local plot = {}

local BARS = { width = 420, height = false, maximum = false, format = "%.3f", color = { 0.2, 0.4, 0.7 },
               deviations = false }
local GAP = 6

-- The largest that bars and the lines of their deviations reach.
local function largest(values, deviations)
  local most = 0
  for i, value in ipairs(values) do most = math.max(most, value + (deviations[i] or 0)) end
  return most
end

-- bars(labels, values [, options]) --> (3,H,W): one horizontal bar a value, its label above it, the value at
-- its end. Values are not negative. options: width = 420 and height (default: what the rows need) in pixels;
-- maximum: the value of a full bar (default the largest); format of the values; color; deviations: list, each
-- a line from so much below the value to so much above.
function plot.bars(labels, values, options)
  local o = check.options("plot.bars", options, BARS)
  local line = image.text_size("", 1) + 3
  local row = 2 * line + GAP
  local canvas = image.canvas(o.height or #values * row + GAP, o.width, 1)
  local deviations = o.deviations or {}
  local maximum = math.max(o.maximum or largest(values, deviations), 1e-30)
  local _, reserved = image.text_size(o.format:format(maximum) .. "0", 1)
  local full = o.width - 3 * GAP - reserved
  local function at(value) return math.floor(full * math.max(0, math.min(value / maximum, 1)) + 0.5) end
  for i, value in ipairs(values) do
    local y = (i - 1) * row + GAP
    local length = at(value)
    image.text(canvas, y, GAP, image.elide(labels[i], o.width - 2 * GAP))
    if length > 0 then image.rectangle(canvas, y + line, GAP, line - 3, length, o.color) end
    local first, last = at(value - (deviations[i] or 0)), at(value + (deviations[i] or 0))
    if last > first then
      image.rectangle(canvas, y + line + (line - 3) // 2, GAP + first, 2, last - first, 0)
    end
    image.text(canvas, y + line, 2 * GAP + last, o.format:format(value))
  end
  return canvas
end

local CURVES = { width = 440, height = 280, columns = false }

local function draw_all(charts, o, pen)
  for i, c in ipairs(charts) do
    local kind = require("switchback.plot." .. (c.labels and "points" or "chart"))
    local row, column = (i - 1) // o.columns, (i - 1) % o.columns
    kind.draw(pen, c, column * o.width, row * o.height, o.width, o.height)
  end
end

-- The options, and the height and width of all charts.
local function laid_out(name, charts, options)
  local o = check.options(name, options, CURVES)
  o.columns = o.columns or #charts
  return o, -(-#charts // o.columns) * o.height, math.min(#charts, o.columns) * o.width
end

-- curves(charts [, options]) --> (3,H,W): charts side by side, of curves (plot/chart.lua), or of points with
-- error bars where a chart has labels (plot/points.lua).
-- options: width = 440 and height = 280 of each, in pixels; columns: how many in a row (default: all).
function plot.curves(charts, options)
  local o, height, width = laid_out("plot.curves", charts, options)
  local canvas = image.canvas(height, width, 1)
  draw_all(charts, o, require("switchback.plot.pens").raster(canvas))
  return canvas
end

-- svg(charts [, options]) --> the same as the text of an SVG file.
function plot.svg(charts, options)
  local o, height, width = laid_out("plot.svg", charts, options)
  local pen, text = require("switchback.plot.pens").svg(width, height)
  draw_all(charts, o, pen)
  return text()
end

-- confusion(counts, labels [, options]) --> (3,H,W): see plot/confusion.lua.
function plot.confusion(...) return require "switchback.plot.confusion"(...) end

return plot
