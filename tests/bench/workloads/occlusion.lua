-- A class's probability with a square of zeros at every position; the output is that of the first positions,
-- as many as a peer's batch.
local flop = require "flop"
local sb = require "switchback"

return function(net, tensors, spec)
  local map
  local function run()
    map = sb.occlude { net = net, input = tensors.input, size = spec.size, stride = spec.stride, fill = 0,
                       watch = { { class = spec.class } } }[1]
  end
  return { run = run, output = function() return map:reshape(-1):narrow(1, 1, spec.batch) end,
           flop = spec.positions * flop(net, spec.shape) }
end
