-- Pictures of deconvnet probes, as vis/deconv.lua finds them.
local image = require "switchback.image"

local probe = {}

local function cut(t, box)
  return image.crop(t, box.top, box.left, box.bottom - box.top + 1, box.right - box.left + 1)
end

-- The few largest values would leave the rest grey.
local function stretched(t) return image.stretch(t, { percentile = 99.8 }) end

-- The part of a box that lies on t.
local function clipped(t, box)
  local function clip(at, extent) return math.max(1, math.min(extent, at)) end
  return { top = clip(box.top, t:size(2)), left = clip(box.left, t:size(3)),
           bottom = clip(box.bottom, t:size(2)), right = clip(box.right, t:size(3)) }
end

-- patch(t, box [, fill = 0.5]) --> (3,h,w): what a box shows of t, (3,H,W) or (1,H,W). The box, { top =,
-- left =, bottom =, right = } in pixels from 1, may reach beyond the edges, where there is `fill`; h and w
-- are its sides, at most H and W.
function probe.patch(t, box, fill)
  local inside = clipped(t, box)
  local part = cut(t, inside)
  local h = math.min(t:size(2), box.bottom - box.top + 1)
  local w = math.min(t:size(3), box.right - box.left + 1)
  return image.paste(image.canvas(h, w, fill or 0.5), math.min(inside.top - box.top, h - part:size(2)) + 1,
    math.min(inside.left - box.left, w - part:size(3)) + 1, image.rgb(part))
end

-- pair(input, p [, side = 128]) --> (3,H,W): what the position sees in the input, beside what it projects
-- back to, each made to fit a square of `side` pixels.
function probe.pair(input, p, side)
  side = side or 128
  local function fitted(t) return image.contain(t, side, side, { fill = 0.5 }) end
  return image.grid({ fitted(cut(input, p.box)), fitted(stretched(cut(p.image, p.box))) },
    { columns = 2, gap = 2 })
end

-- whole(input, p) --> the input with a frame around what the position sees; the projection. Both like input.
function probe.whole(input, p)
  local b, framed = p.box, image.rgb(input)
  image.frame(framed, b.top, b.left, b.bottom - b.top + 1, b.right - b.left + 1)
  return framed, stretched(p.image)
end

-- text(p) --> "#361 (y 5, x 5) act 466.2".
function probe.text(p) return ("#%d (y %d, x %d) act %.1f"):format(p.channel, p.y, p.x, p.activation) end

return probe
