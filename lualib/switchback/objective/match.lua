-- Objectives that compare activations with those of another picture: smaller is nearer.
local algebra = require "switchback.objective.algebra"
local check = require "switchback.check"

local match = {}

-- targets(net, picture, layers) --> { [layer] = tensor (1,C,H,W) }: what the layers (a name or a list) answer
-- to a picture (3,H,W) or (N,3,H,W) of any size, which is preprocessed without crop and resize.
function match.targets(net, picture, layers)
  if type(layers) == "string" then layers = { layers } end
  local pass, found = net:forward(net:input(picture), { upto = layers, record = false }), {}
  for _, layer in ipairs(layers) do found[layer] = pass[layer] end
  return found
end

local function shape_text(t) return table.concat(t:size(), "x") end

-- target repeated for every image of `like`. Raises unless their maps agree.
local function spread(target, like, layer)
  local want, got = like:size(), target:size()
  local fits = #want == #got and (got[1] == 1 or got[1] == want[1])
  for i = 2, #want do fits = fits and want[i] == got[i] end
  if not fits then
    error(("objective: the target of '%s' is %s, the layer %s")
      :format(layer, shape_text(target), shape_text(like)), 0)
  end
  return target
end

-- What the sum of squared differences is divided by.
local divisors = {
  none = function() return 1 end,
  mean = function(target) return target:count() / target:size(1) end,
  energy = function(target) return math.max(target:dot(target) / target:size(1), 1e-30) end,
}

-- content(layer, target [, { normalise = }]) --> sum |F - P|^2 / 2 over the maps F of the layer and P =
-- target, (1,C,H,W) or as many images as there are (Gatys et al. 2016, eq. 1). normalise: "none" (default),
-- "mean" (divided by C H W) or "energy" (by |P|^2: Mahendran & Vedaldi 2015, whose loss is twice this).
function match.content(layer, target, options)
  local o = check.options("objective.content", options, { normalise = "none" })
  if not divisors[o.normalise] then
    check.choice("objective.content", "normalise", o.normalise, { "none", "mean", "energy" })
  end
  local divisor = divisors[o.normalise](target)
  return algebra.new("content " .. layer, { layer }, function(activations, weight)
    local difference = activations[layer] - spread(target, activations[layer], layer)
    local value = difference:dot(difference) / (2 * divisor)
    if weight ~= divisor then difference:mul_(weight / divisor) end
    return value, { [layer] = difference }
  end)
end

return match
