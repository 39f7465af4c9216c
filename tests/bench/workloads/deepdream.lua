-- One DeepDream step: x <- x + rate g / mean |g|, with g the gradient of half the sum of squares of a layer.
local flop = require "flop"

local RATE <const> = 1.5

return function(net, tensors, spec)
  local layer, x, gradient = spec.layer, tensors.input:clone(), nil
  local function run()
    local pass = net:forward(x, { upto = layer })
    gradient = pass:backward { seeds = { [layer] = pass[layer] } }
    x:add_(gradient * (RATE / gradient:abs():mean()))
  end
  return { run = run, output = function() return gradient end, flop = 2 * flop(net, spec.shape, layer) }
end
