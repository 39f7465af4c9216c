-- Floating-point operations of convolutions and fully connected layers; the rest does not count.
local graph = require "switchback.graph"

local function product(shape)
  local n = 1
  for _, extent in ipairs(shape) do n = n * extent end
  return n
end

local function of_layer(layer, output)
  if layer.kind ~= "conv2d" and layer.kind ~= "linear" then return 0 end
  local w = layer.params.weight
  return 2 * product(output) * product(w:size()) / w:size(1)
end

-- flop(net, shape [, upto]) --> operations of one forward run over an input of that shape, of the layers that
-- value `upto` needs (default: the output).
return function(net, shape, upto)
  local needed = graph.ancestors(net.made, { net:value(upto or net.outputs[1]) })
  local shapes, total = { [net.inputs[1].name] = shape }, 0
  for _, node in ipairs(net.order) do
    if needed[node] then
      local inputs = {}
      for i, value in ipairs(node.inputs) do inputs[i] = shapes[value] end
      shapes[node.name] = node.layer:infer(table.unpack(inputs))
      total = total + of_layer(node.layer, shapes[node.name])
    end
  end
  return total
end
