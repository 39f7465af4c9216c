-- Grad-CAM and Grad-CAM++: where in a layer's maps a class finds its evidence.
local check = require "switchback.check"
local core = require "switchback.core"
local explain = require "switchback.explain"

local OPTIONS = { layer = false, class = false, weights = "mean" }

local weigh = {}

-- Selvaraju et al. 2017, equation 1: the mean of the derivative over the positions of a map.
function weigh.mean(gradient) return gradient:mean({ 3, 4 }, true) end

-- Chattopadhyay et al. 2018, equations 10 and 19, for Y = exp(S) of a score S that is linear in the maps: its
-- second and third derivatives are then those of S squared and cubed times Y, and Y, a factor common to all
-- maps, is left out.
function weigh.plusplus(gradient, maps)
  local square = gradient:square()
  local below = square * 2 + maps:sum({ 3, 4 }, true) * square * gradient
  local alpha = square / core.tensor.where(below:ne(0), below, 1)
  return (alpha * gradient:clamp(0, math.huge)):sum({ 3, 4 }, true)
end

-- gradcam(net, image (C,H,W) [, options]) --> {
--   map = (1,h,w) not negative, at the layer's own resolution,
--   input = (C,H,W) what the network saw, layer =, class = { index =, label =, p = } }
-- Selvaraju et al. 2017, equation 2: relu of the sum of the layer's maps, each with a weight. options:
--   layer    its name; default the last one with maps
--   class    index or label; default the most probable
--   weights  "mean" (default): of the derivative of the class's score by the map (Grad-CAM); "plusplus": of
--            its positive part, each position weighted (Grad-CAM++), which finds several instances
return function(net, image, options)
  local o = check.options("gradcam", options, OPTIONS)
  check.choice("gradcam", "weights", o.weights, { "mean", "plusplus" })
  local x = net:prepare(image)
  local pass = net:forward(x)
  local layer = o.layer or explain.map_layer(net)
  local class = explain.class(net, pass, o.class)
  local maps = pass[layer]
  if maps:dim() ~= 4 then error(("gradcam: '%s' has no maps"):format(layer), 2) end
  local weights = weigh[o.weights](pass:backward { class = class.index, to = layer }, maps)
  local map = (maps * weights):sum(2):clamp(0, math.huge)
  return { map = map:reshape(1, map:size(2), map:size(3)), input = net:to_image(x), layer = layer,
           class = class }
end
