-- The confusion of a classifier as a picture: a row a true class, a column an answer.
local image = require "switchback.image"

local GAP <const> = 6
local TITLE <const> = "rows: true class, columns: answer"
local WHITE <const>, DEEP <const> = { 1, 1, 1 }, { 0.05, 0.25, 0.55 }

-- White for 0, deep blue for 1; small shares are made to show.
local function shade(share)
  local s, color = share ^ 0.5, {}
  for k = 1, 3 do color[k] = WHITE[k] + (DEEP[k] - WHITE[k]) * s end
  return color
end

local function row_sum(row, n)
  local sum = 0
  for answer = 1, n do sum = sum + (row[answer] or 0) end
  return sum
end

local function draw_row(canvas, row, n, y, left, cell)
  local sum = math.max(row_sum(row, n), 1)
  for answer = 1, n do
    local share = (row[answer] or 0) / sum
    local x = left + (answer - 1) * cell
    image.rectangle(canvas, y, x, cell - 1, cell - 1, shade(share))
    if cell >= 24 and share >= 0.005 then
      local text = ("%.0f"):format(100 * share)
      local h, w = image.text_size(text)
      image.text(canvas, y + (cell - h) // 2, x + (cell - w) // 2, text, { color = share > 0.3 and 1 or 0 })
    end
  end
end

-- The label across the top is written down the column, by turning it.
local function column_label(canvas, text, x, bottom, cell)
  local h, w = image.text_size(text)
  local strip = image.text(image.canvas(h, w, 1), 1, 1, text)
  local turned = image.flip(strip:permute(1, 3, 2), "vertical")
  image.paste(canvas, bottom - w - 2, x + math.max(0, (cell - 1 - h) // 2), turned)
end

local function short(label) return image.elide(label:match "^[^,]*", 150) end

local function widest(labels)
  local width = 0
  for _, label in ipairs(labels) do width = math.max(width, (select(2, image.text_size(short(label))))) end
  return width
end

-- confusion(counts, labels [, { cell = 16 }]) --> (3,H,W). counts[true][answer] of pictures; labels: a name a
-- class. Each row's shares are shades from white, 0, to blue, 1, by their roots; in cells of 24 pixels and
-- more they are written too, in per cent.
return function(counts, labels, options)
  local n, cell = #labels, options and options.cell or 16
  local margin = widest(labels) + 2 * GAP
  local title_height, title_width = image.text_size(TITLE)
  local side = margin + n * cell + GAP
  local canvas = image.canvas(side + title_height + GAP, math.max(side, title_width + 2 * GAP), 1)
  local top = margin + title_height + GAP
  image.text(canvas, GAP, GAP, TITLE)
  for i, label in ipairs(labels) do
    local at = (i - 1) * cell
    local h, w = image.text_size(short(label))
    image.text(canvas, top + at + math.max(0, (cell - 1 - h) // 2) + 1, margin - GAP - w, short(label))
    column_label(canvas, short(label), margin + at + 1, top, cell)
    draw_row(canvas, counts[i], n, top + at + 1, margin + 1, cell)
  end
  return canvas
end
