-- Functions on a sphere: their maximum, and how they bend there (Berkes & Wiskott 2006).
local core = require "switchback.core"
local lanczos = require "switchback.lanczos"

local sphere = {}

-- v without its part along x.
local function tangent(v, x) return v - x * (v:dot(x) / x:dot(x)) end

-- maximize(f, x, options) --> x of the same length where f is larger, the values on the way. f(x) --> value,
-- gradient like x. Steps go along the great circle of the gradient's tangent part, by an angle that grows by
-- 1.2 when the value rises and is halved, the step undone, when it falls.
-- options: steps = 60, angle = 0.3 (radians, at first), progress = function(done, total, value).
function sphere.maximize(f, x, options)
  local angle, values = options.angle or 0.3, {}
  local value, gradient = f(x)
  for step = 1, options.steps or 60 do
    local direction = tangent(gradient, x)
    if direction:norm() == 0 then break end
    local moved = sphere.along(x, direction, angle)
    local new, slope = f(moved)
    if new > value or value == 0 then -- 0: a silent unit, whose gradient only tells a way out
      x, value, gradient, angle = moved, new, slope, math.min(angle * 1.2, 0.5)
    else
      angle = angle / 2
    end
    values[step] = value
    if options.progress then options.progress(step, options.steps or 60, value) end
  end
  return x, values
end

-- along(x, direction, angle) --> the point at that angle (radians) from x on the great circle towards the
-- direction, which is orthogonal to x.
function sphere.along(x, direction, angle)
  return x * math.cos(angle) + direction * (math.sin(angle) * x:norm() / direction:norm())
end

-- The second derivative of f along the great circle through x, as a difference over `angle` both ways.
local function second_difference(f, x, direction, angle)
  local above, below = f(sphere.along(x, direction, angle)), f(sphere.along(x, direction, -angle))
  return (above + below - 2 * f(x)) / angle ^ 2
end

-- curvatures(f, x, options) --> list of { value =, vector = }, largest first: extreme eigenvectors of the
-- second derivative of f, per radian squared, along great circles through x (2006, equations 12 to 14),
--   d^2/dt^2 f(cos(t) x + sin(t) r v) = r^2 v^T H v - x^T g,  r = |x|,  v of length 1,
-- where H v is the central difference of gradients over `reach` radians both ways. The eigenvectors are
-- Lanczos' (lanczos.lua); value is the second difference of f itself along the one found, so that it holds
-- for functions made of nearly flat pieces too, of which H v is not quite linear in v.
-- options: steps = 20 of Lanczos, reach = 0.05, start = like x (default: random, of seed = 0; parts that x is
-- not to move in are 0 there and in gradients), progress.
function sphere.curvatures(f, x, options)
  local angle, r = options.reach or 0.05, x:norm()
  local _, g = f(x)
  local slope = x:dot(g)
  local function bend(v)
    v = tangent(v, x)
    local _, above = f(x + v * (angle * r))
    local _, below = f(x - v * (angle * r))
    return tangent((above - below) * (r / (2 * angle)), x) - v * slope
  end
  local start = options.start or core.tensor.randn(core.rng.new(options.seed or 0), table.unpack(x:size()))
  local list = lanczos(bend, tangent(start, x), options.steps or 20, options.progress)
  for _, found in ipairs(list) do found.value = second_difference(f, x, found.vector, angle) end
  table.sort(list, function(a, b) return a.value > b.value end)
  return list
end

return sphere
