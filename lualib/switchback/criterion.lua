-- Criteria: what a net's outputs are worth against the targets. A criterion is a function
--   c(outputs, targets [, gradient = true]) --> loss, gradient to the outputs (like them), or also a third
-- result, { name = number }: what else there is to tell of the batch. The gradient is made anew at each call.
-- sb.criterion.NAME{...} --> criterion.
local check = require "switchback.check"
local core = require("switchback.core").criterion
local tensor = require("switchback.core").tensor

local criterion = {}

-- cross_entropy{ smoothing = 0 } --> criterion of scores before softmax, (N,k), and N classes counted from 1,
-- as a list or a tensor: the mean over the batch of -sum_j q[j] log softmax(x)[j], q being 1 at the class;
-- with label smoothing 1 - smoothing there, and smoothing / k more everywhere (Szegedy et al. 2016,
-- section 7). Raises for classes that are not among 1..k.
function criterion.cross_entropy(options)
  local o = check.options("criterion.cross_entropy", options, { smoothing = 0 })
  if not (o.smoothing >= 0 and o.smoothing <= 1) then
    error(("criterion.cross_entropy: smoothing must be from 0 to 1, got %g"):format(o.smoothing), 2)
  end
  return function(outputs, targets, gradient)
    return core.cross_entropy(outputs, targets, o.smoothing, gradient)
  end
end

-- Classes as rows with a 1 each.
local function one_hot(outputs, classes)
  local t = tensor.zeros(outputs:size())
  for i, class in ipairs(classes) do t[{ i, class }] = 1 end
  return t
end

local function same_shape(outputs, targets)
  local got, want = table.concat(targets:size(), "x"), table.concat(outputs:size(), "x")
  if got ~= want then error(("criterion.mse: the targets are %s, the outputs %s"):format(got, want), 0) end
  return targets
end

-- mse{} --> criterion of outputs of any shape and targets like them, or N classes of outputs (N,k), which
-- stand for 1 at the class and 0 elsewhere: the mean of the squared differences.
function criterion.mse(options)
  check.options("criterion.mse", options, {})
  return function(outputs, targets, gradient)
    if type(targets) == "userdata" and outputs:dim() == 2 and targets:dim() == 1 then
      targets = targets:totable()
    end
    local t = type(targets) == "table" and one_hot(outputs, targets) or same_shape(outputs, targets)
    local d = outputs - t
    local loss = d:dot(d) / d:count()
    return loss, gradient ~= false and d:mul_(2 / d:count()) or nil
  end
end

-- perceptual{ net =, styles =, ... } --> criterion of pictures, by how another network sees them (Johnson,
-- Alahi & Fei-Fei 2016): see perceptual.lua.
function criterion.perceptual(options) return require("switchback.perceptual").criterion(options) end

return criterion
