-- Descent by the gradient over its mean magnitude: DeepDream's step (Mordvintsev, Olah & Tyka 2015).
local check = require "switchback.check"
local lists = require "switchback.optimize.lists"

local Normalised = {}
Normalised.__index = Normalised

local OPTIONS = { rate = 0.01, per = "image", weight_decay = 0 }

-- The parts of a value that are normalised each by itself.
local function parts(t, per)
  if per == "tensor" or #t:size() < 4 then return { t } end
  local list = {}
  for n = 1, t:size(1) do list[n] = t:narrow(1, n, 1) end
  return list
end

function Normalised:step(values, closure)
  local loss, gradients = lists.evaluate(closure, values)
  for i, x in ipairs(values) do
    if self.weight_decay ~= 0 then x:mul_(1 - self.rate * self.weight_decay) end
    local to = parts(x, self.per)
    for n, g in ipairs(parts(gradients[i], self.per)) do
      local mean = lists.magnitude(g) / g:count()
      if mean > 0 then to[n]:addmul_(-self.rate / mean, g) end
    end
  end
  return loss
end

function Normalised.state() return { tensors = {}, numbers = {} } end

function Normalised.restore() end

function Normalised.reset() end

-- normalised{ rate = 0.01, per = "image", weight_decay = 0 } --> optimiser (optim.lua): x becomes
-- x - rate * g / mean|g|, so that a step changes x by `rate` on average, however large the gradient; where g
-- is 0 it stays. per: "image" takes the mean of each entry of the first dimension of (N,C,H,W) values apart,
-- "tensor" that of all. Weight decay shrinks x by rate * weight_decay first. Raises for other options.
return function(options)
  local o = check.options("optim.normalised", options, OPTIONS)
  check.choice("optim.normalised", "per", o.per, { "image", "tensor" })
  return setmetatable(o, Normalised)
end
