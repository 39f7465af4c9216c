-- A training step: softmax cross-entropy, gradients of all weights, plain gradient descent. The output is
-- every weight after the first step.
local flop = require "flop"
local sb = require "switchback"
local zoo = require "switchback.zoo"

-- The gradient of the mean cross-entropy to the logits: (softmax - target) / N.
local function cross_entropy_gradient(logits, target)
  local e = (logits - logits:max(2, true)):exp()
  return (e / e:sum(2, true) - target) / logits:size(1)
end

-- Weights in memory of their own: those that come from a file look into it.
local function trainable(net)
  local layers = {}
  for _, node in ipairs(net.order) do
    local params = node.layer.params
    for name, t in pairs(params) do params[name] = t:clone() end
    if next(params) then layers[#layers + 1] = node.layer end
  end
  return layers
end

local function all_weights(net)
  local tensors, names, parts = zoo.tensors(net), {}, {}
  for name in pairs(tensors) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = tensors[name]:reshape(-1) end
  return sb.cat(parts, 1)
end

return function(net, tensors, spec)
  local layers, output, first = trainable(net), net.outputs[1], nil
  local function run()
    for _, layer in ipairs(layers) do layer:zero_grads() end
    local pass = net:forward(tensors.input, { training = true })
    local seed = cross_entropy_gradient(pass[output], tensors.target)
    pass:backward { seeds = { [output] = seed }, weights = true, to = {} }
    for _, layer in ipairs(layers) do
      for name, gradient in pairs(layer.grads) do layer.params[name]:addmul_(-spec.rate, gradient) end
    end
    first = first or all_weights(net)
  end
  return { run = run, output = function() return first end, flop = 3 * flop(net, spec.shape) }
end
