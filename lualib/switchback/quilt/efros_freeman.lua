-- Efros & Freeman 2001, "Image quilting for texture synthesis and transfer": the picture is laid with blocks
-- of the sample, row by row; each is drawn among those that agree where it overlaps its neighbours, and cut
-- along the path through the overlap on which they differ least.
--
-- Options:
--   window     side of a block in pixels (default 24, or half the sample if that is less): larger than the
--              texture's regular things
--   overlap    of neighbours in pixels (default: a sixth of the window)
--   tolerance  0.1: drawn from are blocks up to 1 + tolerance times as far as the nearest
local interrupt = require "switchback.interrupt"
local texture = require("switchback.core").texture

local efros_freeman = { OPTIONS = { window = false, overlap = false, tolerance = 0.1 } }

local function check_block(o)
  local side = math.min(o.texture:size(2), o.texture:size(3))
  o.window = o.window or math.min(24, side // 2)
  if math.type(o.window) ~= "integer" or o.window < 2 or o.window > side then
    error(("quilt: the window must be 2 to %d pixels for this texture, got %s"):format(side,
      tostring(o.window)), 0)
  end
  o.overlap = o.overlap or math.max(1, o.window // 6)
  if math.type(o.overlap) ~= "integer" or o.overlap < 1 or o.overlap >= o.window then
    error(("quilt: the overlap must be 1 to %d pixels for this window, got %s"):format(o.window - 1,
      tostring(o.overlap)), 0)
  end
end

-- Lays the blocks from number `first` on, in scan order.
local function lay_all(o, picture, from, first)
  local h, w, step = o.size[1], o.size[2], o.window - o.overlap
  local columns = math.max(1, math.ceil((w - o.overlap) / step))
  local rows = math.max(1, math.ceil((h - o.overlap) / step))
  for n = first, rows * columns - 1 do
    local i, j = n // columns, n % columns
    texture.quilt_block(o.texture, picture, from, o.window, o.overlap, o.tolerance, o.rng, 1 + i * step,
      1 + j * step)
    local below, right = math.min(h, (i + 1) * step + o.overlap), math.min(w, (j + 1) * step + o.overlap)
    local above = i > 0 and i * step + o.overlap or 0
    local done = above * w + (below - above) * right
    o.keep(done, h * w, function() return { picture = picture, from = from }, { n + 1 } end)
    o.progress(done, h * w)
  end
end

-- run(o) --> { image =, from =, interrupted = }; see switchback.quilt.
function efros_freeman.run(o)
  check_block(o)
  require("switchback.quilt").check_range("tolerance", o.tolerance, 0, 1e6)
  local sb, kept = require "switchback", o.saved and o.saved.tensors or {}
  local picture = kept.picture or sb.zeros(o.texture:size(1), o.size[1], o.size[2])
  local from, first = kept.from or sb.zeros(o.size[1], o.size[2]), o.saved and o.saved.numbers[1] or 0
  local interrupted = interrupt.caught(lay_all, o, picture, from, first)
  return { image = picture, from = from, interrupted = interrupted }
end

return efros_freeman
