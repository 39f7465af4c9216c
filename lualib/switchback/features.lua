-- Features: what a layer answers to each picture of a data set, as the rows of a matrix.
local check = require "switchback.check"
local core = require "switchback.core"
local image = require "switchback.image"

local features = {}

local OPTIONS = { layer = false, pool = "mean", batch = 16, progress = false }

local passes_on = { dropout = true, identity = true, flatten = true, reshape = true, squeeze = true }

-- last_layer(net) --> the name of the value that the scores of the classes are computed from: what dropout or
-- a change of shape stand for is looked for before them.
function features.last_layer(net)
  local value = net:node(net:logits()).inputs[1]
  while net.made[value] and passes_on[net.made[value].layer.kind] do value = net.made[value].inputs[1] end
  return value
end

local function picture(set, i)
  local t, message = set:picture(i)
  return t or error(message, 0)
end

-- of_pictures(net, list of pictures, layer, pool) --> (N,D), as of(); all pictures at once.
function features.of_pictures(net, pictures, layer, pool)
  local values = net:forward(net:prepare(pictures), { upto = layer, record = false })[layer]
  local size = values:size()
  if #size == 4 and pool == "mean" then values = values:mean(4):mean(3) end
  return values:reshape(size[1], -1)
end

-- of(net, set [, options]) --> (N,D): the activations of a layer for each picture of the set (data/set.lua).
-- options:
--   layer      default: what the scores of the classes are computed from
--   pool       "mean" (default): of maps, the mean over positions, D = channels; "none": D = C * H * W
--   batch      = 16 pictures at a time;  progress: function(done, total)
-- Raises for a picture that cannot be read.
function features.of(net, set, options)
  local o = check.options("features", options, OPTIONS)
  check.choice("features", "pool", o.pool, { "mean", "none" })
  local layer, rows = o.layer or features.last_layer(net), nil
  for first = 1, #set, o.batch do
    local batch = {}
    for i = first, math.min(first + o.batch - 1, #set) do batch[#batch + 1] = picture(set, i) end
    local part = features.of_pictures(net, batch, layer, o.pool)
    rows = rows or core.tensor.zeros(#set, part:size(2))
    rows:narrow(1, first, #batch):copy_(part)
    if o.progress then o.progress(first + #batch - 1, #set) end
  end
  return rows
end

-- ---- Several layers at once ------------------------------------------------------------------------------

-- (N,...) as (N,D): maps of more than grid x grid positions become their means over as many areas.
local function averaged(values, grid)
  local size = values:size()
  if grid > 0 and #size == 4 and (size[3] > grid or size[4] > grid) then
    values = image.resize(values, math.min(grid, size[3]), math.min(grid, size[4]), { method = "area" })
  end
  return values:reshape(size[1], -1)
end

local function loader(net, set, batch)
  local p = require("switchback.preprocess").complete(net.preprocess)
  return require("switchback.data.batches").new(set, { batch = batch, size = p.size, crop = p.crop,
    channels = p.channels, scale = p.scale, mean = p.mean, std = p.std })
end

local OF_LAYERS = { batch = 16, grid = 3, progress = false }

-- of_layers(net, set, layers [, options]) --> { [layer] = tensor (N,D) }: the rows of several layers by one
-- run of each picture, which threads read ahead. options: batch = 16; progress; and grid = 3: maps larger
-- than grid x grid are averaged over that many areas, D = C * grid^2 (0: as they are). Memory: 4 N D bytes a
-- layer. Raises for unknown layers (with near matches) and unreadable pictures.
function features.of_layers(net, set, layers, options)
  local o = check.options("features.of_layers", options, OF_LAYERS)
  check.integer("features.of_layers", "grid", o.grid, 0)
  local batches, found, done = loader(net, set, o.batch), {}, 0
  for x in function() return batches:next() end do
    local pass = net:forward(x, { upto = layers, record = false })
    for _, layer in ipairs(layers) do
      local rows = averaged(pass[layer], o.grid)
      found[layer] = found[layer] or core.tensor.zeros(#set, rows:size(2))
      found[layer]:narrow(1, done + 1, rows:size(1)):copy_(rows)
    end
    done = done + x:size(1)
    if o.progress then o.progress(done, #set) end
  end
  batches:close()
  return found
end

-- ---- Pixels ----------------------------------------------------------------------------------------------

-- pixels_of(pictures, side) --> (N, 3 side^2): pictures as points, each cut to its middle square and resized.
function features.pixels_of(pictures, side)
  local rows = core.tensor.zeros(#pictures, 3 * side * side)
  for i, t in ipairs(pictures) do
    rows:narrow(1, i, 1):copy_(image.rgb(image.fit(t, side, side)):reshape(1, -1))
  end
  return rows
end

-- pixels(set, side [, progress]) --> (N, 3 side^2): the same of a data set.
function features.pixels(set, side, progress)
  local rows = core.tensor.zeros(#set, 3 * side * side)
  for i = 1, #set do
    rows:narrow(1, i, 1):copy_(features.pixels_of({ picture(set, i) }, side))
    if progress then progress(i, #set) end
  end
  return rows
end

-- spread(set, most) --> the set, or `most` pictures of it, evenly spaced.
function features.spread(set, most)
  if #set <= most then return set end
  local list = {}
  for i = 1, most do list[i] = (i - 1) * #set // most + 1 end
  return set:subset(list)
end

-- clear(net, set, most, p) --> list of pictures (C,H,W): those of `most`, evenly spaced, that show the net a
-- class with probability p or more.
function features.clear(net, set, most, p)
  local list, part = {}, features.spread(set, most)
  for i = 1, #part do
    local t = picture(part, i)
    if net:forward(net:prepare(t), { record = false }):top(1)[1].p >= p then list[#list + 1] = t end
  end
  return list
end

return features
