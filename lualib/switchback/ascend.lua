-- sb.ascend: gradient ascent on a neuron, channel or class (Erhan et al. 2009; Simonyan et al. 2014).
local ascend = {}

-- t shifted by n positions along a dimension, what falls off one end coming in at the other.
local function shift(t, dim, n)
  local extent = t:size(dim)
  n = n % extent
  if n == 0 then return t end
  return require("switchback").cat({ t:narrow(dim, extent - n + 1, n), t:narrow(dim, 1, extent - n) }, dim)
end

local function roll(t, dy, dx) return shift(shift(t, 3, dy), 4, dx) end

local function target(net, options)
  if options.class then return net:logits() end
  if not options.layer then error("ascend: say what to raise: class = or layer =", 0) end
  return net:value(options.layer)
end

-- The value to raise, and its gradient at the target's maps: the class's logit, one neuron, or the mean
-- of a channel (of all channels without one).
local function value_and_seed(pass, name, options)
  local seed = require "switchback.seed"
  local maps = pass:value(name)
  if options.class then
    local s = seed.class(maps, pass.net:class(options.class))
    return (maps * s):sum(), s
  end
  local s = seed.activation(maps, { channel = options.channel, seed = "one",
                                    keep = options.neuron or "map" })
  s = s / math.max(s:sum(), 1)
  return (maps * s):sum(), s
end

-- ascend{ net =, input = (1,C,H,W) network input (not changed), class = | layer =, channel =,
--   neuron = {y, x}, steps = 20, rate = 1, l2 = 0, jitter = 0, rng = seed 0,
--   progress = function(step, steps, value) } --> the raised input, { value before each step }.
-- Each step adds rate * g / mean|g| - rate * l2 * x, where g is the gradient of the logit, neuron or mean
-- activation; jitter shifts the input by up to that many pixels.
function ascend.run(options)
  local sb = require "switchback"
  local net, x = options.net, options.input:clone()
  local rate, jitter = options.rate or 1, options.jitter or 0
  local rng, history = options.rng or sb.rng(0), {}
  local name, steps = target(net, options), options.steps or 20
  for step = 1, steps do
    local dy, dx = rng:integer(-jitter, jitter), rng:integer(-jitter, jitter)
    local shifted = jitter > 0 and roll(x, dy, dx) or x
    local pass = net:forward(shifted, { upto = name })
    local value, s = value_and_seed(pass, name, options)
    local g = pass:backward { seeds = { [name] = s } }
    if jitter > 0 then g = roll(g, -dy, -dx) end
    local scale = g:abs():mean()
    if scale > 0 then g = g * (rate / scale) end
    x = x * (1 - rate * (options.l2 or 0)) + g
    history[step] = value
    if options.progress then options.progress(step, steps, value) end
  end
  return x, history
end

return ascend
