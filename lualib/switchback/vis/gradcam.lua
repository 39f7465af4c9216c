-- Grad-CAM: where in a layer's maps a class finds its evidence.
local check = require "switchback.check"

local OPTIONS = { layer = false, class = false }

-- The last value with maps of more than one position.
local function last_maps(net)
  local shapes = net:shapes()
  local names = net:names()
  for i = #names, 1, -1 do
    local shape = shapes[names[i]]
    if #shape == 4 and shape[3] * shape[4] > 1 then return names[i] end
  end
  error("gradcam: the net has no layer with maps", 0)
end

-- gradcam(net, image (C,H,W) [, options]) --> {
--   map = (1,h,w) not negative, at the layer's own resolution,
--   input = (C,H,W) what the network saw, layer =, class = { index =, label =, p = } }
-- Selvaraju et al. 2017, equations 1 and 2: relu of the layer's maps, each weighted by the mean of the
-- derivative of the class's score by it. options:
--   layer  its name; default the last one with maps
--   class  index or label; default the most probable
return function(net, image, options)
  local o = check.options("gradcam", options, OPTIONS)
  local x = net:prepare(image)
  local pass = net:forward(x)
  local layer = o.layer or last_maps(net)
  local index = o.class and net:class(o.class) or pass:top(1)[1].index
  local weights = pass:backward { class = index, to = layer }:mean({ 3, 4 }, true)
  local map = (pass[layer] * weights):sum(2):clamp(0, math.huge)
  return {
    map = map:reshape(1, map:size(2), map:size(3)), input = net:to_image(x), layer = layer,
    class = { index = index, label = net:label(index), p = pass:probabilities()[{ 1, index }] },
  }
end
