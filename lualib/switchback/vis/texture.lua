-- Texture synthesis: a new picture with the Gram matrices of an old one (Gatys, Ecker & Bethge 2015).
local check = require "switchback.check"
local image = require "switchback.image"
local merged = require "switchback.merged"

local OPTIONS = { layers = { "relu1_1", "pool1", "pool2", "pool3", "pool4" }, size = 256, source_size = 256,
                  steps = 300, optimizer = false, seed = 0, loop = {} }

-- texture(net, picture, { layers = { "relu1_1", "pool1" ... "pool4" }, size = 256, source_size = 256, steps =
-- 300, optimizer = sb.optim.lbfgs{}, seed = 0, loop = more options of sb.optimize }) --> { image =
-- (3,size,size) in [0,1], history = see optimize/history.lua }. picture (3,H,W) is made source_size pixels
-- long first. The loss is the mean over the layers of |G - A|^2 / |A|^2; the start is normal noise around the
-- picture's mean colour.
-- Raises what sb.optimize does.
return function(net, picture, options)
  local o = check.options("texture", options, OPTIONS)
  local sb = require "switchback"
  local source = image.longer_side(picture, o.source_size)
  local grams = sb.objective.grams(sb.objective.targets(net, source, o.layers))
  local mean = source:mean({ 2, 3 }, true)
  local weights = sb.objective.relative_weights(grams, o.layers)
  local own = {
    net = net, image = sb.randn(sb.rng(o.seed), 3, o.size, o.size) * 0.1 + mean,
    minimize = sb.objective.style(o.layers, grams, { weights = weights }), clamp = false, seed = o.seed,
    optimizer = o.optimizer or sb.optim.lbfgs {}, steps = o.steps,
  }
  local made, history = sb.optimize(merged(own, o.loop))
  return { image = made:clamp(0, 1), history = history }
end
