-- How far a change of the input reaches. A reach is, for each axis {y, x}, { lo = {..}, hi = {..},
-- extent = n }: what covers the input at the k-th start of the axis can change rows (columns) lo[k] to hi[k]
-- (1-based) of a value with n of them, and no others.
local reach = {}

local AXES = { 1, 2 }

-- patches(starts, size, extent) --> the reach of a patch of size {h, w} in the input: starts and extent
-- per axis. It is clipped at the edges.
function reach.patches(starts, size, extent)
  local out = {}
  for _, axis in ipairs(AXES) do
    out[axis] = { lo = {}, hi = {}, extent = extent[axis] }
    for k, at in ipairs(starts[axis]) do
      out[axis].lo[k] = math.max(at, 1)
      out[axis].hi[k] = math.min(at + size[axis] - 1, extent[axis])
    end
  end
  return out
end

-- Row o of a window's output looks at rows (o-1) s - p + 1 to (o-1) s - p + e. Where no window looks at
-- the change, the nearest row stands for none.
local function window_axis(from, e, s, p, extent)
  local lo, hi = {}, {}
  for k = 1, #from.lo do
    local first = -((e - p - from.lo[k]) // s) + 1
    local last = (from.hi[k] + p - 1) // s + 1
    lo[k] = math.max(1, math.min(first, extent))
    hi[k] = math.max(lo[k], math.min(last, extent))
  end
  return { lo = lo, hi = hi, extent = extent }
end

-- through(r, window, extent) --> the reach behind windows { extent =, stride =, pad = } of integers.
function reach.through(r, window, extent)
  local out = {}
  for _, axis in ipairs(AXES) do
    out[axis] = window_axis(r[axis], window.extent[axis], window.stride[axis], window.pad[axis], extent[axis])
  end
  return out
end

-- A border of p rows that repeats the edge row, or mirrors the rows next to it, shows changes once more.
local function border_axis(from, to, p, mode)
  local n = from.extent
  for k = 1, #from.lo do
    local lo, hi = from.lo[k], from.hi[k]
    if mode == "edge" then
      if lo == 1 then to.lo[k] = 1 end
      if hi == n then to.hi[k] = to.extent end
    else
      if lo <= p + 1 then to.lo[k] = math.max(1, math.min(to.lo[k], 2 + p - hi)) end
      if 2 * n + p - hi <= to.extent then
        to.hi[k] = math.min(to.extent, math.max(to.hi[k], 2 * n + p - lo))
      end
    end
  end
end

-- border(r, window, extent, mode) --> the reach behind a border; mode: "constant", "edge" or "reflect".
function reach.border(r, window, extent, mode)
  local out = reach.through(r, window, extent)
  if mode == "constant" then return out end
  for _, axis in ipairs(AXES) do border_axis(r[axis], out[axis], window.pad[axis], mode) end
  return out
end

-- union(list) --> the reach of a value that depends on several of one extent, place by place.
function reach.union(list)
  local out = {}
  for _, axis in ipairs(AXES) do
    out[axis] = { lo = {}, hi = {}, extent = list[1][axis].extent }
    for k = 1, #list[1][axis].lo do
      local lo, hi = math.huge, 0
      for _, r in ipairs(list) do
        lo, hi = math.min(lo, r[axis].lo[k]), math.max(hi, r[axis].hi[k])
      end
      out[axis].lo[k], out[axis].hi[k] = lo, hi
    end
  end
  return out
end

return reach
