-- The snapshots that a training run left beside its net, and the picture of how their features evolved.
local core = require "switchback.core"
local image = require "switchback.image"
local paths = require "switchback.paths"
local probe = require "switchback.probe"

local snapshots = {}

-- find(path) --> { { epoch =, path = }... }, by epoch: NAME-epochNNN.safetensors beside NAME.safetensors, as
-- the recipe train writes them. Raises if there are none.
function snapshots.find(path)
  local folder, stem = paths.folder(path), paths.base(path):gsub("%.[^.]*$", "")
  local list = {}
  for _, name in ipairs(core.files.list(folder) or {}) do
    local epoch = name:sub(1, #stem) == stem and name:sub(#stem + 1):match "^%-epoch(%d+)%.safetensors$"
    if epoch then list[#list + 1] = { epoch = math.tointeger(epoch), path = folder .. "/" .. name } end
  end
  if #list == 0 then
    error(("%s: no snapshots %s-epochNNN.safetensors are beside it; switchback train --snapshots 1,2,5,10,20 "
      .. "--out NAME.safetensors leaves some, --model NAME.safetensors finds them"):format(path, stem), 0)
  end
  table.sort(list, function(a, b) return a.epoch < b.epoch end)
  return list
end

-- What a position sees of a projection, as a square.
local function cell(p, side)
  return probe.thumbnail(probe.patch(p.image, probe.view(p.image, p.box), 0), side)
end

local function block_of(block, epochs, side)
  local cells, labels = {}, {}
  for k, row in ipairs(block.rows) do
    for column, p in ipairs(row) do
      cells[#cells + 1] = cell(p, side)
      labels[#labels + 1] = column == 1 and ("#%d  ep. %d"):format(block.channels[k], epochs[column])
        or ("ep. %d"):format(epochs[column])
    end
  end
  return image.grid(cells, { columns = #epochs, labels = labels, title = block.layer, gap = 4, scale = 1 })
end

-- draw(blocks, epochs [, side = 80]) --> (3,H,W) of what vis/evolution.lua finds: a block for each layer, in
-- it a row for each channel and a column for each epoch; each projection has its own contrast.
function snapshots.draw(blocks, epochs, side)
  local pictures = {}
  for i, block in ipairs(blocks) do pictures[i] = block_of(block, epochs, side or 80) end
  local title = "strongest activations, projected back: rows are channels, columns epochs of training"
  return image.grid(pictures, { scale = 1, gap = 14, text = 1.5, title = title, columns = #blocks })
end

return snapshots
