-- Tiles: a net's values and gradients for a picture that is too large to be run through it at once. Nothing
-- is approximated: each tile is cut out with a halo as wide as the layers' receptive fields, so that what it
-- answers for its own part of each layer is what the whole picture would, and there are no seams. The layers
-- that are read exist whole; what lies below them exists for one tile at a time, and is computed twice.
local graph = require "switchback.graph"

local tiles = {}

-- ---- Geometry, along one axis (1: y, 2: x) -------------------------------------------------------

-- Pixels to which tiles are aligned: a multiple of every stride on the way to the layers.
local function alignment(net, fields, layers)
  local step, values = 1, {}
  for i, layer in ipairs(layers) do values[i] = net:value(layer) end
  for node in pairs(graph.ancestors(net.made, values)) do
    for axis = 1, 2 do
      local f = fields[node.outputs[1]]
      local stride = f and math.tointeger(f[axis].stride) or 1
      while step % stride ~= 0 do step = step + 1 end
    end
  end
  return step
end

-- First and last position (1-based) of a layer that belongs to the pixels first..last; the tile at the end
-- owns what comes after, such as a pooling window that hangs over.
local function owned(f, first, last, extent, count)
  local from = math.ceil((first - 1) / f.stride) + 1
  local to = last >= extent and count or math.ceil(last / f.stride)
  return from, math.min(to, count)
end

-- The pixels that a tile's part of the layers depends on, aligned, with a margin for padding that mirrors.
local function seen(reads, axis, first, last, extent, step)
  local low, high = first, last
  for _, r in ipairs(reads) do
    local f = r.field[axis]
    local from, to = owned(f, first, last, extent, r.shape[axis + 2])
    if from <= to then
      low = math.min(low, math.floor(f.lo + (from - 1) * f.stride))
      high = math.max(high, math.ceil(f.hi + (to - 1) * f.stride))
    end
  end
  low = (low - 1) // step * step + 1 - step
  return math.max(low, 1), math.min(high + step, extent)
end

-- { {first =, last =, low =, high =}... }: each tile's own pixels, and those it is cut out with.
local function spans(reads, axis, extent, tile, step)
  local list, size = {}, math.max(step, tile // step * step)
  for first = 1, extent, size do
    local last = math.min(first + size - 1, extent)
    local low, high = seen(reads, axis, first, last, extent, step)
    list[#list + 1] = { first = first, last = last, low = low, high = high }
  end
  return list
end

-- ---- Running ---------------------------------------------------------------------------------------

local Tiling = {}
Tiling.__index = Tiling

local function cut(t, y, x) return t[{ {}, {}, { y.low, y.high }, { x.low, x.high } }] end

-- The region of layer r that tile (y, x) owns, in the whole layer and in the tile's own maps.
local function regions(self, r, y, x)
  local whole, part = { {}, {} }, { {}, {} }
  for axis, span in ipairs { y, x } do
    local f = r.field[axis]
    local from, to = owned(f, span.first, span.last, self.extent[axis], r.shape[axis + 2])
    if from > to then return nil end
    local offset = math.tointeger((span.low - 1) / f.stride)
    whole[axis + 2], part[axis + 2] = { from, to }, { from - offset, to - offset }
  end
  return whole, part
end

local function each_tile(self, f)
  for _, y in ipairs(self.ys) do
    for _, x in ipairs(self.xs) do f(y, x) end
  end
end

-- The layers' whole maps, tile by tile.
local function gather(self)
  local zeros, activations = require("switchback").zeros, {}
  for _, r in ipairs(self.reads) do activations[r.layer] = zeros(r.shape) end
  each_tile(self, function(y, x)
    local pass = self.net:forward(cut(self.input, y, x), { upto = self.layers, record = false })
    for _, r in ipairs(self.reads) do
      local whole, part = regions(self, r, y, x)
      if whole then activations[r.layer][whole] = pass:value(r.layer)[part] end
    end
  end)
  return activations
end

-- The tile's share of the gradients, zeros in the halo.
local function tile_seeds(self, pass, seeds, y, x)
  local own = {}
  for _, r in ipairs(self.reads) do
    local whole, part = regions(self, r, y, x)
    if whole and seeds[r.layer] then
      own[r.layer] = pass:value(r.layer) * 0
      own[r.layer][part] = seeds[r.layer][whole]
    end
  end
  return own
end

local function scatter(self, seeds)
  local gradient = self.input * 0
  each_tile(self, function(y, x)
    local pass = self.net:forward(cut(self.input, y, x), { upto = self.layers })
    local own = tile_seeds(self, pass, seeds, y, x)
    if next(own) == nil then return end
    local part = pass:backward { seeds = own, rule = self.rule }
    gradient[{ {}, {}, { y.low, y.high }, { x.low, x.high } }] = cut(gradient, y, x):add_(part)
  end)
  return gradient
end

-- What is read: { { layer =, field =, shape = }... }. Raises for layers that see the whole input.
local function reads_of(net, layers, fields, shape)
  local shapes, list = net:shapes(shape, layers), {}
  for i, layer in ipairs(layers) do
    local value = net:value(layer)
    if not fields[value] or #shapes[value] ~= 4 then
      error(("optimize: '%s' sees the whole picture: it cannot be computed by tiles"):format(layer), 0)
    end
    list[i] = { layer = layer, field = fields[value], shape = shapes[value] }
  end
  return list
end

local function new(net, layers, shape, tile)
  local fields = net:fields()
  local reads, step = reads_of(net, layers, fields, shape), alignment(net, fields, layers)
  return setmetatable({ net = net, layers = layers, reads = reads, extent = { shape[3], shape[4] },
                        ys = spans(reads, 1, shape[3], tile, step),
                        xs = spans(reads, 2, shape[4], tile, step) }, Tiling)
end

-- largest(net, layers, shape, tile) --> rows, columns of the largest tile with its halo, for an input of that
-- shape.
function tiles.largest(net, layers, shape, tile)
  local self, most = new(net, layers, shape, tile), { 0, 0 }
  for axis, spans_of_axis in ipairs { self.ys, self.xs } do
    for _, span in ipairs(spans_of_axis) do most[axis] = math.max(most[axis], span.high - span.low + 1) end
  end
  return most[1], most[2]
end

-- run(net, layers, input, { tile =, rule = }) --> { [layer] = values }, back: what the whole input
-- (N,C,H,W) gives, computed in squares of about `tile` pixels. back({ [layer] = gradient }) --> gradient like
-- input, walked by `rule`.
function tiles.run(net, layers, input, settings)
  local self = new(net, layers, input:size(), settings.tile)
  self.input, self.rule = input, settings.rule
  return gather(self), function(seeds) return scatter(self, seeds) end
end

return tiles
