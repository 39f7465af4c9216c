-- A layer of a deconvolutional network (Zeiler et al. 2010, 2011): a picture as a sum of filters that sparse
-- feature maps place. y (N,C,H,W) is the picture, filters (K,C,h,w), maps z (N,K,H+h-1,W+w-1):
--   C(z) = lambda / 2 |F z - y|^2 + |z|_1,   F z = sum over k of z_k * f_k             (2011, equation 1)
-- F is a transposed convolution that is cut to the picture; its adjoint is the convolution with zeros around.
local check = require "switchback.check"
local core = require "switchback.core"

local adaptive = {}

local UNRECORDED <const> = { tape = false }
local FLAT <const> = 1e-3 -- contrast below this, of [0,1], is none: a file has steps of 1/255

-- ---- Contrast --------------------------------------------------------------------------------------------

local function gaussian(side)
  local rows, middle = {}, (side + 1) / 2
  for y = 1, side do
    rows[y] = {}
    for x = 1, side do
      rows[y][x] = math.exp(-((y - middle) ^ 2 + (x - middle) ^ 2) / (2 * (side / 6) ^ 2))
    end
  end
  local t = core.tensor.tensor(rows)
  return (t / t:sum()):reshape(1, 1, side, side)
end

-- Each channel of (N,C,H,W) blurred, mirrored at the edges.
local function blurred(t, side)
  local n, c, h, w = table.unpack(t:size())
  local padded = core.layer.pad { pads = side // 2, mode = "reflect" }
    :forward(t:reshape(n * c, 1, h, w), UNRECORDED)
  local blur = core.layer.conv2d { weight = gaussian(side), bias = false }
  return blur:forward(padded, UNRECORDED):reshape(n, c, h, w)
end

-- normalised(pictures (N,C,H,W) [, side = 13]) --> the same with local means of 0 and deviations near 1:
-- minus a Gaussian mean, and divided by the Gaussian deviation of all channels, where that exceeds its mean
-- over the picture (Zeiler et al. 2011, section 3: local subtractive and divisive normalisation; Jarrett et
-- al. 2009). side: of the window, odd, and below twice the picture's sides.
function adaptive.normalised(t, side)
  side = side or 13
  local centred = t - blurred(t, side)
  local deviation = blurred((centred * centred):mean(2, true), side):sqrt()
  local floor = deviation:mean(4, true):mean(3, true)
  return centred / core.tensor.maximum(core.tensor.maximum(deviation, floor), FLAT)
end

-- unit(filters) --> each of (K,C,h,w) scaled to length 1.
function adaptive.unit(filters)
  local rows = filters:reshape(filters:size(1), -1)
  return (rows / (rows * rows):sum(2, true):sqrt():clamp(1e-12, math.huge)):reshape(filters:size())
end

-- ---- Inference -------------------------------------------------------------------------------------------

-- The maps F and F^T of the filters.
local function maps_of(filters)
  local pads = { filters:size(3) - 1, filters:size(4) - 1 }
  local up = core.layer.conv2d_transpose { weight = filters, pad = pads, bias = false }
  local down = core.layer.conv2d { weight = filters, pad = pads, bias = false }
  return function(z) return (up:forward(z, UNRECORDED)) end,
    function(y) return (down:forward(y, UNRECORDED)) end, up
end

-- The largest eigenvalue of F^T F, by power iteration: nearly, from below.
local function largest_eigenvalue(reconstruct, correlate, shape, steps)
  local y, value = core.tensor.randn(core.rng.new(1), table.unpack(shape)), 0
  for _ = 1, steps do
    y = y / y:norm()
    local z = correlate(y)
    value = z:dot(z)
    y = reconstruct(z)
  end
  return value
end

-- argmin over u of |u - z|^2 / 2 + t |u|_1.
local function shrink(z, t) return z - z:clamp(-t, t) end

local function squared(t) return t:dot(t) end

-- One step down from `at`, whose reconstruction is `seen`: gradient, then shrinkage. The step 1 / L is made
-- shorter until the quadratic that it minimises lies above the objective (Beck & Teboulle 2009, section 3),
-- which for this objective asks lambda |F d|^2 <= L |d|^2 of the step d.
local function descend(s, at, seen)
  local gradient = s.correlate(seen - s.y) * s.lambda
  while true do
    local z = shrink(at - gradient / s.curvature, 1 / s.curvature)
    local fz = s.reconstruct(z)
    if s.lambda * squared(fz - seen) <= s.curvature * squared(z - at) * (1 + 1e-4) + 1e-12 then
      return z, fz
    end
    s.curvature = s.curvature * 1.2
  end
end

local function record(s, z, fz, step)
  local error, size = squared(fz - s.y), z:abs():sum()
  s.history[step + 1] = { objective = s.lambda / 2 * error + size, error = error / s.energy,
                          active = z:sign():abs():mean() }
end

local INFER = { lambda = 5, steps = 100, method = "fista", progress = false }

-- infer(y (N,C,H,W), filters (K,C,h,w) [, options]) --> maps z, their reconstruction F z (like y), history: a
-- list from before the first step on of { objective =, error = |F z - y|^2 / |y|^2, active = share of z that
-- is not 0 }. options:
--   lambda = 5     weight of the reconstruction: larger is less sparse
--   steps = 100    method = "fista" (default; Beck & Teboulle 2009, equation 4.1 on) or "ista", slower, whose
--                  objective never rises;  progress: function(done, total, objective)
-- Raises where filters have other channels than the picture.
function adaptive.infer(y, filters, options)
  local o = check.options("adaptive.infer", options, INFER)
  check.choice("adaptive.infer", "method", o.method, { "ista", "fista" })
  local s = { y = y, lambda = o.lambda, energy = math.max(squared(y), 1e-30), history = {} }
  s.reconstruct, s.correlate = maps_of(filters)
  s.curvature = o.lambda * math.max(largest_eigenvalue(s.reconstruct, s.correlate, y:size(), 6), 1e-12)
  local z = s.correlate(y) * 0
  local fz, at, seen, t = y * 0, z, y * 0, 1
  record(s, z, fz, 0)
  for step = 1, o.steps do
    local new, fnew = descend(s, at, seen)
    local t_new = o.method == "fista" and (1 + math.sqrt(1 + 4 * t * t)) / 2 or 1
    local push = (t - 1) / t_new
    at, seen = new + (new - z) * push, fnew + (fnew - fz) * push
    z, fz, t = new, fnew, t_new
    record(s, z, fz, step)
    if o.progress then o.progress(step, o.steps, s.history[step + 1].objective) end
  end
  return z, fz, s.history
end

-- ---- Learning --------------------------------------------------------------------------------------------

-- n random windows of `side` pixels from a list of pictures (C,H,W), as (n,C,side,side).
local function windows(pictures, rng, n, side)
  local list = {}
  for i = 1, n do
    local t = pictures[rng:integer(#pictures)]
    local top, left = rng:integer(t:size(2) - side + 1), rng:integer(t:size(3) - side + 1)
    list[i] = t:narrow(2, top, side):narrow(3, left, side)
  end
  return core.tensor.stack(list, 1)
end

-- The derivative of |F z - y|^2 / 2 by the filters.
local function filter_gradient(filters, z, y)
  local _, _, up = maps_of(filters)
  local fz, tape = up:forward(z, { weights = true })
  up:backward(tape, fz - y, { weights = true })
  return up.grads.weight, squared(fz - y)
end

-- A step for each filter along its own gradient, as long as the strength of its map allows; a filter whose
-- map is empty begins anew as a piece of a picture.
local function improved(filters, z, y, rate, rng)
  local gradient = filter_gradient(filters, z, y)
  local k, c, h, w = table.unpack(filters:size())
  local strength = (z * z):transpose(1, 2):reshape(k, -1):sum(2, true):reshape(k, 1, 1, 1)
  local new = filters - gradient * rate / (strength + 1e-6)
  for i = 1, k do
    if strength[{ i, 1, 1, 1 }] == 0 then
      local pieces = {}
      for n = 1, y:size(1) do pieces[n] = y:select(1, n) end
      new:narrow(1, i, 1):copy_(windows(pieces, rng, 1, math.max(h, w)):narrow(3, 1, h):narrow(4, 1, w))
    end
  end
  return adaptive.unit(new:reshape(k, c, h, w))
end

local LEARN = { count = 24, side = 9, lambda = 2, updates = 150, steps = 10, batch = 6, window = 32,
                rate = 0.3, seed = 0, progress = false }

-- learn(pictures, options) --> filters (count,C,side,side) of length 1, history: the objective of each
-- update's windows, per pixel. pictures: list of (C,H,W), contrast normalised. Windows are drawn, their maps
-- inferred with the filters as they are, then the filters improved by a gradient step (Zeiler et al. 2011,
-- section 2.3, with a step where they solve). options: count = 24 filters of side = 9 pixels; lambda = 2;
-- updates = 150, each of `batch` = 6 windows of `window` = 32 pixels; steps = 10 of inference; rate = 0.3;
-- seed = 0; progress = function(done, total, objective).
function adaptive.learn(pictures, options)
  local o = check.options("adaptive.learn", options, LEARN)
  for _, t in ipairs(pictures) do
    if math.min(t:size(2), t:size(3)) < o.window then
      error(("adaptive.learn: a picture of %dx%d is smaller than the window of %d")
        :format(t:size(2), t:size(3), o.window), 2)
    end
  end
  local rng, history = core.rng.new(o.seed), {}
  local filters = adaptive.unit(core.tensor.randn(rng, o.count, pictures[1]:size(1), o.side, o.side))
  for update = 1, o.updates do
    local y = windows(pictures, rng, o.batch, o.window)
    local z, _, told = adaptive.infer(y, filters, { lambda = o.lambda, steps = o.steps })
    history[update] = told[#told].objective / y:count()
    filters = improved(filters, z, y, o.rate, rng)
    if o.progress then o.progress(update, o.updates, history[update]) end
  end
  return filters, history
end

return adaptive
