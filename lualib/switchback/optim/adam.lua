-- Adam (Kingma & Ba 2015, algorithm 1), and AdamW's decoupled weight decay (Loshchilov & Hutter 2019).
local check = require "switchback.check"
local core = require("switchback.core").optim
local lists = require "switchback.optimize.lists"

local Adam = {}
Adam.__index = Adam

local OPTIONS = { rate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0,
                  decoupled = false }

function Adam:step(values, closure)
  local loss, gradients = lists.evaluate(closure, values)
  self.mean = self.mean or lists.zeros_like(values)
  self.square = self.square or lists.zeros_like(values)
  self.steps = self.steps + 1
  for i, x in ipairs(values) do core.adam(x, gradients[i], self.mean[i], self.square[i], self) end
  return loss
end

function Adam:state()
  local tensors = {}
  lists.store(tensors, "mean", self.mean)
  lists.store(tensors, "square", self.square)
  return { tensors = tensors, numbers = { steps = self.steps } }
end

function Adam:restore(state)
  self.mean, self.square = lists.fetch(state.tensors, "mean"), lists.fetch(state.tensors, "square")
  self.steps = math.tointeger(state.numbers.steps)
end

function Adam:reset() self.mean, self.square, self.steps = nil, nil, 0 end

-- adam{ rate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0, decoupled = false } -->
-- optimiser (optim.lua). Averages of the gradient and of its square are corrected for their start at 0, and
-- epsilon is added after the root. weight_decay * x is added to the gradient or, when decoupled, taken from x
-- by itself: x shrinks by rate * weight_decay a step. Raises for other options.
return function(options)
  local self = setmetatable(check.options("optim.adam", options, OPTIONS), Adam)
  self:reset()
  return self
end
