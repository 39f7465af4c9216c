-- sb.ascend: gradient ascent on a neuron, channel or class (Erhan et al. 2009; Simonyan et al. 2014).
local ascend = {}

local function target(net, options)
  if options.class then return net:logits() end
  if not options.layer then error("ascend: say what to raise: class = or layer =", 0) end
  return net:value(options.layer)
end

-- What to raise, as weights of the target's maps: the class's logit, one neuron, or the mean of a channel (of
-- all channels without one).
local function weights(net, maps, options)
  local seed = require "switchback.seed"
  if options.class then return seed.class(maps, net:class(options.class)) end
  local s = seed.activation(maps, { channel = options.channel, seed = "one", keep = options.neuron or "map" })
  return s / math.max(s:sum(), 1)
end

local function objective(net, options)
  local layer = target(net, options)
  return require("switchback.objective").custom(layer, function(activations)
    local w = weights(net, activations[layer], options)
    return w:dot(activations[layer]), { [layer] = w }
  end)
end

-- ascend{ net =, input =, class = | layer =, channel =, neuron = {y, x}, steps = 20, rate = 1, l2 = 0,
--   jitter = 0, rng = sb.rng(0), progress = function(done, total, value) } --> input after the steps, list of
-- the values before each step. input: (1,C,H,W), in the net's units, itself left alone. What rises is the
-- logit of a class, or the mean of a channel (of all channels if none is given), or the neuron at row y,
-- column x of a channel: each step adds rate * g / mean|g|, g its gradient, and takes rate * l2 of the input
-- away. jitter: the picture is shifted by up to that many pixels before each step, what leaves on one side
-- coming in at the other, and back after it. A thin use of sb.optimize, which does more.
function ascend.run(options)
  local net, optim = options.net, require "switchback.optim"
  local step = optim.normalised { rate = options.rate or 1, per = "tensor", weight_decay = options.l2 or 0 }
  return require("switchback.optimize").run {
    net = net, input = options.input, maximize = objective(net, options), optimizer = step,
    steps = options.steps, jitter = options.jitter, rng = options.rng, progress = options.progress,
  }
end

return ascend
