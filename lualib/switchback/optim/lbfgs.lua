-- L-BFGS (Nocedal 1980; Liu & Nocedal 1989) with a line search for the strong Wolfe conditions.
local check = require "switchback.check"
local lists = require "switchback.optimize.lists"
local wolfe = require "switchback.optimize.wolfe"

local Lbfgs = {}
Lbfgs.__index = Lbfgs

local OPTIONS = { rate = 1, history = 10, tolerance = 1e-9 }

-- ---- Pairs: s, how the values changed in a step, and y, how the gradient did --------------------------

local function measured(pair)
  pair.sy, pair.yy = lists.dot(pair.s, pair.y), lists.dot(pair.y, pair.y)
  return pair
end

-- The memory of the pair to come: that of the oldest one when the history is full. It holds the values and
-- the gradient before the step first.
local function begin_pair(self, values)
  local pair = self.spare or #self.pairs == self.history and table.remove(self.pairs, 1) or {}
  self.spare = nil
  pair.s, pair.y = lists.copy(pair.s, values), lists.copy(pair.y, self.gradient)
  return pair
end

-- A pair along which the gradient does not grow would spoil the directions to come.
local function end_pair(self, pair, values)
  lists.add(lists.scale(pair.s, -1), 1, values)
  lists.add(lists.scale(pair.y, -1), 1, self.gradient)
  measured(pair)
  if pair.sy > 1e-10 * pair.yy then
    table.insert(self.pairs, pair)
  else
    self.spare = pair
  end
end

-- ---- A step ----------------------------------------------------------------------------------------

-- -H g by the two-loop recursion (Nocedal & Wright 2006, algorithm 7.4).
local function set_direction(self)
  local d, alpha = lists.copy(self.direction, self.gradient), {}
  for i = #self.pairs, 1, -1 do
    local pair = self.pairs[i]
    alpha[i] = lists.dot(pair.s, d) / pair.sy
    lists.add(d, -alpha[i], pair.y)
  end
  local last = self.pairs[#self.pairs]
  if last then lists.scale(d, last.sy / last.yy) end
  for i, pair in ipairs(self.pairs) do
    lists.add(d, alpha[i] - lists.dot(pair.y, d) / pair.sy, pair.s)
  end
  self.direction = lists.scale(d, -1)
end

local function evaluate(self, values, closure)
  local loss, gradients = lists.evaluate(closure, values)
  self.gradient = lists.copy(self.gradient, gradients)
  self.loss = loss
  return loss
end

-- f along the direction, from the values in `origin`.
local function line(self, values, closure, origin)
  return function(t)
    lists.add(lists.copy(values, origin), t, self.direction)
    local f = evaluate(self, values, closure)
    self.at = t
    return { t = t, f = f, slope = lists.dot(self.gradient, self.direction) }
  end
end

-- A step along -H g, or along -g where the history is empty; false, and nothing changed, if none helps.
local function descend(self, values, closure)
  set_direction(self)
  local start = { t = 0, f = self.loss, slope = lists.dot(self.gradient, self.direction) }
  if start.slope >= 0 or start.slope ~= start.slope then return false end
  local first = #self.pairs > 0 and 1 or math.min(1, 1 / self:magnitude())
  local pair = begin_pair(self, values)
  local phi = line(self, values, closure, pair.s)
  local found = wolfe(phi, start, self.rate * first)
  if found and found.t ~= self.at then phi(found.t) end
  if found then
    end_pair(self, pair, values)
  else
    lists.copy(values, pair.s)
    self.gradient, self.loss, self.spare = lists.copy(self.gradient, pair.y), start.f, pair
  end
  return found ~= nil
end

-- The sum of magnitudes of the gradient.
function Lbfgs:magnitude()
  local sum = 0
  for _, g in ipairs(self.gradient) do sum = sum + lists.magnitude(g) end
  return sum
end

function Lbfgs:step(values, closure, same)
  if not (same and self.loss) then evaluate(self, values, closure) end
  local before = self.loss
  self.converged = lists.largest(self.gradient) <= self.tolerance
  if not self.converged and not descend(self, values, closure) then
    self.pairs = {}
    self.converged = not descend(self, values, closure)
  end
  return before
end

-- ---- The rest of an optimiser ------------------------------------------------------------------------

function Lbfgs:state()
  local tensors = {}
  for i, pair in ipairs(self.pairs) do
    lists.store(tensors, "s" .. i, pair.s)
    lists.store(tensors, "y" .. i, pair.y)
  end
  return { tensors = tensors, numbers = { pairs = #self.pairs, converged = self.converged and 1 or 0 } }
end

function Lbfgs:restore(state)
  self:reset()
  self.converged = state.numbers.converged == 1
  for i = 1, math.tointeger(state.numbers.pairs) do
    local s, y = lists.fetch(state.tensors, "s" .. i), lists.fetch(state.tensors, "y" .. i)
    self.pairs[i] = measured { s = s, y = y }
  end
end

function Lbfgs:reset()
  self.pairs, self.converged = {}, false
  self.gradient, self.direction, self.loss, self.spare = nil, nil, nil, nil
end

-- lbfgs{ rate = 1, history = 10, tolerance = 1e-9 } --> optimiser (optim.lua). `rate` is the first step that
-- a line search tries (the very first is at most rate / sum|g|), `history` how many steps shape the
-- direction: it keeps 2 history + 2 tensors like the values. Converged when no number of the gradient is
-- larger than `tolerance`, or no step along -g helps. Raises for other options.
return function(options)
  local self = setmetatable(check.options("optim.lbfgs", options, OPTIONS), Lbfgs)
  self:reset()
  return self
end
