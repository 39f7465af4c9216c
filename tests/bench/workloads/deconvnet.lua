-- The deconvnet walk alone: from the strongest activation of a channel of a layer down to pixels, through
-- the switches of a run that is done beforehand.
local flop = require "flop"

return function(net, tensors, spec)
  local pass = net:forward(tensors.input, { upto = spec.layer })
  local seeds, last = { [spec.layer] = tensors.seed }, nil
  return { run = function() last = pass:backward { seeds = seeds, rule = "deconv" } end,
           output = function() return last end,
           flop = flop(net, spec.shape, spec.layer) }
end
