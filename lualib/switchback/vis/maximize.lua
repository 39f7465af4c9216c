-- Pictures that a channel, a neuron or a class answers to most (Erhan et al. 2009; Olah et al. 2017).
local check = require "switchback.check"
local merged = require "switchback.merged"

local OPTIONS = { layer = false, channels = false, classes = false, position = false, most = 12,
                  param = "fourier", steps = false, rate = false, size = false, rule = "redirected",
                  seed = 0, loop = false, progress = false }

-- What each parameterisation does well with. pixels as in Chollet's study of VGG-16 (2016): a start of
-- N(0,1) in units of the deviation of ImageNet's pixels, and 20 steps of the normalised gradient.
local STYLES = {
  pixels = { optimizer = "normalised", rate = 0.02, steps = 20, deviation = 0.226 },
  fourier = { optimizer = "adam", rate = 0.05, steps = 100, robust = true },
  laplacian = { optimizer = "adam", rate = 0.05, steps = 100, robust = true },
  cppn = { optimizer = "adam", rate = 0.005, steps = 200, robust = true },
}
local CLASS_PATIENCE <const> = 2 -- whole objects take longer than textures
local TEXTURE_SIZE <const>, CLASS_SIZE <const> = 160, 224

-- Channels from 1 to count, evenly spaced.
local function spread(most, count)
  local list, n = {}, math.min(most, count)
  for i = 1, n do list[i] = (i - 1) * count // n + 1 end
  return list
end

local function class_targets(net, classes)
  local objective, list = require "switchback.objective", {}
  for i, which in ipairs(classes) do
    local index = net:class(which)
    list[i] = { class = index, label = net:label(index):match "^[^,]*",
                objective = objective.class(net, index) }
  end
  return list
end

local function channel_targets(net, o)
  local objective, list = require "switchback.objective", {}
  if not o.layer then error("maximize: say what: layer =, with or without channels =, or classes =", 0) end
  local count = net:shapes()[net:value(o.layer)][2]
  for i, c in ipairs(o.channels or spread(o.most, count)) do
    if c > count then
      error(("maximize: channel %d is out of range: '%s' has %d"):format(c, o.layer, count), 0)
    end
    local neuron = o.position and objective.neuron(o.layer, c, o.position ~= "middle" and o.position or nil)
    list[i] = { channel = c, label = "#" .. c, objective = neuron or objective.channel(o.layer, c) }
  end
  return list
end

-- The sides of the picture: as asked, as the net must have them, or what shows well.
local function size_of(net, o)
  local shape, default = net.inputs[1].shape, o.classes and CLASS_SIZE or TEXTURE_SIZE
  local own = o.classes and net.preprocess and net.preprocess.size
  if o.size then return { o.size, o.size } end
  if own then return type(own) == "table" and own or { own, own } end
  return { shape[3] > 0 and shape[3] or default, shape[4] > 0 and shape[4] or default }
end

-- Small changes before each look, so that what is found is not the weakness of single pixels.
local function robust()
  local t = require "switchback.transform"
  return t.compose { t.jitter(8), t.scale { 0.95, 0.975, 1, 1.025, 1.05 },
                     t.rotate { -5, -3, -1, 0, 1, 3, 5 }, t.jitter(4) }
end

-- Whether nothing that could be changed would change the objective.
local function is_stuck(net, p, objective, rule)
  local look = require("switchback.optimize.look").new { net = net, objective = -objective, rule = rule }
  local _, gradients = look:evaluate(p)
  for _, g in ipairs(gradients) do
    if g:norm() > 0 then return false end
  end
  return true
end

local function maximize_one(net, target, o, style, more)
  local sb = require "switchback"
  local rng = sb.rng(o.seed + ((target.channel or target.class) << 32))
  local p = sb.param[o.param] { size = o.size, rng = rng, deviation = style.deviation }
  target.stuck = is_stuck(net, p, target.objective, o.rule)
  if target.stuck then return target end
  local own = { net = net, param = p, maximize = target.objective, rng = rng, steps = o.steps, rule = o.rule,
                transform = style.robust and robust() or nil,
                optimizer = sb.optim[style.optimizer] { rate = o.rate or style.rate } }
  local picture, history = sb.optimize(merged(own, more))
  target.first, target.value = history[1], history[#history]
  target.interrupted = history.ended == "interrupted"
  target.stuck = target.value == 0
  target.picture = not target.stuck and picture[1] or nil
  return target
end

-- maximize(net, nil, options) --> list of { channel = or class =, label =, objective =, stuck =, and unless
-- stuck: picture = (3,H,W) in [0,1], first =, value =: the objective before the first and the last step }.
-- stuck: no step would change the objective, as of a channel that a ReLU keeps at zero everywhere; there is
-- no picture. Ctrl-C ends the list with the picture under way. options:
--   layer     with channels = list: their means (default: `most` = 12 channels, evenly spaced); with
--             position = {y, x} or "middle": single neurons, the mean gives way to the activation there
--   classes   instead: list of indices or labels, whose logits are raised
--   param     "fourier" (default), "laplacian", "cppn", all with small random shifts, turns and scales of
--             the picture at each step; or "pixels", with none, from noise N(0,1) in units of 0.226
--   steps, rate   defaults: 100 of Adam at 0.05 (cppn: 200 at 0.005), pixels: 20 of the normalised gradient
--             at 0.02; twice as many for classes.  size: pixels, default 160, or for classes the net's own
--   rule      "redirected" (default): lets a ReLU that is stuck be left; "gradient": the true derivative
--   seed = 0: each channel draws from it alone, whatever else is asked for.  progress: function(done, total)
--   loop      function(i) --> more options of sb.optimize, for entry i of the list
-- Raises for layers, channels and classes that are not there.
return function(net, _, options)
  local o = check.options("maximize", options, OPTIONS)
  check.choice("maximize", "parameterisation", o.param, { "pixels", "fourier", "laplacian", "cppn" })
  local style = STYLES[o.param]
  o.steps = o.steps or style.steps * (o.classes and CLASS_PATIENCE or 1)
  o.size = size_of(net, o)
  local list = o.classes and class_targets(net, o.classes) or channel_targets(net, o)
  for i, target in ipairs(list) do
    local more = o.loop and o.loop(i) or {}
    more.progress = o.progress and function(done)
      o.progress((i - 1) * o.steps + done, #list * o.steps, target.label)
    end
    maximize_one(net, target, o, style, more)
    if target.interrupted then return table.move(list, 1, i, 1, {}) end
  end
  return list
end
