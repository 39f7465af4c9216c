-- sb.optimize: the loop that all synthesis runs through. It changes a picture (or the variables behind one)
-- so that an objective grows or shrinks.
local check = require "switchback.check"
local lists = require "switchback.optimize.lists"
local history = require "switchback.optimize.history"

local optimize = {}

local OPTIONS = {
  net = false, image = false, param = false, input = false, maximize = false, minimize = false,
  transform = false, jitter = 0, optimizer = false, rate = false, steps = 20, octaves = 1, octave_scale = 1.4,
  seed = 0, rng = false, clamp = true, tile = false, normalise = false, rule = "gradient", keep = "last",
  patience = false, tolerance = 1e-4, snapshot = false, snapshot_every = 10,
  checkpoint = false, checkpoint_every = 10, resume = false, progress = false, announce = false,
}

local Run = {}
Run.__index = Run

-- ---- One step --------------------------------------------------------------------------------------

-- The closure of a step. However often it is called, the transform makes the same choices.
local function closure_of(self)
  local rng = self.rng:fork()
  local state = rng:state()
  return function()
    rng:restore(state)
    local loss, gradients, values = self.look:evaluate(self.p, rng)
    if loss == loss then self.seen[loss] = values end
    return loss, gradients
  end
end

local function clamp_picture(self)
  local x = self.p.values[1]
  if not (self.o.clamp and self.p.name == "pixels") then return false end
  if x:min() >= 0 and x:max() <= 1 then return false end
  x:clamp_(0, 1)
  return true
end

-- Notes the loss of the values in self.before; they are the best so far if it is the smallest.
local function note(self, loss)
  if loss ~= loss then
    error(("optimize: the loss is not a number at step %d: try a smaller rate"):format(self.done + 1), 0)
  end
  self.terms = self.seen[loss] or self.seen_before[loss] or self.terms
  history.add(self.history, self.sign * loss, self.terms, self.octave)
  local best = self.best_loss
  local stale = best and best - loss <= self.o.tolerance * math.abs(best)
  self.stale = stale and self.stale + 1 or 0
  if not best or loss < best then
    self.best, self.before = self.before, self.best
    self.best_loss = loss
  end
end

local function step(self)
  self.before = lists.copy(self.before, self.p.values)
  self.seen, self.seen_before = {}, self.seen
  local loss = self.optimizer:step(self.p.values, closure_of(self), self.same)
  note(self, loss)
  local clamped = clamp_picture(self)
  self.same = not (clamped or self.look.transform)
  self.step, self.done = self.step + 1, self.done + 1
end

-- ---- After a step ----------------------------------------------------------------------------------

-- The picture as the caller gets it: a tensor of its own.
local function result(self)
  local picture = self.p:image()
  local limited = self.o.clamp and self.p.name ~= "input"
  picture = limited and picture:clamp(0, 1) or picture:clone()
  return self.o.image and self.o.image:dim() == 3 and picture:select(1, 1) or picture
end

