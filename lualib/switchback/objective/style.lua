-- Objectives that compare Gram matrices: which features occur together, wherever they are (Gatys et al. 2015,
-- 2016).
local algebra = require "switchback.objective.algebra"
local check = require "switchback.check"
local core = require "switchback.core"

local style = {}

local gram = core.layer.gram { normalise = true }

-- A mask (H,W) or (1,H,W) in the size of the maps, (1,1,h,w), with a mean square of 1: the Gram matrix of
-- masked maps, divided by all positions, is then that of the maps inside, divided by those (Gatys et al.
-- 2017, eq. 5).
local function guidance(mask, maps)
  local plane = mask:reshape(1, mask:size(-2), mask:size(-1))
  local t = require("switchback.image").resize(plane, maps:size(3), maps:size(4))
  local scale = math.sqrt(t:dot(t) / t:count())
  if scale == 0 then error("objective: the mask is empty", 0) end
  return (t / scale):unsqueeze(1)
end

-- grams(maps [, mask]) --> { [layer] = (N,C,C) }: the Gram matrices F F^T / (H W) of the maps { [layer] =
-- (N,C,H,W) }, inside the mask (H,W), values in [0,1], of any size.
function style.grams(maps, mask)
  local found = {}
  for layer, t in pairs(maps) do
    if t:dim() == 4 then
      found[layer] = gram:forward(mask and t * guidance(mask, t) or t, { tape = false })
    else
      found[layer] = t:dim() == 2 and t:unsqueeze(1) or t
    end
  end
  return found
end

-- blend(list) --> { [layer] = gram }: the weighted mean of several styles, list = { { targets, weight }... }
-- with targets as style takes them. To match it is to match all of them by those weights: the two losses
-- differ by a constant.
function style.blend(list)
  local mean, total = {}, 0
  for _, entry in ipairs(list) do total = total + entry[2] end
  for _, entry in ipairs(list) do
    for layer, g in pairs(style.grams(entry[1])) do
      local share = g * (entry[2] / total)
      mean[layer] = mean[layer] and mean[layer] + share or share
    end
  end
  return mean
end

-- relative_weights(grams, layers [, shares]) --> weights for style that make it the sum over the layers of
-- share |G - A|^2 / |A|^2, A from grams. shares: { [layer] = number } (default: 1 / number of layers).
-- Without them a network whose layers differ in scale, as all but Gatys' own normalised VGG do, would match
-- one or two layers alone.
function style.relative_weights(grams, layers, shares)
  local weights = {}
  for _, layer in ipairs(layers) do
    local a = grams[layer]
    local share = shares and shares[layer] or 1 / #layers
    weights[layer] = share * 4 * a:size(2) ^ 2 / math.max(a:dot(a), 1e-30)
  end
  return weights
end

local function check_target(layer, target, got)
  local want = got:size()
  if target:size(2) ~= want[2] or target:size(1) ~= 1 and target:size(1) ~= want[1] then
    error(("objective: the Gram matrix for '%s' is %s, that of the layer %s")
      :format(layer, table.concat(target:size(), "x"), table.concat(want, "x")), 0)
  end
end

-- E = |G - A|^2 / (4 C^2), with the gradient at the maps.
local function term(layer, target, mask)
  return function(activations, weight)
    local maps = activations[layer]
    local inside = mask and guidance(mask, maps)
    local g, tape = gram:forward(mask and maps * inside or maps)
    check_target(layer, target, g)
    local difference = g - target
    local scale = 1 / (4 * maps:size(2) ^ 2)
    local value = scale * difference:dot(difference)
    local gradient = gram:backward(tape, difference:mul_(2 * scale * weight))
    return value, { [layer] = mask and gradient:mul_(inside) or gradient }
  end
end

-- style(layers, targets [, { weights =, mask =, target_mask = }]) --> sum over layers of w E, E = |G - A|^2 /
-- (4 C^2) with G and A the Gram matrices F F^T / (H W) of the layer's maps and of the target (Gatys et al.
-- 2016, eq. 4 and 5: with targets of the picture's own size the very same number).
-- layers: a name or a list. targets: { [layer] = maps (1,C,H,W) of a picture of any size, or what grams and
-- blend answer }. weights: { [layer] = w } (default: 1 / number of layers). mask: (H,W), values in [0,1], of
-- any size: only what is inside counts; target_mask: the same of the target, whose maps must be given then.
function style.style(layers, targets, options)
  if type(layers) == "string" then layers = { layers } end
  local o = check.options("objective.style", options, { weights = {}, mask = false, target_mask = false })
  local parts = {}
  for i, layer in ipairs(layers) do
    if not targets[layer] then error(("objective: no target for '%s'"):format(layer), 2) end
    local target = style.grams({ targets[layer] }, o.target_mask)[1]
    local one = algebra.new("style " .. layer, { layer }, term(layer, target, o.mask))
    parts[i] = (o.weights[layer] or 1 / #layers) * one
  end
  return algebra.sum(parts)
end

-- E = share * sum over the images of |G - A|^2 / |A|^2, with the gradient at the maps.
local function relative_term(layer, target, share)
  local squares = (target * target):sum(3, true):sum(2, true):maximum(1e-30) -- (N,1,1) or (1,1,1)
  return function(activations, weight)
    local g, tape = gram:forward(activations[layer])
    check_target(layer, target, g)
    local difference = g - target
    local each = difference / squares
    local value = share * each:dot(difference)
    return value, { [layer] = gram:backward(tape, each:mul_(2 * share * weight)) }
  end
end

-- relative(layers, targets [, shares]) --> sum over the layers and over the images of share |G - A|^2 /
-- |A|^2: 1 for maps without any energy, whatever the network, layer and style. layers: a name or a list.
-- targets: as of style, but each image may have a Gram matrix of its own, (N,C,C). shares: { [layer] =
-- number } (default: 1 / number of layers).
function style.relative(layers, targets, shares)
  if type(layers) == "string" then layers = { layers } end
  local parts = {}
  for i, layer in ipairs(layers) do
    if not targets[layer] then error(("objective: no target for '%s'"):format(layer), 2) end
    local target = style.grams({ targets[layer] })[1]
    local share = shares and shares[layer] or 1 / #layers
    parts[i] = algebra.new("style " .. layer, { layer }, relative_term(layer, target, share))
  end
  return algebra.sum(parts)
end

return style
