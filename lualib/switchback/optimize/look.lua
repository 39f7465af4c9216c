-- One look of the loop: from the variables of a parameterisation to the loss and its gradients, through
-- picture, transform, preprocessing, net, objective and all the way back.
local look = {}

local Look = {}
Look.__index = Look

-- A net's values at some layers for an input, and the way back: { [layer] = gradient } --> gradient like the
-- input.
local function whole(net, layers, input, walk)
  local pass, activations = net:forward(input, { upto = layers }), {}
  for _, layer in ipairs(layers) do activations[layer] = pass:value(layer) end
  return activations, function(seeds) return pass:backward { seeds = seeds, rule = walk.rule } end
end

-- What the net makes of a picture batch. A picture that is the net's own input needs no preprocessing.
local function activations_of(self, picture)
  if #self.objective.layers == 0 then return {}, nil end
  local input = self.raw and picture or self.net:input(picture)
  local run = self.tile and require("switchback.optimize.tiles").run or whole
  local activations, back = run(self.net, self.objective.layers, input, self)
  if self.raw then return activations, back end
  return activations, function(seeds) return self.net:input_adjoint(back(seeds)) end
end

-- Makes the gradient that each term sends into a layer sum up, in magnitude, to its weight.
local function normalise(gradients, weight)
  for key, g in pairs(gradients) do
    local a = g:abs()
    local sum = a:sum()
    a:release()
    if key ~= "image" and sum > 0 then g:mul_(math.abs(weight) / sum) end
  end
end

-- Like objective:evaluate, each term's gradients normalised.
local function evaluate_normalised(objective, activations)
  local total, sum, values = 0, {}, {}
  for i, part in ipairs(objective:terms()) do
    local value, gradients = part.objective.term(activations, part.weight)
    normalise(gradients, part.weight)
    total, values[i] = total + part.weight * value, value
    for key, g in pairs(gradients) do sum[key] = sum[key] and sum[key]:add_(g) or g end
  end
  return total, sum, values
end

-- look:evaluate(p, rng) --> loss, gradients like p.values, the terms' values. rng is what the transform
-- draws from.
function Look:evaluate(p, rng)
  local picture = p:image()
  local seen, transform_back = picture, nil
  if self.transform then seen, transform_back = self.transform(picture, rng) end
  local activations, back = activations_of(self, seen)
  activations.image = picture
  local evaluate = self.normalise and evaluate_normalised or self.objective.evaluate
  local loss, gradients, values = evaluate(self.objective, activations)
  local dimage = gradients.image
  gradients.image = nil
  if next(gradients) then
    local g = back(gradients)
    if transform_back then g = transform_back(g) end
    dimage = dimage and dimage:add_(g) or g
  end
  return loss, p:backward(dimage or picture * 0), values
end

-- new{ net =, objective = (to be minimised), transform =, raw =, tile =, normalise =, rule = } --> look.
-- raw: the picture is the net's input; tile: pixels, see tiles.lua; normalise: each term's gradient at a
-- layer is divided by the sum of its magnitudes (neural-style's normalize_gradients); rule: of the walk.
function look.new(settings) return setmetatable(settings, Look) end

return look
