-- A sheet of what moves the channels of several layers most, side by side (Zeiler & Fergus 2014, figure 2).
local image = require "switchback.image"
local probe = require "switchback.probe"

local sheet = {}

local ROW <const> = 3 -- pictures in a row of a block

local function patch(t, side) return image.contain(t, side, side):clamp(0, 1) end

-- Pictures as a block, each enlarged to `side` pixels; nothing where there are fewer than a full block.
local function block(pictures, key, draw, full, side)
  local cells = {}
  for i = 1, math.max(full, #pictures) do
    cells[i] = pictures[i] and draw(pictures[i][key], side) or image.canvas(side, side, 0.93)
  end
  return image.grid(cells, { columns = ROW, gap = 2, scale = 1 })
end

local function heading(layer)
  local never = layer.count - layer.active
  return ("%s, %d channels"):format(layer.layer, layer.count)
    .. (never > 0 and (", %d never active"):format(never) or "")
end

local function caption(c)
  local list = c.pictures
  if not list[1] then return ("#%d  never active"):format(c.channel) end
  return ("#%d  act %.4g to %.4g"):format(c.channel, list[1].activation, list[#list].activation)
end

local function column(layer, across, full, side)
  local blocks, labels = {}, {}
  for i, c in ipairs(layer.channels) do
    local halves = { block(c.pictures, "projection", probe.thumbnail, full, side),
                     block(c.pictures, "patch", patch, full, side) }
    blocks[i] = image.grid(halves, { columns = 2, gap = 3, scale = 1 })
    labels[i] = caption(c)
  end
  if #blocks == 0 then blocks = { image.canvas(2 * ROW * side, 2 * ROW * side) } end
  return image.grid(blocks, { columns = math.min(across, #blocks), labels = labels, title = heading(layer),
                              gap = 6, scale = 1, text = 1.5 })
end

-- draw(found, options) --> (3,H,W) of what vis/top9.lua found: a column for each layer, with its channels
-- below each other, of a single layer three side by side: projections left, patches right. options: side = 64
-- pixels of each picture, full = 9 in a block, title.
function sheet.draw(found, options)
  local columns, across = {}, #found == 1 and 3 or 1
  for i, layer in ipairs(found) do
    columns[i] = column(layer, across, options.full or 9, options.side or 64)
  end
  return image.grid(columns, { columns = #columns, gap = 14, scale = 1, title = options.title, text = 2 })
end

return sheet
