-- One picture through a transform net.
local flop = require "flop"

return function(net, tensors, spec)
  local last
  return { run = function() last = net:forward(tensors.input, { record = false }):value(net.outputs[1]) end,
           output = function() return last end, flop = flop(net, spec.shape) }
end
