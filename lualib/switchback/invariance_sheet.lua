-- What invariance shows (vis/invariance.lua) as charts, strips of pictures and numbers.
local image = require "switchback.image"
local plot = require "switchback.plot"

local sheet = {}

local SIDE <const> = 96 -- pixels of a transformed picture
local SHOWN <const> = 13 -- of them in a strip, at most
local CURVES <const> = 5 -- pictures that have a curve of their own, at most
local SIZE <const> = { width = 440, height = 260, columns = 3 }
local MEAN <const> = { 0, 0, 0 }

local function mean(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return sum / #list
end

local function points_of(sweep, value)
  local points = {}
  for k, amount in ipairs(sweep.amounts) do points[k] = { amount, value(k) } end
  return points
end

-- Pictures that have a curve of their own: the first, the last, and others evenly between, since those of a
-- data set come sorted by class.
local function shown(count)
  local list, n = {}, math.min(count, CURVES)
  for i = 1, n do list[i] = n == 1 and 1 or 1 + (i - 1) * (count - 1) // (n - 1) end
  return list
end

-- A curve for each of a few pictures, and the mean of all in black.
local function series(sweep, classes, what)
  local list = {}
  for n, i in ipairs(shown(#sweep.curves)) do
    list[n] = { name = image.elide(classes[i].label:match "^[^,]*", 104),
                points = points_of(sweep, function(k) return sweep.curves[i][what][k] end) }
  end
  if #sweep.curves > 1 then
    list[#list + 1] = { name = ("mean of %d"):format(#sweep.curves), color = MEAN,
      points = points_of(sweep, function(k)
        local values = {}
        for i, curve in ipairs(sweep.curves) do values[i] = curve[what][k] end
        return mean(values)
      end) }
  end
  return list
end

-- Only the first chart has a legend: there is room beside its curves, and the colors mean the same in all.
local function without_names(list)
  for _, s in ipairs(list) do s.name = nil end
  return list
end

-- sheet.charts(found) --> nine charts for sb.plot, a row for each of translation, scale and rotation: the
-- distance at the low layer, at the high one, and the probability of the class.
function sheet.charts(found)
  local charts = {}
  for _, sweep in ipairs(found.sweeps) do
    local x = ("%s, %s"):format(sweep.kind, sweep.unit)
    local titles = { low = "distance at " .. found.low, high = "distance at " .. found.high,
                     p = "probability of the class" }
    for _, what in ipairs { "low", "high", "p" } do
      local list = series(sweep, found.classes, what)
      if #charts > 0 then without_names(list) end
      charts[#charts + 1] = { title = titles[what], x = x, y = { 0, what == "p" and 1 or nil },
                              series = list }
    end
  end
  return charts
end

-- sheet.svg(found) --> the charts as the text of an SVG file.
function sheet.svg(found) return plot.svg(sheet.charts(found), SIZE) end

-- The first picture at amounts from the first to the last, each labelled.
local function strip(sweep)
  local n, pictures, labels = #sweep.amounts, {}, {}
  local count = math.min(SHOWN, n)
  for i = 1, count do
    local k = count == 1 and 1 or 1 + (i - 1) * (n - 1) // (count - 1)
    pictures[i] = image.contain(sweep.pictures[k], SIDE, SIDE):clamp(0, 1)
    labels[i] = ("%s %.4g"):format(sweep.kind, sweep.amounts[k])
  end
  return image.grid(pictures, { columns = count, labels = labels, gap = 4 })
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

-- How far an amount is from the one that does nothing; a turn by 350 degrees is one by 10.
local function away(sweep, k)
  local d = math.abs(sweep.amounts[k] - sweep.identity)
  return sweep.kind == "rotation" and math.min(d % 360, -d % 360) or d
end

-- The places of the amounts beside the one that does nothing.
local function first_steps(sweep)
  local places, nearest = {}, 1
  for k in ipairs(sweep.amounts) do
    if away(sweep, k) < away(sweep, nearest) then nearest = k end
  end
  for _, k in ipairs { nearest - 1, nearest + 1 } do
    if sweep.amounts[k] then places[#places + 1] = k end
  end
  return places
end

-- How much of its largest value a curve has reached after the first step.
local function rise(curve, places)
  local values = {}
  for i, k in ipairs(places) do values[i] = curve[k] end
  return mean(values) / math.max(1e-30, table.unpack(curve))
end

-- R^2 of the straight line that fits the distances best: 1 where the distance grows evenly with what is done,
-- little where it has jumped and then stays.
local function straightness(sweep, curve)
  local xs = {}
  for k in ipairs(curve) do xs[k] = away(sweep, k) end
  local mx, md, xx, xd, dd = mean(xs), mean(curve), 0, 0, 0
  for k, d in ipairs(curve) do
    xx, xd, dd = xx + (xs[k] - mx) ^ 2, xd + (xs[k] - mx) * (d - md), dd + (d - md) ^ 2
  end
  return xd * xd / math.max(xx * dd, 1e-30)
end

local function share(list)
  local count = 0
  for _, yes in ipairs(list) do count = count + (yes and 1 or 0) end
  return count / #list
end

-- sheet.numbers(found) --> for each sweep, as means over the pictures, { kind =,
--   low, high = the share of its largest distance that a layer has moved after one step,
--   low_straight, high_straight = R^2 of the straight line for distance by amount,
--   p, lowest = the mean and the lowest over the amounts of the class's probability, relative to that of the
--   untransformed picture, kept = the share of transformed pictures whose most probable class it is }.
function sheet.numbers(found)
  local rows = {}
  for s, sweep in ipairs(found.sweeps) do
    local places, of = first_steps(sweep), {}
    local function note(what, value)
      of[what] = of[what] or {}
      table.insert(of[what], value)
    end
    for i, curve in ipairs(sweep.curves) do
      for _, layer in ipairs { "low", "high" } do
        note(layer, rise(curve[layer], places))
        note(layer .. "_straight", straightness(sweep, curve[layer]))
      end
      note("p", mean(curve.p) / found.classes[i].p)
      note("lowest", math.min(table.unpack(curve.p)) / found.classes[i].p)
      note("kept", share(curve.top))
    end
    rows[s] = { kind = sweep.kind }
    for what, values in pairs(of) do rows[s][what] = mean(values) end
  end
  return rows
end

return sheet
