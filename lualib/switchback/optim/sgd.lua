-- Gradient descent with momentum (Polyak 1964), Nesterov's variant (Sutskever et al. 2013) and weight decay.
local check = require "switchback.check"
local core = require("switchback.core").optim
local lists = require "switchback.optimize.lists"

local Sgd = {}
Sgd.__index = Sgd

local OPTIONS = { rate = 0.01, momentum = 0, nesterov = false, weight_decay = 0 }

-- v = momentum v + g, x = x - rate v, or x - rate (g + momentum v) by Nesterov; g is the gradient +
-- weight_decay x, and v starts at 0.
function Sgd:step(values, closure)
  local loss, gradients = lists.evaluate(closure, values)
  if self.momentum ~= 0 and not self.velocity then self.velocity = lists.zeros_like(values) end
  for i, x in ipairs(values) do core.sgd(x, gradients[i], self.velocity and self.velocity[i], self) end
  return loss
end

function Sgd:state()
  local tensors = {}
  lists.store(tensors, "velocity", self.velocity)
  return { tensors = tensors, numbers = {} }
end

function Sgd:restore(state) self.velocity = lists.fetch(state.tensors, "velocity") end

function Sgd:reset() self.velocity = nil end

-- sgd{ rate = 0.01, momentum = 0, nesterov = false, weight_decay = 0 } --> optimiser (optim.lua). Weight
-- decay adds weight_decay * x to the gradient. Raises for other options.
return function(options) return setmetatable(check.options("optim.sgd", options, OPTIONS), Sgd) end
