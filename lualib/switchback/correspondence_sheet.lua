-- What correspondence (vis/correspondence.lua) hid in which picture, and what came of it.
local image = require "switchback.image"
local plot = require "switchback.plot"
local stack = require "switchback.stack"

local sheet = {}

local CELL <const>, SHOWN <const> = 112, 8 -- pixels of a picture; pictures that are shown, at most
local GREY <const> = 0.5

local function cell(picture) return image.contain(picture, CELL, CELL, { fill = 1 }):clamp(0, 1) end

-- The first round of each name.
local function examples(found)
  local list, seen = {}, {}
  for _, round in ipairs(found.rounds) do
    if not seen[round.part] then list[#list + 1] = round end
    seen[round.part] = true
  end
  return list
end

-- A row for each picture: as it is, and with each part hidden.
local function pictures(found)
  local cells, labels, columns = {}, {}, examples(found)
  for i = 1, math.min(SHOWN, #found.entries) do
    local picture = image.rgb(found.entries[i].picture)
    cells[#cells + 1], labels[#labels + 1] = cell(picture), found.entries[i].name:match "[^/]*$"
    for _, round in ipairs(columns) do
      local box = round.boxes[i]
      cells[#cells + 1] = cell(image.rectangle(picture:clone(), box[1], box[2], box[3], box[4], GREY))
      labels[#labels + 1] = round.part
    end
  end
  return image.grid(cells, { columns = #columns + 1, labels = labels, gap = 6, scale = 1, text = 1 })
end

-- The distances of a layer, one bar for each part.
local function bars(found, l, width)
  local labels, values, deviations = {}, {}, {}
  for i, row in ipairs(found.rows) do
    local at = row.layers[l]
    labels[i] = ("%s, deviation %.3f"):format(row.part, at.deviation)
    values[i], deviations[i] = at.mean, at.deviation
  end
  local heading = image.elide("Hamming distance at " .. found.layers[l], width - 12)
  return stack { image.text(image.canvas(24, width), 7, 6, heading, { color = 0.1 }),
                 plot.bars(labels, values, { width = width, deviations = deviations }) }
end

-- sheet.text(found) --> the table of distances, a row for each part.
function sheet.text(found)
  local lines, head = {}, { ("%-12s"):format "" }
  local function column(l, text) return text .. (" "):rep(math.max(15, #found.layers[l]) - #text) end
  for l, layer in ipairs(found.layers) do head[l + 1] = column(l, layer) end
  lines[1] = table.concat(head, "  ")
  for i, row in ipairs(found.rows) do
    local cells = { ("%-12s"):format(row.part) }
    for l, at in ipairs(row.layers) do
      cells[l + 1] = column(l, ("%.3f +- %.3f"):format(at.mean, at.deviation))
    end
    lines[i + 1] = table.concat(cells, "  ")
  end
  return table.concat(lines, "\n")
end

-- sheet.draw(found, title) --> (3,H,W): each of the first eight pictures with each part hidden, and below for
-- each layer the distances as bars, with their deviations as whiskers.
function sheet.draw(found, title)
  local grid, charts = pictures(found), {}
  for l in ipairs(found.layers) do charts[l] = bars(found, l, grid:size(3) // #found.layers) end
  return image.grid({ stack { grid, stack(charts, true) } }, { title = title, scale = 1, text = 1 })
end

return sheet
