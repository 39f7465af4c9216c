-- Input x gradient: what each pixel adds to the score of a class, were the net linear.
local check = require "switchback.check"
local explain = require "switchback.explain"

local OPTIONS = { class = false, rule = "gradient", baseline = "mean" }

-- input_x_gradient(net, image (C,H,W) [, options]) --> { map = (C,h,w) in RGB, signed, in units of the score,
--   input = (C,h,w) what the network saw, class = { index =, label =, p = } }
-- map = (x - baseline) * dS/dx of the class's score S before softmax (Shrikumar et al. 2016, baseline 0).
-- For a net of layers without bias and ReLUs the map sums to S(x) - S(0). options:
--   class     index or label; default the most probable
--   rule      "gradient" (default), "guided" or "deconv"
--   baseline  see explain.baseline; default "mean", the network's zero
return function(net, image, options)
  local o = check.options("input_x_gradient", options, OPTIONS)
  local x = net:prepare(image)
  local pass = net:forward(x)
  local class = explain.class(net, pass, o.class)
  local change = x - explain.baseline(net, x, o.baseline)
  local gradient = pass:backward { class = class.index, rule = o.rule }
  return { map = net:gradient_to_image(change * gradient), input = net:to_image(x), class = class }
end
