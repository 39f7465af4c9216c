-- A step of sb.train: forward in training form, softmax cross-entropy, gradients of all weights, and gradient
-- descent with Nesterov's momentum and weight decay. The output is every weight after the first step.
local flop = require "flop"
local sb = require "switchback"
local step = require "switchback.train.step"

-- Which weights dropout lets through is not the same in any two programs.
local function without_dropout(net)
  local names = {}
  for _, node in ipairs(net.order) do
    if node.layer.kind == "dropout" then names[#names + 1] = node.name end
  end
  return #names > 0 and net:without(names) or net
end

local function all_weights(net)
  local list, parts = net:parameters(), {}
  table.sort(list, function(a, b) return a.name < b.name end)
  for i, p in ipairs(list) do parts[i] = p.value:reshape(-1) end
  return sb.cat(parts, 1)
end

return function(net, tensors, spec)
  net = without_dropout(net)
  local values, gradients = step.weights(net)
  local labels, output = select(2, tensors.target:max(2)), nil
  local job = { net = net, values = values, gradients = gradients, classes = true, rng = sb.rng(0), epoch = 1,
                at = 1, images = 0, seen = { count = 0, loss = 0, right = 0 },
                criterion = sb.criterion.cross_entropy {},
                optimizer = sb.optim.sgd { rate = spec.rate, momentum = 0.9, nesterov = true,
                                           weight_decay = 5e-4 } }
  local function run()
    step.take(job, tensors.input, labels)
    output = output or all_weights(net)
  end
  return { run = run, output = function() return output end, flop = 3 * flop(net, spec.shape) }
end
