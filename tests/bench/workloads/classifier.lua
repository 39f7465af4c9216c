-- A classifier's logits, or the gradient of one of them to the input.
local flop = require "flop"

local tasks = {}

function tasks.forward(net, x)
  return function() return net:forward(x, { upto = net:logits(), record = false }):scores() end, 1
end

function tasks.saliency(net, x, class)
  return function() return net:forward(x, { upto = net:logits() }):backward { class = class } end, 2
end

return function(net, tensors, spec)
  local run, walks = tasks[spec.task](net, tensors.input, spec.class)
  local last
  return { run = function() last = run() end, output = function() return last end,
           flop = walks * flop(net, spec.shape) }
end
