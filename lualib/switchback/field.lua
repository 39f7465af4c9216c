-- Receptive fields: which input pixels a position of a layer can see.
-- Per axis {y, x}: the first position sees pixels lo..hi (1-based; below 1 is padding), the next one
-- the same shifted by `stride` (the arithmetic of Araujo, Norris & Sim 2019).
local field = {}

local function through_window(from, window)
  local out = {}
  for axis = 1, 2 do
    local f, e, p = from[axis], window.extent[axis], window.pad[axis]
    out[axis] = { lo = f.lo - p * f.stride, hi = f.hi + (e - 1 - p) * f.stride,
                  stride = f.stride * window.stride[axis] }
  end
  return out
end

local function merge(a, b)
  if not a or not b then return a or b end
  local out = {}
  for axis = 1, 2 do
    out[axis] = { lo = math.min(a[axis].lo, b[axis].lo), hi = math.max(a[axis].hi, b[axis].hi),
                  stride = math.max(a[axis].stride, b[axis].stride) }
  end
  return out
end

-- start() --> the field of an input pixel: itself.
function field.start()
  return { { lo = 1, hi = 1, stride = 1 }, { lo = 1, hi = 1, stride = 1 } }
end

-- through(fields, layer) --> the field of a node's output from those of its inputs (false: the whole
-- input; nil entries, of constants, are skipped).
function field.through(fields, layer)
  local from
  for _, f in pairs(fields) do
    if f == false then return false end
    from = merge(from, f)
  end
  local window = layer:window()
  if not window then return false end
  return from and through_window(from, window)
end

-- box(f, y, x) --> top, left, bottom, right in input pixels (1-based, not clipped to the image).
function field.box(f, y, x)
  local v, h = f[1], f[2]
  return v.lo + (y - 1) * v.stride, h.lo + (x - 1) * h.stride,
         v.hi + (y - 1) * v.stride, h.hi + (x - 1) * h.stride
end

-- summary(f) --> { size = {h, w}, stride = {h, w}, offset = {h, w} } or nil for the whole input;
-- offset is the first pixel (1-based) that the first position sees.
function field.summary(f)
  if not f then return nil end
  return { size = { f[1].hi - f[1].lo + 1, f[2].hi - f[2].lo + 1 },
           stride = { f[1].stride, f[2].stride }, offset = { f[1].lo, f[2].lo } }
end

return field
