-- Filters: the weights of a convolution, as pictures.
local check = require "switchback.check"

local function is_convolution(node)
  return type(node.layer) ~= "function" and node.layer.kind == "conv2d"
end

local function first_convolution(net)
  for _, node in ipairs(net.order) do
    if is_convolution(node) then return node end
  end
  error("filters: the net has no convolution", 0)
end

-- The convolution that makes a layer's value; a rectifier stands for the convolution before it.
local function convolution(net, name)
  local node = net:node(name)
  if not is_convolution(node) then node = net.made[node.inputs[1]] or node end
  if not is_convolution(node) then error(("filters: '%s' is no convolution"):format(name), 0) end
  return node
end

-- filters(net, image (not looked at), options) --> { layer =: the convolution's name,
--   weight = (O,I,h,w), in_color =: whether the filters look at pixels,
--   filters = list of O tensors: (3,h,w) in RGB where they look at colors, else (I,h,w) }
-- options: layer, the name of a convolution, or of the rectifier after it; default the first.
return function(net, _, options)
  local o = check.options("filters", options, { layer = false })
  local node = o.layer and convolution(net, o.layer) or first_convolution(net)
  local weight = node.layer.params.weight
  local reads_input = node.inputs[1] == net.inputs[1].name and weight:size(2) == 3
  local list = {}
  for i = 1, weight:size(1) do
    local filter = weight:select(1, i)
    list[i] = reads_input and net:gradient_to_image(filter) or filter
  end
  return { layer = node.outputs[1], weight = weight, in_color = reads_input, filters = list }
end
