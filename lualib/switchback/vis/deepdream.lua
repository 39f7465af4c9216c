-- DeepDream: a photo, changed so that layers answer more strongly to what they see in it (Mordvintsev, Olah &
-- Tyka 2015).
local check = require "switchback.check"
local merged = require "switchback.merged"

local OPTIONS = { layers = false, guide = false, steps = 10, rate = 0.006, octaves = 4, octave_scale = 1.4,
                  jitter = 32, loop = {} }

-- What to raise: how strongly each layer answers, or how far it agrees with what it answers to the guide.
local function goal(net, o)
  local obj, terms = require "switchback.objective", {}
  local answers = o.guide and obj.targets(net, o.guide, o.layers)
  for i, layer in ipairs(o.layers) do
    terms[i] = answers and obj.guided(layer, answers[layer]) or obj.amplify(layer)
  end
  return obj.sum(terms)
end

-- deepdream(net, image, { layers = {name...}, guide = picture, steps = 10, rate = 0.006, octaves = 4,
--   octave_scale = 1.4, jitter = 32, loop = more options of sb.optimize }) --> picture (3,H,W) like image,
-- history. Each step adds rate * g / mean|g|, g the gradient of the sum of the layers' squares or, with a
-- guide, a second picture (3,h,w), of their agreement with what they answer to that. Of several layers each
-- counts the same. steps are those of each octave.
return function(net, image, options)
  local o = check.options("deepdream", options, OPTIONS)
  if type(o.layers) ~= "table" or #o.layers == 0 then error("deepdream: say which layers = {name...}", 0) end
  local own = { net = net, image = image, maximize = goal(net, o), steps = o.steps, octaves = o.octaves,
                octave_scale = o.octave_scale, jitter = o.jitter, normalise = #o.layers > 1,
                optimizer = require("switchback.optim").normalised { rate = o.rate } }
  return require("switchback.optimize").run(merged(own, o.loop))
end
