-- SmoothGrad: saliency without its noise, as the mean over noisy copies of the image.
local check = require "switchback.check"
local core = require "switchback.core"
local explain = require "switchback.explain"

local OPTIONS = { class = false, rule = "gradient", form = "max", samples = 50, noise = 0.15, seed = 0,
                  batch = 8, progress = false }

-- The mean of the gradients of the class's score at x + deviation * normal noise.
local function mean_gradient(net, x, index, deviation, o)
  local sum, rng = x * 0, core.rng.new(o.seed)
  local size = x:size()
  for first, n in explain.batches(net, o.samples, o.batch) do
    local noisy = x + core.tensor.randn(rng, n, size[2], size[3], size[4]) * deviation
    sum:add_(explain.gradient(net, noisy, index, { rule = o.rule }):sum(1, true))
    if o.progress then o.progress(first + n - 1, o.samples) end
  end
  return sum / o.samples
end

-- smoothgrad(net, image (C,H,W) [, options]) --> { map = as saliency's, input = (C,h,w) what the network saw,
--   class = { index =, label =, p = }, deviation =: of the noise, in the input's units }
-- Smilkov et al. 2017: the mean of the class's saliency maps at `samples` copies of the input with normal
-- noise. options:
--   class    index or label; default the most probable
--   samples  50; noise = 0.15: its standard deviation as a share of the input's range (max - min);
--            seed = 0: of the noise
--   rule     "gradient" (default), "guided" or "deconv"; form "max" (default) or "signed": as for saliency
--   batch    8 samples run at once; progress = function(done, total)
return function(net, image, options)
  local o = check.options("smoothgrad", options, OPTIONS)
  check.choice("smoothgrad", "form", o.form, explain.forms)
  check.integer("smoothgrad", "samples", o.samples, 1)
  check.integer("smoothgrad", "batch", o.batch, 1)
  local x = net:prepare(image)
  local class = explain.class(net, net:forward(x, { record = false }), o.class)
  local deviation = o.noise * ((x:max()) - (x:min()))
  local gradient = net:gradient_to_image(mean_gradient(net, x, class.index, deviation, o))
  return { map = explain.in_form(gradient, o.form), input = net:to_image(x), class = class,
           deviation = deviation }
end
