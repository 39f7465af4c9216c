-- Objectives of a batch of images that are made together (Olah et al. 2017).
local activation = require "switchback.objective.activation"
local algebra = require "switchback.objective.algebra"
local core = require "switchback.core"

local batch = {}

-- interpolation(layer1, c1, layer2, c2) --> between two channels: image i of n raises channel c1 of layer1
-- with weight 1 - t and c2 of layer2 with weight t = (i - 1) / (n - 1); the sum over images of their means.
function batch.interpolation(layer1, channel1, layer2, channel2)
  local name = ("interpolation %s:%s to %s:%s"):format(layer1, channel1, layer2, channel2)
  local layers = layer1 == layer2 and { layer1 } or { layer1, layer2 }
  return algebra.new(name, layers, function(activations, weight)
    local parts, n = {}, activations[layer1]:size(1)
    for i = 1, n do
      local t = (i - 1) / math.max(n - 1, 1)
      parts[i] = (1 - t) * activation.channel(layer1, channel1, { image = i })
        + t * activation.channel(layer2, channel2, { image = i })
    end
    local value, gradients = (weight * algebra.sum(parts)):evaluate(activations)
    return weight == 0 and 0 or value / weight, gradients
  end)
end

local gram = core.layer.gram { normalise = true }

-- diversity(layer) --> how alike the images of a batch of n are: the mean over images of the sum of the
-- cosines between their Gram matrix and every other image's. Subtract it to make the images differ.
function batch.diversity(layer)
  return algebra.new("diversity " .. layer, { layer }, function(activations, weight)
    local g, tape = gram:forward(activations[layer])
    local n = g:size(1)
    local rows = g:reshape(n, -1)
    local lengths = (rows * rows):sum(2, true):sqrt():add_(1e-12)
    local units = rows / lengths
    local others = units:sum(1, true) - units -- sum of the others' directions
    local value = units:dot(others) / n
    local slope = (others - units * (others * units):sum(2, true)) * (2 * weight / n) / lengths
    return value, { [layer] = gram:backward(tape, slope:reshape(g:size())) }
  end)
end

return batch
