-- Saliency: which pixels the score of a class depends on.
local check = require "switchback.check"
local explain = require "switchback.explain"

local OPTIONS = { class = false, rule = "gradient", form = "max", lrn = false, overlap = false }

-- saliency(net, image (C,H,W) [, options]) --> {
--   map = (1,h,w) not negative for form "max"; (C,h,w) in RGB for form "signed",
--   input = (C,h,w) what the network saw, class = { index =, label =, p = } }
-- The map is the derivative of the class's score, before softmax, by the input's pixels. options:
--   class  index or label; default the most probable
--   rule   "gradient" (Simonyan et al. 2014), "guided" (Springenberg et al. 2015) or "deconv"
--   form   "max" (default) or "signed"
--   lrn, overlap  as for pass:backward
return function(net, image, options)
  local o = check.options("saliency", options, OPTIONS)
  check.choice("saliency", "form", o.form, explain.forms)
  local x = net:prepare(image)
  local pass = net:forward(x)
  local class = explain.class(net, pass, o.class)
  local walk = { class = class.index, rule = o.rule, lrn = o.lrn or nil, overlap = o.overlap or nil }
  local gradient = net:gradient_to_image(pass:backward(walk))
  return { map = explain.in_form(gradient, o.form), input = net:to_image(x), class = class }
end
