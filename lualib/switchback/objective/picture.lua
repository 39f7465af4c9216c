-- Objectives of the picture itself: penalties, which one subtracts from what is to grow. Values are sums over
-- the pixels, the channels and the images of the batch. All but tv take { layer = name } to look at a layer
-- instead.
local algebra = require "switchback.objective.algebra"
local check = require "switchback.check"
local core = require "switchback.core"

local picture = {}

-- An objective that reads the picture, or the layer that the options name.
local function reading(name, options, defaults, make)
  defaults.layer = false
  local o = check.options("objective." .. name, options, defaults)
  local key = o.layer or "image"
  local value_and_gradient = make(o)
  local function term(activations, weight)
    local value, gradient = value_and_gradient(activations[key], weight)
    return value, { [key] = gradient }
  end
  return algebra.new(o.layer and name .. " " .. key or name, o.layer and { key } or {}, term)
end

-- tv{ beta = 2, form = "isotropic" } --> total variation: sum over the (H-1)(W-1) pixels with a right and a
-- lower neighbour of (dx^2 + dy^2)^(beta/2) (Mahendran & Vedaldi 2015); form "anisotropic": the sum of
-- |dx|^beta over all horizontal and |dy|^beta over all vertical neighbours.
function picture.tv(options)
  return reading("tv", options, { beta = 2, form = "isotropic" }, function(o)
    local layer = core.layer.total_variation { beta = o.beta, form = o.form }
    return function(x, weight)
      local value, tape = layer:forward(x)
      return value:sum(), layer:backward(tape, value:fill_(weight))
    end
  end)
end

-- l2{ centre = 0 } --> sum (x - centre)^2, the squared norm (Simonyan et al. 2014, eq. 1).
function picture.l2(options)
  return reading("l2", options, { centre = 0 }, function(o)
    return function(x, weight)
      local d = x - o.centre
      return d:dot(d), d:mul_(2 * weight)
    end
  end)
end

-- l1{ centre = 0 } --> sum |x - centre|.
function picture.l1(options)
  return reading("l1", options, { centre = 0 }, function(o)
    return function(x, weight)
      local d = x - o.centre
      return d:abs():sum(), d:sign():mul_(weight)
    end
  end)
end

return picture
