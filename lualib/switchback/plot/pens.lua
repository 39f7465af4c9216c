-- Pens that charts are drawn with (chart.lua): onto an image, and as SVG.
local image = require "switchback.image"

local pens = {}

local function round(x) return math.floor(x + 0.5) end

-- A line as a row of squares, `thick` pixels wide.
local function draw_line(canvas, x1, y1, x2, y2, color, thick)
  local steps = math.max(1, round(math.max(math.abs(x2 - x1), math.abs(y2 - y1))))
  for i = 0, steps do
    local x, y = x1 + (x2 - x1) * i / steps, y1 + (y2 - y1) * i / steps
    image.rectangle(canvas, round(y - thick / 2) + 1, round(x - thick / 2) + 1, thick, thick, color)
  end
end

-- raster(canvas) --> a pen that draws onto an image (3,H,W).
function pens.raster(canvas)
  local pen = {}
  function pen.line(x1, y1, x2, y2, color) draw_line(canvas, x1, y1, x2, y2, color, 1) end
  function pen.path(points, color)
    local x, y = table.unpack(points[1])
    if #points == 1 then draw_line(canvas, x, y, x, y, color, 4) end
    for i = 2, #points do
      draw_line(canvas, points[i - 1][1], points[i - 1][2], points[i][1], points[i][2], color, 2)
    end
  end
  function pen.text(x, y, s, align)
    local h, w = image.text_size(s)
    local left = align == "right" and x - w or align == "middle" and x - w / 2 or x
    image.text(canvas, round(y - h / 2) + 1, math.max(1, round(left) + 1), s)
  end
  return pen
end

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }
local ANCHORS <const> = { left = "start", middle = "middle", right = "end" }

local function rgb(color)
  return ("rgb(%d,%d,%d)"):format(round(255 * color[1]), round(255 * color[2]), round(255 * color[3]))
end

-- svg(width, height) --> a pen, and a function that answers what it drew as the text of an SVG file.
function pens.svg(width, height)
  local pen, lines = {}, {}
  local function add(format, ...) lines[#lines + 1] = format:format(...) end
  add('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" ' ..
    'font-family="sans-serif" font-size="12">', width, height)
  add '<rect width="100%%" height="100%%" fill="white"/>'
  function pen.line(x1, y1, x2, y2, color)
    add('<path d="M%.1f %.1fL%.1f %.1f" stroke="%s"/>', x1, y1, x2, y2, rgb(color))
  end
  function pen.path(points, color)
    local parts = {}
    for i, p in ipairs(points) do parts[i] = ("%.1f,%.1f"):format(p[1], p[2]) end
    if #points == 1 then
      add('<circle cx="%.1f" cy="%.1f" r="2" fill="%s"/>', points[1][1], points[1][2], rgb(color))
    else
      add('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>', table.concat(parts, " "),
        rgb(color))
    end
  end
  function pen.text(x, y, s, align)
    add('<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>', x, y + 4, ANCHORS[align],
      (s:gsub('[&<>"]', escapes)))
  end
  return pen, function() return table.concat(lines, "\n") .. "\n</svg>\n" end
end

return pens
