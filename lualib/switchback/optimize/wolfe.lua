-- A line search for the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6).
-- A point is { t =, f =, slope = } of f along a direction, t steps from the start.
local DECREASE <const>, CURVATURE <const> = 1e-4, 0.9 -- c1 and c2
local NOISE <const> = 1e-7 -- of f, relative
local MOST <const> = 25 -- evaluations of a search
local EDGE <const> = 0.1 -- of an interval: how near its ends a trial may come

-- The minimum of the cubic through two points and their slopes (equation 3.59), kept within [low, high].
local function cubic(a, b, low, high)
  local d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
  local d2 = math.sqrt(d1 * d1 - a.slope * b.slope) * (b.t > a.t and 1 or -1)
  local t = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
  if t ~= t then return (low + high) / 2 end -- there is none
  return math.max(low, math.min(high, t))
end

-- Far enough down for its t. Close to a minimum f differs by less than float32 resolves: there the slope
-- tells as much (the approximate Wolfe condition, Hager & Zhang 2005). False for NaN.
local function decreases(start, point)
  return point.f <= start.f + DECREASE * point.t * start.slope
    or point.f <= start.f + NOISE * math.abs(start.f) and point.slope <= (2 * DECREASE - 1) * start.slope
end

local function lower(a, b) return b.f < a.f + NOISE * math.abs(a.f) end

local function is_flat(start, point) return math.abs(point.slope) <= -CURVATURE * start.slope end

-- A minimum lies between low, the best point so far, and high.
local function zoom(phi, start, low, high, most)
  for _ = 1, most do
    local left, width = math.min(low.t, high.t), math.abs(high.t - low.t)
    if width <= 1e-9 * math.max(low.t, high.t) then break end
    local point = phi(cubic(low, high, left + EDGE * width, left + (1 - EDGE) * width))
    if not decreases(start, point) or not lower(low, point) then
      high = point
    else
      if is_flat(start, point) then return point end
      if point.slope * (high.t - low.t) >= 0 then high = low end
      low = point
    end
  end
  return low.t > 0 and low or nil
end

-- search(phi, start, t) --> the accepted point; nil if none has a smaller f. phi(t) --> point; start is
-- phi(0), with a slope below 0; t > 0 is tried first.
return function(phi, start, t)
  local before = start
  for n = 1, MOST do
    local point = phi(t)
    if not decreases(start, point) or n > 1 and not lower(before, point) then
      return zoom(phi, start, before, point, MOST - n)
    end
    if is_flat(start, point) then return point end
    if point.slope >= 0 then return zoom(phi, start, point, before, MOST - n) end
    t = cubic(before, point, point.t * 2, point.t * 10)
    before = point
  end
  return before
end
