-- The memory that a run will take, before it starts.
local count = require("switchback.shape").count

local memory = {}

local FLOAT <const> = 4 -- bytes
local LOOP <const> = 8 -- pictures: values, best, before, input, gradient, and what is made of them on the way
local COLLECTED <const> = 8 << 20 -- bytes that may wait for the collector (plan.lua)

-- How many copies of the values an optimiser keeps (optim/).
local function kept(optimizer)
  if optimizer.mean or optimizer.beta1 then return 2 end
  return optimizer.history and 2 * optimizer.history + 2 or 1
end

local function bytes_of(shape) return FLOAT * count(shape) end

-- Bytes of the layers that the objective reads, for a whole picture.
local function bytes_read(look, shape)
  local shapes, sum = look.net:shapes(shape, look.objective.layers), 0
  for _, layer in ipairs(look.objective.layers) do sum = sum + bytes_of(shapes[look.net:value(layer)]) end
  return sum
end

-- The peak of a run of the net over a picture or a tile, and back, with the gradients that it starts from.
local function pass_peak(look, shape)
  local layers = look.objective.layers
  return look.net:plan(shape, { upto = layers, from = layers, record = true }).backward.peak
end

local function net_peak(look, shape)
  if #look.objective.layers == 0 then return 0 end
  local read = bytes_read(look, shape)
  if not look.tile then return pass_peak(look, shape) + read end
  local h, w = require("switchback.optimize.tiles").largest(look.net, look.objective.layers, shape, look.tile)
  return pass_peak(look, { shape[1], shape[2], h, w }) + 2 * read + bytes_of(shape)
end

-- estimate(look, optimizer, shape) --> bytes, the program and the weights included, that a run at its largest
-- octave holds at most: shape is that of the net's input there. What an objective makes besides a gradient
-- for each layer that it reads is not counted, nor are its targets.
function memory.estimate(look, optimizer, shape)
  local pictures = (LOOP + kept(optimizer)) * bytes_of(shape)
  return net_peak(look, shape) + pictures + COLLECTED
end

return memory