local function report(self)
  local o = self.o
  if o.progress then o.progress(self.done, self.total, self.history[#self.history]) end
  if o.snapshot and self.done % o.snapshot_every == 0 then
    o.snapshot(result(self), self.done, self.octave)
  end
  if o.checkpoint and (self.done % o.checkpoint_every == 0 or self.done == self.total) then
    require("switchback.optimize.checkpoint").save(o.checkpoint, self)
  end
end

-- Why this octave, and the run, should end before its last step.
local function reason_to_stop(self)
  if self.optimizer.converged then return "converged" end
  if self.o.patience and self.stale >= self.o.patience then return "patience" end
end

-- ---- Octaves ---------------------------------------------------------------------------------------

local function begin_octave(self, k)
  local plan = self.plan[k]
  self.octave, self.step, self.same, self.stale = k, 0, false, 0
  self.best, self.best_loss, self.before, self.seen = nil, nil, nil, {}
  self.p = self.subject:begin(plan.h, plan.w)
  self.optimizer:reset()
  if plan.rate then self.optimizer.rate = plan.rate end
end

local function run_octave(self)
  local steps = self.plan[self.octave].steps
  while self.step < steps and not reason_to_stop(self) do
    step(self)
    if reason_to_stop(self) then self.total = self.total - (steps - self.step) end
    report(self)
  end
  self.history.ended = reason_to_stop(self) or "steps"
end

local function run_all(self)
  for k = self.octave or 1, #self.plan do
    if self.octave ~= k then begin_octave(self, k) end
    run_octave(self)
    if self.o.keep == "best" and self.best then lists.copy(self.p.values, self.best) end
  end
end

-- ---- Setting up ------------------------------------------------------------------------------------

local function goal(o)
  if (o.maximize and o.minimize) or not (o.maximize or o.minimize) then
    error("optimize: say what to do: maximize = objective or minimize = objective", 0)
  end
  local objective = require("switchback.objective").of(o.maximize or o.minimize)
  if #objective.layers > 0 and not o.net then
    error(("optimize: '%s' reads a net: give net ="):format(objective.name), 0)
  end
  return o.maximize and -objective or objective, o.maximize and -1 or 1
end

local function transform_of(o)
  local transform = require "switchback.transform"
  if o.jitter == 0 then return o.transform end
  local jitter = transform.jitter(o.jitter)
  return o.transform and transform.compose { jitter, o.transform } or jitter
end

local function new_look(o, objective)
  return require("switchback.optimize.look").new {
    net = o.net, objective = objective, transform = transform_of(o), raw = o.input and true, tile = o.tile,
    normalise = o.normalise, rule = o.rule,
  }
end

local function new_run(o)
  local sb = require "switchback"
  local objective, sign = goal(o)
  local self = setmetatable({ o = o, sign = sign, objective = objective, done = 0, total = 0 }, Run)
  self.subject, self.shape = require("switchback.optimize.subject").of(o)
  self.plan = require("switchback.optimize.octaves").plan(o, { self.shape[3], self.shape[4] })
  for _, octave in ipairs(self.plan) do self.total = self.total + octave.steps end
  self.look = new_look(o, objective)
  self.rng = o.rng or sb.rng(o.seed)
  self.optimizer = o.optimizer or sb.optim.normalised {}
  self.history = history.new(objective, sign)
  if o.resume then require("switchback.optimize.checkpoint").load(o.checkpoint, self, begin_octave) end
  return self
end

local function is_interrupt(trouble) return tostring(trouble):find("interrupted", 1, true) ~= nil end

-- The best values known of the octave that was interrupted; a step may have left the present ones half done.
local function recover(self)
  self.history.ended = "interrupted"
  if not self.p then begin_octave(self, 1) end
  local whole, last = self.best or self.before, self.plan[#self.plan]
  if whole then lists.copy(self.p.values, whole) end
  if self.octave < #self.plan then self.p = self.subject:begin(last.h, last.w) end
end

-- optimize{ net =, image = | param = | input =, maximize = | minimize =, ... } --> picture, history
-- What is changed, one of: image, a picture (3,H,W) or a batch (N,3,H,W) in [0,1], itself left alone; param,
-- a parameterisation (param.lua), changed in place at its own size; input, a net's input (N,C,H,W), not
-- preprocessed. The answer is a picture like image, the batch (N,3,H,W) of param, or a tensor like input.
-- What for: maximize or minimize, an objective (objective.lua) or f(activations) --> value, gradients.
-- Options:
--   optimizer     see optim.lua; default sb.optim.normalised{}.  rate: its rate, or a list, one an octave
--   steps = 20    of each octave, or a list.  octaves = 1, octave_scale = 1.4: work at that many sizes, the
--                 largest last; of an image, what was added at one size is enlarged and added to the next
--   transform     what the picture goes through before the net at each step (transform.lua); objectives of
--                 the picture itself do not see it.  jitter = 0: shorthand for transform.jitter(pixels)
--   clamp = true  keeps pixels within [0,1], and the picture that is answered
--   tile          run the net in squares of about that many pixels, for pictures that memory would not
--                 hold; the gradients are those of the whole, without seams (optimize/tiles.lua)
--   normalise     true: each term's gradient at a layer is divided by the sum of its magnitudes first
--   rule          how the walk back passes rectifiers (rules.lua): "redirected" lets a gradient through
--                 where a ReLU would stop all of it
--   seed = 0      of the generator for transforms; or rng = a generator, which is used up
--   keep = "last" which values to answer; "best": those of the smallest loss seen in the last octave
--   patience      ends an octave after that many steps in a row that improve on the best loss by less than
--                 tolerance = 1e-4 of it. An optimiser that has converged ends it too
--   snapshot      function(picture, step, octave), called each snapshot_every = 10 steps of the run
--   checkpoint    a file that is written each checkpoint_every = 10 steps, whole or not at all; with resume =
--                 true a run goes on from it, if it is there, to the very bytes of a run without a break
--   progress      function(done, total, value), called after each step
--   announce      function(bytes), called before the first: the memory that the process will take at most,
--                 but for the objective's targets (optimize/memory.lua)
-- history: the values by step and by term (optimize/history.lua). Ctrl-C ends the run with the best picture
-- so far; history.ended is "interrupted" then. Equal seeds give equal bytes at any number of threads. Raises
-- for unknown options, and where the loss is no number.
function optimize.run(options)
  local o = check.options("optimize", options, OPTIONS)
  check.choice("optimize", "keep", o.keep, { "last", "best" })
  if o.resume and not o.checkpoint then error("optimize: resume needs checkpoint = file", 0) end
  local self = new_run(o)
  if o.announce then
    o.announce(require("switchback.optimize.memory").estimate(self.look, self.optimizer, self.shape))
  end
  local ok, trouble = pcall(run_all, self)
  if not ok and not is_interrupt(trouble) then error(trouble, 0) end
  if not ok then recover(self) end
  return result(self), self.history
end

return optimize
