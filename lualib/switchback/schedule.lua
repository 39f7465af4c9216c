-- Schedules: how the rate of an optimiser changes as training goes on. sb.schedule.NAME{...} --> s
--   s:factor(done, epochs) --> what the optimiser's own rate is multiplied by for the step that begins when
--                          `done` epochs (with a fraction within one) of `epochs` have passed
--   s:observe(loss)        tells, after an epoch, the loss of the validation or, without one, of the training
--   s:state() --> { name = number };  s:restore(state) goes on from it
-- Every schedule takes warmup = 0: over that many epochs the factor rises in a straight line from 0 to what
-- it is then (Goyal et al. 2017, section 2.2).
local check = require "switchback.check"

local schedule = {}

local Schedule = {}
Schedule.__index = Schedule

local function warmed(self, done, epochs)
  if done >= self.warmup then return self:curve(done, epochs) end
  return self:curve(self.warmup, epochs) * done / self.warmup
end

function Schedule:factor(done, epochs) return warmed(self, done, epochs) end
function Schedule.observe() end
function Schedule.state() return {} end
function Schedule.restore() end

-- A schedule with the options of its own, and warm-up.
local function define(name, defaults, methods)
  methods.__index = methods
  setmetatable(methods, Schedule)
  defaults.warmup = 0
  schedule[name] = function(options)
    local self = setmetatable(check.options("schedule." .. name, options, defaults), methods)
    self.name = name
    if self.start then self:start() end
    return self
  end
end

-- constant{ warmup = 0 } --> s: factor 1.
define("constant", {}, { curve = function() return 1 end })

local step = {}

local function milestones_passed(at, done)
  local n = 0
  for _, epoch in ipairs(at) do n = n + (done >= epoch and 1 or 0) end
  return n
end

function step:curve(done)
  return self.decay ^ (self.at and milestones_passed(self.at, done) or done // self.every)
end

-- step{ every = 30, at = nil, decay = 0.1, warmup = 0 } --> s: the factor is multiplied by decay after every
-- `every` epochs, or after each epoch of the list `at` ({ 10, 15 }).
define("step", { every = 30, at = false, decay = 0.1 }, step)

local cosine = {}

function cosine:curve(done, epochs)
  local share = math.min((done - self.warmup) / math.max(epochs - self.warmup, 1e-9), 1)
  return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * share)) / 2
end

-- cosine{ floor = 0, warmup = 0 } --> s: from 1 after the warm-up down to `floor` at the end, along half a
-- cosine (Loshchilov & Hutter 2017, equation 5).
define("cosine", { floor = 0 }, cosine)

local plateau = {}

function plateau:start() self.now, self.stale = 1, 0 end

function plateau:curve() return self.now end

function plateau:observe(loss)
  if not self.best or loss < self.best * (1 - self.tolerance) then
    self.best, self.stale = loss, 0
    return
  end
  self.stale = self.stale + 1
  if self.stale > self.patience then self.now, self.stale = self.now * self.decay, 0 end
end

function plateau:state() return { now = self.now, stale = self.stale, best = self.best } end

function plateau:restore(state)
  self.now, self.stale, self.best = state.now, math.tointeger(state.stale), state.best
end

-- plateau{ decay = 0.1, patience = 2, tolerance = 1e-3, warmup = 0 } --> s: the factor is multiplied by decay
-- once the validation has not become better, by `tolerance` of it, for more than `patience` epochs: what
-- Krizhevsky et al. (2012, section 5) did by hand.
define("plateau", { decay = 0.1, patience = 2, tolerance = 1e-3 }, plateau)

return schedule
