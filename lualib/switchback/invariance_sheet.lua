-- What invariance shows (vis/invariance.lua) as charts, strips of pictures and numbers.
local image = require "switchback.image"
local plot = require "switchback.plot"

local sheet = {}

local SIDE <const> = 96 -- pixels of a transformed picture
local SHOWN <const> = 13 -- of them in a strip, at most
local SIZE <const> = { width = 440, height = 260, columns = 3 }

local function series(sweep, classes, what)
  local list = {}
  for i, curve in ipairs(sweep.curves) do
    local points = {}
    for k, amount in ipairs(sweep.amounts) do points[k] = { amount, curve[what][k] } end
    list[i] = { name = image.elide(classes[i].label:match "^[^,]*", 104), points = points }
  end
  return list
end

-- Only the first chart has a legend: there is room beside its curves, and the colors mean the same in all.
local function without_names(list)
  for _, s in ipairs(list) do s.name = nil end
  return list
end

-- sheet.charts(found) --> nine charts for sb.plot, a row for each of translation, scale and rotation: the
-- distance at the low layer, at the high one, and the probability of the class; a curve for each picture.
function sheet.charts(found)
  local charts = {}
  for _, sweep in ipairs(found.sweeps) do
    local x = ("%s, %s"):format(sweep.kind, sweep.unit)
    local titles = { low = "distance at " .. found.low, high = "distance at " .. found.high,
                     p = "probability of the class" }
    for _, what in ipairs { "low", "high", "p" } do
      local list = series(sweep, found.classes, what)
      if #charts > 0 then without_names(list) end
      charts[#charts + 1] = { title = titles[what], x = x, series = list }
    end
  end
  return charts
end

-- sheet.svg(found) --> the charts as the text of an SVG file.
function sheet.svg(found) return plot.svg(sheet.charts(found), SIZE) end

-- The first picture at amounts from the first to the last, each labelled.
local function strip(sweep)
  local n, pictures, labels = #sweep.amounts, {}, {}
  local shown = math.min(SHOWN, n)
  for i = 1, shown do
    local k = shown == 1 and 1 or 1 + (i - 1) * (n - 1) // (shown - 1)
    pictures[i] = image.contain(sweep.curves[1].pictures[k], SIDE, SIDE):clamp(0, 1)
    labels[i] = ("%s %.4g"):format(sweep.kind, sweep.amounts[k])
  end
  return image.grid(pictures, { columns = shown, labels = labels, gap = 4 })
end

-- sheet.draw(found) --> (3,H,W): the strips of the first picture above the charts.
function sheet.draw(found)
  local parts, height, width = {}, 0, 0
  for i, sweep in ipairs(found.sweeps) do parts[i] = strip(sweep) end
  parts[#parts + 1] = plot.curves(sheet.charts(found), SIZE)
  for _, part in ipairs(parts) do
    height, width = height + part:size(2), math.max(width, part:size(3))
  end
  local canvas, y = image.canvas(height, width), 1
  for _, part in ipairs(parts) do
    image.paste(canvas, y, 1 + (width - part:size(3)) // 2, part)
    y = y + part:size(2)
  end
  return canvas
end

-- The places of the amounts beside the one that does nothing.
local function first_steps(sweep)
  local places, nearest = {}, 1
  local function off(k) return math.abs(sweep.amounts[k] - sweep.identity) end
  for k in ipairs(sweep.amounts) do
    if off(k) < off(nearest) then nearest = k end
  end
  for _, k in ipairs { nearest - 1, nearest + 1 } do
    if sweep.amounts[k] then places[#places + 1] = k end
  end
  return places
end

local function mean(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return sum / #list
end

-- How much of its largest value a curve has reached after the first step.
local function rise(curve, places)
  local values = {}
  for i, k in ipairs(places) do values[i] = curve[k] end
  return mean(values) / math.max(1e-30, table.unpack(curve))
end

-- sheet.numbers(found) --> for each sweep { kind =, low =, high = the share of its largest distance that a
-- layer has moved after one step; p, lowest = the mean and the lowest over the amounts of the probability,
-- relative to that of the untransformed picture; all of them means over the pictures }.
function sheet.numbers(found)
  local rows = {}
  for s, sweep in ipairs(found.sweeps) do
    local places, low, high, p, lowest = first_steps(sweep), {}, {}, {}, {}
    for i, curve in ipairs(sweep.curves) do
      low[i], high[i] = rise(curve.low, places), rise(curve.high, places)
      p[i] = mean(curve.p) / found.classes[i].p
      lowest[i] = math.min(table.unpack(curve.p)) / found.classes[i].p
    end
    rows[s] = { kind = sweep.kind, low = mean(low), high = mean(high), p = mean(p),
                lowest = mean(lowest) }
  end
  return rows
end

return sheet
