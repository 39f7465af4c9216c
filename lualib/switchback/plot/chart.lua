-- Charts of curves: axes, ticks, curves and legend, drawn with a pen. A pen has
--   pen.line(x1, y1, x2, y2, color)   thin
--   pen.path(points, color)           through points {x, y}; a single point is a dot
--   pen.text(x, y, string, align)     y: the middle of the line of text; align "left", "right" or "middle"
-- with x to the right and y down, in pixels.
local chart = {}

local COLORS <const> = { { 0.12, 0.38, 0.68 }, { 0.84, 0.33, 0.1 }, { 0.18, 0.55, 0.3 }, { 0.5, 0.3, 0.6 },
                       { 0.55, 0.34, 0.29 }, { 0.35, 0.65, 0.75 } }
local AXIS <const>, GRID <const> = { 0.25, 0.25, 0.25 }, { 0.88, 0.88, 0.88 }
local LEFT <const>, RIGHT <const>, TOP <const>, BOTTOM <const> = 52, 14, 28, 44
local LINE <const> = 14

-- A step of 1, 2 or 5 times a power of ten, of which `span` holds about `count`.
local function tick_step(span, count)
  local power = 10 ^ math.floor(math.log(span / count, 10))
  for _, factor in ipairs { 1, 2, 5 } do
    if span / (factor * power) <= count then return factor * power end
  end
  return 10 * power
end

-- The least and largest of coordinate k of all curves, a little apart if they are equal.
local function extent(series, k)
  local low, high = math.huge, -math.huge
  for _, s in ipairs(series) do
    for _, p in ipairs(s.points) do
      if p[k] - p[k] == 0 then low, high = math.min(low, p[k]), math.max(high, p[k]) end
    end
  end
  if low > high then return 0, 1 end
  if low == high then return low - 0.5, high + 0.5 end
  return low, high
end

local function label(value)
  if math.abs(value) < 1e-12 then return "0" end
  return ("%.4g"):format(value)
end

-- The axis from low to high over pixels [from, to]: { at = function, ticks = {{pixel, label}} }.
local function axis(low, high, from, to, count)
  local a = { ticks = {} }
  function a.at(value) return from + (value - low) / (high - low) * (to - from) end
  local step = tick_step(high - low, count)
  for i = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do
    a.ticks[#a.ticks + 1] = { a.at(i * step), label(i * step) }
  end
  return a
end

-- For charts of other kinds.
chart.axis, chart.extent = axis, extent
chart.colors, chart.axis_color, chart.grid_color = COLORS, AXIS, GRID

local function draw_axes(pen, c, box, x, y)
  for _, tick in ipairs(y.ticks) do
    pen.line(box.left, tick[1], box.right, tick[1], GRID)
    pen.text(box.left - 5, tick[1], tick[2], "right")
  end
  for _, tick in ipairs(x.ticks) do
    pen.line(tick[1], box.bottom, tick[1], box.bottom + 4, AXIS)
    pen.text(tick[1], box.bottom + 12, tick[2], "middle")
  end
  pen.line(box.left, box.bottom, box.right, box.bottom, AXIS)
  pen.line(box.left, box.top, box.left, box.bottom, AXIS)
  pen.text((box.left + box.right) / 2, box.top - 14, c.title, "middle")
  pen.text((box.left + box.right) / 2, box.bottom + 30, c.x, "middle")
end

local function draw_series(pen, s, color, x, y)
  local points = {}
  for _, p in ipairs(s.points) do
    if p[2] - p[2] == 0 then points[#points + 1] = { x.at(p[1]), y.at(p[2]) } end
  end
  if #points > 0 then pen.path(points, color) end
end

-- In the corner where the curves leave most room: that above or below their ends.
local function draw_legend(pen, series, colors, box, y)
  local sum, n = 0, 0
  for _, s in ipairs(series) do
    local last = s.points[#s.points]
    if last then sum, n = sum + y.at(last[2]), n + 1 end
  end
  local low = n > 0 and sum / n < (box.top + box.bottom) / 2
  local at = low and box.bottom - LINE * #series or box.top + LINE / 2
  for i, s in ipairs(n > 0 and series[1].name and series or {}) do
    local line = at + (i - 1) * LINE
    pen.path({ { box.right - 130, line }, { box.right - 112, line } }, colors[i])
    pen.text(box.right - 106, line, s.name, "left")
  end
end

-- The names above the ends of their curves.
local function draw_names(pen, series, box, y)
  for _, s in ipairs(series) do
    if s.name then pen.text(box.right, y.at(s.points[#s.points][2]) - LINE / 2 - 1, s.name, "right") end
  end
end

local function drawn(series)
  local list = {}
  for _, s in ipairs(series) do
    if #s.points > 0 then list[#list + 1] = s end
  end
  return list
end

-- draw(pen, c, left, top, width, height): the chart c = { title =, x = name of that axis, series =
-- { { name =, points = {{x, y}...}, color = }... } (at most six without a color), y = { low, high }: values
-- that the other axis reaches at least, either may be nil, names = "ends": each is written above the end of
-- its curve, instead of a legend } in the box of that size from (left, top) on.
-- Series without points are left out, and points that are no numbers; series without names have no legend.
function chart.draw(pen, c, left, top, width, height)
  local series = drawn(c.series)
  local box = { left = left + LEFT, right = left + width - RIGHT, top = top + TOP,
                bottom = top + height - BOTTOM }
  local x_low, x_high = extent(series, 1)
  local y_low, y_high = extent(series, 2)
  local wanted, colors = c.y or {}, {}
  y_low, y_high = math.min(y_low, wanted[1] or y_low), math.max(y_high, wanted[2] or y_high)
  local x = axis(x_low, x_high, box.left, box.right, 8)
  local y = axis(y_low, y_high, box.bottom, box.top, 6)
  draw_axes(pen, c, box, x, y)
  for i, s in ipairs(series) do
    colors[i] = s.color or COLORS[i]
    draw_series(pen, s, colors[i], x, y)
  end
  if c.names == "ends" then draw_names(pen, series, box, y) else draw_legend(pen, series, colors, box, y) end
end

return chart
