-- sb.objective: what to make large or small. Objectives add, subtract and scale:
--   local obj = sb.objective
--   local o = obj.channel("conv4", 37) - 1e-3 * obj.tv()
--   local value, gradients, values = o:evaluate { conv4 = tensor, image = picture }
-- What an objective is: objective/algebra.lua. The objectives, one file a family:
--   activation.lua   channel, neuron, layer, class, amplify
--   direction.lua    direction, guided
--   batch.lua        interpolation, diversity
--   match.lua        targets, content
--   style.lua        style, relative, grams, blend, relative_weights
--   picture.lua      tv, l1, l2, norm, linf, range, blur, alpha
--   algebra.lua      custom, sum, of
local objective = {}

for _, family in ipairs { "activation", "direction", "batch", "match", "style", "picture" } do
  for name, make in pairs(require("switchback.objective." .. family)) do objective[name] = make end
end

local algebra = require "switchback.objective.algebra"
objective.custom, objective.sum, objective.of = algebra.custom, algebra.sum, algebra.of

return objective
