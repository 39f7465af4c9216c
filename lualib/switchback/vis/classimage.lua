-- The picture that a class's score is largest for, under a penalty (Simonyan et al. 2014, section 2).
local check = require "switchback.check"
local merged = require "switchback.merged"

local OPTIONS = { class = false, score = "logit", penalty = "l2", weight = false, steps = 120, rate = 0.5,
                  jitter = 8, size = false, seed = 0, loop = false, progress = false }
local WEIGHTS = { l2 = 0.1, l1 = 0.02, none = 0 }

-- The mean colour of ImageNet: what pictures grow from and the penalty draws them back to.
local MEAN = { 0.485, 0.456, 0.406 }
local NOISE <const> = 0.05 -- deviation of the random start
local SETTLE, SLOWER = 4, 5 -- the last quarter of the steps is five times smaller, without jitter
local LEVELS <const> = 255

local function size_of(net, size)
  size = size or net.preprocess and net.preprocess.size or 224
  return type(size) == "table" and size or { size, size }
end

local function start_of(sb, start, size, mean, rng)
  if type(start) == "table" then return sb.param.pixels { start = "mean", photos = start, size = size } end
  if start then return sb.param.pixels { image = start, size = size } end
  local noise = sb.randn(rng, 1, 3, size[1], size[2]) * NOISE
  return sb.param.pixels { image = mean + noise }
end

-- log p of a class, whose derivative by logit k is [k is the class] - p_k: unlike the logit alone, it does
-- not raise what looks like the class.
local function log_probability(net, class)
  local logits, softmax = net:logits(), require("switchback").layer.log_softmax { axis = 2 }
  return require("switchback.objective").custom(logits, function(activations)
    local scores = activations[logits]
    local y, tape = softmax:forward(scores:reshape(scores:size(1), -1))
    local seed = y * 0
    seed[{ 1, class }] = 1
    return y[{ 1, class }], { [logits] = softmax:backward(tape, seed):reshape(scores:size()):clone() }
  end)
end

local function objective_of(sb, net, o, mean)
  local obj, class = sb.objective, net:class(o.class)
  local score = o.score == "logit" and obj.class(net, class) or log_probability(net, class)
  if o.penalty == "none" then return score end
  return score - (o.weight or WEIGHTS[o.penalty]) * obj[o.penalty] { centre = mean }
end

local function climb(sb, net, p, objective, rng, o)
  local settle = o.steps // SETTLE
  local picture, history
  for k, phase in ipairs { { 0, o.steps - settle, o.rate, o.jitter },
                           { o.steps - settle, settle, o.rate / SLOWER, 0 } } do
    local done, steps, rate, jitter = table.unpack(phase)
    if steps > 0 and not (history and history.ended == "interrupted") then
      local own = { net = net, param = p, maximize = objective, steps = steps, rng = rng, jitter = jitter,
                    optimizer = sb.optim.sgd { rate = rate }, rule = "redirected" }
      local all = merged(own, o.loop and o.loop(k))
      all.progress = o.progress and function(n) o.progress(done + n, o.steps) end
      picture, history = sb.optimize(all)
    end
  end
  return (picture[1] * LEVELS + 0.5):floor() / LEVELS, history
end

-- classimage(net, start, options) --> { picture = (3,H,W) of 256 levels, start = the picture that it grew
-- from, class = { index =, label =, p =: its probability for the picture }, before =: for the start,
-- value = score - weight * penalty before the last step, interrupted = whether Ctrl-C ended the run }.
-- start: nil, noise around the mean colour; a picture; or a list of pictures of any size, whose mean is
-- taken: of photos of the class, a class mean. Each step adds rate * the gradient, of pixels in [0,1].
-- options: class = index or label, required; score = "logit", as in the paper, or "log-probability", where
-- another class that looks alike would win; penalty = "l2", the sum of squares of what differs from the
-- mean colour, "l1", the sum of magnitudes, or "none"; weight = 0.1 (l1: 0.02, as a magnitude pulls as hard
-- on small values as on large); rate = 0.5, steps = 120, of which the last quarter are five times smaller
-- and without jitter = 8 (pixels); size: default the net's own; seed = 0; progress = function(done, total);
-- loop = function(k) --> more options of sb.optimize, for the large (k = 1) and the small steps (2).
-- A ReLU that stops all of the gradient, as where a net rectifies its scores, lets through what would raise
-- its inputs (rules.lua: redirected). Raises for unknown classes and options.
return function(net, start, options)
  local sb = require "switchback"
  local o = check.options("classimage", options, OPTIONS)
  check.choice("classimage", "penalty", o.penalty, { "l2", "l1", "none" })
  check.choice("classimage", "score", o.score, { "logit", "log-probability" })
  check.integer("classimage", "steps", o.steps, 1)
  if not o.class then error("classimage: say which class: class = index or label", 2) end
  local size, rng = size_of(net, o.size), sb.rng(o.seed)
  local mean = sb.tensor(MEAN):reshape(1, 3, 1, 1):expand(1, 3, size[1], size[2])
  local p, objective = start_of(sb, start, size, mean, rng), objective_of(sb, net, o, mean)
  local class = net:class(o.class)
  local function probability(picture)
    return net:forward(net:input(picture), { record = false }):probabilities()[{ 1, class }]
  end
  local from = p:image():clone()
  local picture, history = climb(sb, net, p, objective, rng, o)
  return { picture = picture, start = from[1], before = probability(from), value = history[#history],
           interrupted = history.ended == "interrupted",
           class = { index = class, label = net:label(class), p = probability(picture) } }
end
