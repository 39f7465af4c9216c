-- Objectives of the picture itself: penalties, which one subtracts from what is to grow. Values are sums over
-- pixels, channels and the images of the batch. With { layer = name } they look at a layer instead.
local algebra = require "switchback.objective.algebra"
local check = require "switchback.check"
local core = require "switchback.core"

local picture = {}

-- An objective that reads the picture, or the layer that the options name: make(o) answers a function
-- (x, weight) --> value, weight * gradient.
local function reading(name, options, defaults, make)
  defaults.layer = false
  local o = check.options("objective." .. name, options, defaults)
  local key, value_and_gradient = o.layer or "image", make(o)
  local function term(activations, weight)
    local value, gradient = value_and_gradient(activations[key], weight)
    return value, { [key] = gradient }
  end
  return algebra.new(o.layer and name .. " " .. key or name, o.layer and { key } or {}, term)
end

-- tv{ beta = 2, form = "isotropic" } --> total variation: sum over the (H-1)(W-1) pixels with a right and a
-- lower neighbour of (dx^2 + dy^2)^(beta/2) (Mahendran & Vedaldi 2015); form "anisotropic": the sum of
-- |dx|^beta over all horizontal and |dy|^beta over all vertical neighbours. beta is at least 1.
function picture.tv(options)
  return reading("tv", options, { beta = 2, form = "isotropic" }, function(o)
    local layer = core.layer.total_variation { beta = o.beta, form = o.form }
    return function(x, weight)
      local value, tape = layer:forward(x)
      return value:sum(), layer:backward(tape, value * 0 + weight)
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

-- l2{ centre = 0 } --> sum (x - centre)^2, the squared norm (Simonyan et al. 2014, eq. 1).
function picture.l2(options)
  return reading("l2", options, { centre = 0 }, function(o)
    return function(x, weight)
      local d = x - o.centre
      return d:dot(d), d:mul_(2 * weight)
    end
  end)
end

-- norm{ power = 6, centre = 0 } --> sum |x - centre|^power, which keeps large values down (Mahendran &
-- Vedaldi 2015, their alpha-norm).
function picture.norm(options)
  return reading("norm", options, { power = 6, centre = 0 }, function(o)
    return function(x, weight)
      local d = x - o.centre
      local size = d:abs()
      return size:pow(o.power):sum(), d:sign():mul_(size:pow(o.power - 1)):mul_(o.power * weight)
    end
  end)
end

-- linf{ centre = 0 } --> max |x - centre| of each image. The gradient is at the first largest value alone.
function picture.linf(options)
  return reading("linf", options, { centre = 0 }, function(o)
    return function(x, weight)
      local value, g = 0, core.tensor.zeros(x:size())
      for n = 1, x:size(1) do
        local d, flat = (x:select(1, n) - o.centre):reshape(-1), g:select(1, n):reshape(-1)
        local largest, at = d:abs():max()
        flat[at] = d[at] < 0 and -weight or weight
        value = value + largest
      end
      return value, g
    end
  end)
end

-- range{ low = 0, high = 1 } --> sum of the squares of what lies outside [low, high].
function picture.range(options)
  return reading("range", options, { low = 0, high = 1 }, function(o)
    return function(x, weight)
      local beyond = x - x:clamp(o.low, o.high)
      return beyond:dot(beyond), beyond:mul_(2 * weight)
    end
  end)
end

-- blur() --> half the sum of squares of what blurring takes away, x - blur(x) with the kernel (1 2 1)/4 along
-- each axis, edges repeated: punishes high frequencies (after Lucid).
function picture.blur(options)
  local pad = core.layer.pad { pads = { 1, 1, 1, 1 }, mode = "edge" }
  local kernel = core.tensor.tensor { { 1, 2, 1 }, { 2, 4, 2 }, { 1, 2, 1 } } / 16
  local conv = core.layer.conv2d { weight = kernel:reshape(1, 1, 3, 3), bias = false }
  return reading("blur", options, {}, function()
    return function(x, weight)
      local size = x:size()
      local planes = x:reshape(size[1] * size[2], 1, size[3], size[4])
      local padded, of_pad = pad:forward(planes)
      local blurred, of_conv = conv:forward(padded)
      local lost = planes - blurred
      local value = lost:dot(lost) / 2
      local back = pad:backward(of_pad, conv:backward(of_conv, lost))
      return value, lost:sub_(back):mul_(weight):reshape(size)
    end
  end)
end

-- alpha() --> the mean of channel 4, the opacity, of each image: for pictures (N,4,H,W) with transparency.
-- Raises for others.
function picture.alpha(options)
  return reading("alpha", options, {}, function()
    return function(x, weight)
      if x:size(2) ~= 4 then
        error(("objective: alpha is channel 4, the picture has %d channels"):format(x:size(2)), 0)
      end
      local value, g = 0, core.tensor.zeros(x:size())
      for n = 1, x:size(1) do
        local map = x:select(1, n):select(1, 4)
        value = value + map:mean()
        g:select(1, n):select(1, 4):fill_(weight / map:count())
      end
      return value, g
    end
  end)
end

return picture
