-- Objectives that raise activations (Erhan et al. 2009; Olah et al. 2017). Their values are means over
-- positions (and channels) and sums over the images of the batch, so that no picture's gradient depends on
-- its neighbours. Common option: image = n reads only image n of the batch (default: all of them).
local algebra = require "switchback.objective.algebra"
local check = require "switchback.check"
local core = require "switchback.core"
local zeros = core.tensor.zeros

local activation = {}

local OPTIONS <const> = { image = false }

-- First and last image that an objective reads.
local function images(values, image)
  local count = values:size(1)
  if image and (image < 1 or image > count) then
    error(("objective: image %d is out of range: the batch has %d"):format(image, count), 0)
  end
  return image or 1, image or count
end

-- Position i of the first dimension of t, as a view.
local function at(t, i, what, layer)
  if math.type(i) ~= "integer" or i < 1 or i > t:size(1) then
    error(("objective: %s %s is out of range: '%s' has %d"):format(what, i, layer, t:size(1)), 0)
  end
  return t:select(1, i)
end

-- The objective sum over images of mean(part(maps)), where part answers a view of one image's (C,H,W).
local function mean_of(name, layer, options, part)
  local o = check.options("objective." .. name:match "%a+", options, OPTIONS)
  return algebra.new(name, { layer }, function(activations, weight)
    local a, value = activations[layer], 0
    local g = zeros(a:size())
    local first, last = images(a, o.image)
    for i = first, last do
      local inside = part(g:select(1, i))
      inside:fill_(weight / inside:count())
      value = value + part(a:select(1, i)):mean()
    end
    return value, { [layer] = g }
  end)
end

-- channel(layer, c [, options]) --> the mean activation of channel c (from 1).
function activation.channel(layer, channel, options)
  return mean_of(("channel %s:%s"):format(layer, channel), layer, options, function(maps)
    return at(maps, channel, "channel", layer)
  end)
end

-- neuron(layer, c [, {y, x} [, options]]) --> the activation of channel c at row y and column x (from 1;
-- default: the middle, h // 2 + 1 and w // 2 + 1).
function activation.neuron(layer, channel, position, options)
  local name = position and ("neuron %s:%s at %s,%s"):format(layer, channel, position[1], position[2])
  return mean_of(name or ("neuron %s:%s"):format(layer, channel), layer, options, function(maps)
    local map = at(maps, channel, "channel", layer)
    local y, x = map:size(1) // 2 + 1, map:size(2) // 2 + 1
    if position then y, x = position[1], position[2] end
    local row = at(map, y, "row", layer)
    at(row, x, "column", layer)
    return row:narrow(1, x, 1)
  end)
end

-- layer(layer [, options]) --> the mean activation of a whole layer.
function activation.layer(layer, options)
  return mean_of("layer " .. layer, layer, options, function(maps) return maps end)
end

-- class(net, class [, options]) --> the logit of a class: its score before softmax (Simonyan et al. 2014).
-- class: an index from 1, or the start of a label.
function activation.class(net, class, options)
  local index, layer = net:class(class), net:logits()
  return mean_of("class " .. net:label(index), layer, options, function(scores)
    return at(scores:reshape(scores:size(1), -1), index, "class", layer)
  end)
end

-- amplify(layer) --> half the sum of squares of all activations, whose gradient is the activations
-- themselves: more of what is there (DeepDream; Mordvintsev et al. 2015).
function activation.amplify(layer)
  return algebra.new("amplify " .. layer, { layer }, function(activations, weight)
    local a = activations[layer]
    return a:dot(a) / 2, { [layer] = a * weight }
  end)
end

return activation
