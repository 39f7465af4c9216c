-- The picture of what vis/transposed.lua computes: the matrices with their numbers, the planes beside.
local image = require "switchback.image"
local stack = require "switchback.stack"

local sheet = {}

local CELL <const>, PIXEL <const>, GAP <const> = 34, 7, 16 -- pixels
-- One colour for each entry of y, and for what it is made of and spreads to.
local COLORS <const> = { { 1, 0.82, 0.6 }, { 0.72, 0.87, 1 }, { 0.78, 0.93, 0.7 }, { 0.97, 0.75, 0.85 },
                         { 0.85, 0.8, 1 }, { 0.98, 0.95, 0.6 } }

local function color_of(i) return COLORS[(i - 1) % #COLORS + 1] end

-- A table of numbers; color(row, column, value) --> its background, nil for white.
local function numbers(t, color)
  local rows, columns = t:size(1), t:size(2)
  local canvas = image.canvas(rows * CELL + 1, columns * CELL + 1, 0.8)
  for i = 1, rows do
    for j = 1, columns do
      local v = t[{ i, j }]
      local y, x = (i - 1) * CELL + 2, (j - 1) * CELL + 2
      image.rectangle(canvas, y, x, CELL - 1, CELL - 1, color(i, j, v) or 1)
      local text = ("%.3g"):format(v)
      local h, w = image.text_size(text)
      image.text(canvas, y + (CELL - h) // 2, x + (CELL - w) // 2, text, { color = v == 0 and 0.75 or 0.1 })
    end
  end
  return canvas
end

local function by_row(i, _, v) return v ~= 0 and color_of(i) or nil end
local function by_column(_, j, v) return v ~= 0 and color_of(j) or nil end
local function plain() end

-- Parts, { picture, caption } each, side by side with their captions below, and a heading above.
local function row(heading, parts)
  local height, list = 0, {}
  for _, part in ipairs(parts) do height = math.max(height, part[1]:size(2)) end
  for i, part in ipairs(parts) do
    local h, w = part[1]:size(2), part[1]:size(3)
    local _, wide = image.text_size(part[2])
    local width = math.max(w, wide) + GAP
    local canvas = image.canvas(height + 24, width)
    image.paste(canvas, (height - h) // 2 + 1, (width - w) // 2 + 1, part[1])
    list[i] = image.text(canvas, height + 7, (width - wide) // 2 + 1, part[2], { color = 0.1 })
  end
  local body = stack(list, true)
  local _, wide = image.text_size(heading, 1.5)
  local top = image.canvas(40, wide + 2 * GAP)
  return stack { image.text(top, 14, GAP // 2, heading, { color = 0.1, scale = 1.5 }), body }
end

local function column(t) return t:reshape(-1, 1) end

local function extent(t) return table.concat(t:size(), "x") end

-- Grey values from black (0 or less) to white (the largest), each number a square.
local function plane(t)
  local shown = image.stretch(t:unsqueeze(1), { method = "minmax" })
  return image.rgb(image.resize(shown, t:size(1) * PIXEL, t:size(2) * PIXEL, { method = "nearest" }))
end

local function one_dimension(l, stride)
  local m, n = l.matrix:size(1), l.matrix:size(2)
  return stack({
    row(("1-D convolution, stride %d: C x = y, %d values become %d"):format(stride, n, m), {
      { numbers(l.matrix, by_row), "C: the kernel in each row" }, { numbers(column(l.signal), plain), "x" },
      { numbers(column(l.answer), by_row), "= y" } }),
    row(("transposed: %d values become %d again, but others"):format(m, n), {
      { numbers(l.matrix:transpose(), by_column), "C^T" }, { numbers(column(l.answer), by_row), "y" },
      { numbers(column(l.back), plain), "= C^T y" }, { numbers(column(l.signal), plain), "not x" } }),
  }, true)
end

local function two_dimensions(p, stride)
  return row(("2-D, stride %d: zeros spread the convolution out, the kernel fills them in"):format(stride), {
    { plane(p.picture), "x " .. extent(p.picture) }, { plane(p.kernel), "kernel " .. extent(p.kernel) },
    { plane(p.answer), "convolution " .. extent(p.answer) }, { plane(p.spread), "with zeros between" },
    { plane(p.back), "transposed " .. extent(p.back) }, { plane(p.overlap), "windows over each pixel" } })
end

-- draw(found, stride) --> (3,H,W) of what vis/transposed.lua answers.
function sheet.draw(found, stride)
  return stack { one_dimension(found.line, stride), two_dimensions(found.plane, stride) }
end

return sheet
