-- Charts of points with error bars: a row for each thing that is compared, drawn with a pen (chart.lua).
local chart = require "switchback.plot.chart"
local image = require "switchback.image"

local points = {}

local RIGHT <const>, TOP <const>, BOTTOM <const> = 18, 48, 44
local APART <const> = 7 -- pixels from one series' point to the next one's in a row
local CAP <const>, DOT <const> = 3, 2

-- The ends of all error bars, as points of curves for chart.extent.
local function ends(c)
  local list = {}
  for _, s in ipairs(c.series) do
    for i = 1, #c.labels do
      local v = s.values[i]
      for _, side in ipairs(v and { -1, 1 } or {}) do
        list[#list + 1] = { v.mean + side * (v.deviation or 0), 0 }
      end
    end
  end
  return { { points = list } }
end

local function label_width(labels)
  local width = 0
  for _, text in ipairs(labels) do width = math.max(width, (select(2, image.text_size(text)))) end
  return width
end

local function draw_axes(pen, c, box, x)
  for _, tick in ipairs(x.ticks) do
    pen.line(tick[1], box.top, tick[1], box.bottom, chart.grid_color)
    pen.text(tick[1], box.bottom + 12, tick[2], "middle")
  end
  pen.line(box.left, box.bottom, box.right, box.bottom, chart.axis_color)
  pen.line(box.left, box.top, box.left, box.bottom, chart.axis_color)
  pen.text((box.left + box.right) / 2, box.top - 36, c.title, "middle")
  pen.text((box.left + box.right) / 2, box.bottom + 30, c.x, "middle")
end

-- Names in a line above the rows.
local function draw_legend(pen, series, box)
  local at = box.left
  for k, s in ipairs(series) do
    pen.path({ { at, box.top - 14 }, { at + 14, box.top - 14 } }, chart.colors[k])
    pen.text(at + 20, box.top - 14, s.name, "left")
    at = at + 44 + select(2, image.text_size(s.name))
  end
end

local function draw_point(pen, v, x, y, color)
  local at, off = x.at(v.mean), v.deviation or 0
  local low, high = x.at(v.mean - off), x.at(v.mean + off)
  pen.path({ { at - DOT, y - 1 }, { at + DOT, y - 1 } }, color)
  pen.path({ { at - DOT, y + 1 }, { at + DOT, y + 1 } }, color)
  if off <= 0 then return end
  pen.line(low, y, high, y, color)
  for _, cap in ipairs { low, high } do pen.line(cap, y - CAP, cap, y + CAP, color) end
end

local function draw_row(pen, c, i, box, x, y)
  pen.text(box.left - 8, y, c.labels[i], "right")
  for k, s in ipairs(c.series) do
    local v = s.values[i]
    if v then draw_point(pen, v, x, y + (k - (#c.series + 1) / 2) * APART, chart.colors[k]) end
  end
end

-- draw(pen, c, left, top, width, height): the chart c = { title =, x = name of that axis, labels = list of
-- the rows' names, series = { { name =, values = { [row] = { mean =, deviation = } } } ... } } (at most six)
-- in the box of that size from (left, top) on: a point at each mean, a bar of +- the deviation (nil or 0:
-- none). A series may lack some rows. The axis begins at 0 unless something is below.
function points.draw(pen, c, left, top, width, height)
  local box = { left = left + label_width(c.labels) + 18, right = left + width - RIGHT, top = top + TOP,
                bottom = top + height - BOTTOM }
  local low, high = chart.extent(ends(c), 1)
  local x = chart.axis(math.min(0, low), high, box.left, box.right, 8)
  local row = (box.bottom - box.top) / #c.labels
  draw_axes(pen, c, box, x)
  draw_legend(pen, c.series, box)
  for i = 1, #c.labels do
    local y = box.top + (i - 0.5) * row
    if i > 1 then pen.line(box.left, y - row / 2, box.right, y - row / 2, chart.grid_color) end
    draw_row(pen, c, i, box, x, y)
  end
end

--- height(rows, series) --> pixels that a chart of so many rows and series takes.
function points.height(rows, series) return TOP + BOTTOM + (APART * series + 9) * rows end

return points
