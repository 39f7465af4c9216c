-- CPPN: the variables are the weights of a small network that makes a colour from a position (Stanley 2007;
-- Mordvintsev et al. 2018, "Compositional pattern producing networks"; Lucid's cppn).
local core = require "switchback.core"
local start = require "switchback.param.start"
local transform = require "switchback.transform"

local tensor = core.tensor
local EXTRA = { channels = 24, layers = 8 }
local EDGE = math.sqrt(3) -- positions of the longer side are -EDGE to EDGE: deviation 1

-- The mean and deviation of atan(x), and of its square, for x of a normal distribution.
local MEAN, DEVIATION, SQUARE_MEAN, SQUARE_DEVIATION = 0, 0.67, 0.45, 0.396

-- y = both, each with mean 0 and deviation 1: twice the channels, and patterns that are even as well as odd.
local function bend(x)
  local a, undo = transform.layer(core.layer.atan {})(x)
  local y = tensor.cat({ (a - MEAN) / DEVIATION, (a * a - SQUARE_MEAN) / SQUARE_DEVIATION }, 2)
  return y, function(dy)
    local half = dy:size(2) // 2
    local straight, square = dy:narrow(2, 1, half), dy:narrow(2, half + 1, half)
    return undo(straight / DEVIATION + square * a * (2 / SQUARE_DEVIATION))
  end
end

-- (1,2,H,W): row and column of each pixel, from its centre.
local function positions(h, w)
  local longer = math.max(h, w, 2) - 1
  local function axis(n) return (tensor.arange(1, n) - (n + 1) / 2) * (2 * EDGE / longer) end
  local rows = axis(h):reshape(1, 1, h, 1):expand(1, 1, h, w)
  return tensor.cat({ rows, axis(w):reshape(1, 1, 1, w):expand(1, 1, h, w) }, 2)
end

local Cppn = { name = "cppn" }
Cppn.__index = Cppn

function Cppn:image()
  local x, backs = self.positions, {}
  for i, layer in ipairs(self.stack) do
    local tape, y, undo
    y, tape = layer:forward(x)
    if i < #self.stack then x, undo = bend(y) else x, undo = transform.layer(core.layer.sigmoid {})(y) end
    backs[i] = function(dy)
      layer:zero_grads()
      return (layer:backward(tape, undo(dy), { weights = true }))
    end
  end
  self.backs = backs
  return x
end

function Cppn:backward(dimage)
  local gradients = {}
  for i = #self.backs, 1, -1 do
    dimage = self.backs[i](dimage)
    local grads = self.stack[i].grads
    gradients[2 * i - 1], gradients[2 * i] = grads.weight, grads.bias
  end
  return gradients
end

local function of_stack(stack, h, w)
  local values = {}
  for i, layer in ipairs(stack) do
    values[2 * i - 1], values[2 * i] = layer.params.weight, layer.params.bias
  end
  return setmetatable({ stack = stack, values = values, positions = positions(h, w) }, Cppn)
end

function Cppn:resize(h, w)
  local stack = {}
  for i, layer in ipairs(self.stack) do
    stack[i] = core.layer.conv2d { weight = layer.params.weight:clone(), bias = layer.params.bias:clone() }
  end
  return of_stack(stack, h, w)
end

local function check_counts(o)
  for _, field in ipairs { "channels", "layers" } do
    if math.type(o[field]) ~= "integer" or o[field] < 1 then
      error(("cppn: %s must be a positive whole number, got %s"):format(field, tostring(o[field])), 0)
    end
  end
  if o.picture or o.batch ~= 1 then error("cppn: makes one picture, and starts from noise alone", 0) end
end

--- sb.param.cppn{ size =, deviation = 0.1, channels = 24, layers = 8, rng = } -> p whose values are weight
-- and bias of each 1x1 convolution in turn: `layers` of `channels`, each followed by the arctangent and its
-- square, and one to the colours, followed by a sigmoid. Shows one picture, at any size that resize is
-- given; starts from He et al.'s weights but for the last layer, whose deviation is small: nearly grey. Good
-- with Adam at a rate of 0.005. Raises for wrong options and for starts other than "noise".
return function(options)
  local o = start.options("cppn", options, EXTRA)
  check_counts(o)
  local stack, inputs = {}, 2
  for i = 1, o.layers do
    stack[i] = core.layer.conv2d { in_channels = inputs, out_channels = o.channels, kernel = 1, rng = o.rng }
    inputs = 2 * o.channels
  end
  local last = tensor.randn(o.rng, 3, inputs, 1, 1) * ((o.deviation or 0.1) / math.sqrt(inputs))
  stack[#stack + 1] = core.layer.conv2d { weight = last }
  return of_stack(stack, o.size[1], o.size[2])
end
