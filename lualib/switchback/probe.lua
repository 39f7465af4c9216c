-- Pictures of deconvnet probes, as vis/deconv.lua finds them.
local core = require "switchback.core"
local image = require "switchback.image"
local stack = require "switchback.stack"

local probe = {}

local function cut(t, box)
  return image.crop(t, box.top, box.left, box.bottom - box.top + 1, box.right - box.left + 1)
end

-- The few largest values would leave the rest grey.
local function stretched(t) return image.stretch(t, { percentile = 99.8 }) end

-- thumbnail(t, side) --> (3,side,side): a projection (3,h,w) made to fit, 0 grey. Its own contrast is
-- stretched at the size that is looked at, since shrinking takes contrast away.
function probe.thumbnail(t, side)
  local small = image.contain(t, side, side, { fill = 0 })
  return image.stretch(small, { method = "symmetric", percentile = 99.5 })
end

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

local SHARE <const>, STEP <const> = 0.9, 4 -- of the energy; pixels

-- The energy-weighted middle of a map of energies along its rows or columns, as a list of sums.
local function middle(sums) return sums:dot(core.tensor.arange(1, #sums)) / sums:sum() end

-- The square of that side nearest to (y, x) that lies on a map of h x w.
local function square_at(y, x, side, h, w)
  local function start(at, extent)
    return math.floor(math.max(1, math.min(extent - side + 1, at - side / 2)))
  end
  local top, left = start(y, h), start(x, w)
  return { top = top, left = left, bottom = top + side - 1, right = left + side - 1 }
end

-- The smallest square at the middle of a projection's energy that holds SHARE of it; nil if none does.
local function focus(t)
  local energy = (t * t):sum(1)
  local h, w, total = energy:size(1), energy:size(2), energy:sum()
  if total == 0 then return nil end
  local y, x = middle(energy:sum(2)), middle(energy:sum(1))
  for side = math.min(h, w) // 4, math.min(h, w) - 1, STEP do
    local box = square_at(y, x, side, h, w)
    if energy:narrow(1, box.top, side):narrow(2, box.left, side):sum() >= SHARE * total then return box end
  end
end

-- view(t, box [, share = 1]) --> what to show of a projection t (3,H,W) that a position with this receptive
-- field has, and whether that is less than the field: the field, unless it is as large as that share of t
-- (1: all); then the smallest square that holds 90 % of the projection's energy (its squares), on t.
function probe.view(t, box, share)
  local h = math.min(box.bottom - box.top + 1, t:size(2))
  local w = math.min(box.right - box.left + 1, t:size(3))
  local smaller = h * w >= (share or 1) * t:size(2) * t:size(3) and focus(t)
  return smaller or box, smaller and true or false
end

-- pair(input, p [, side = 128]) --> (3,H,W): what the position sees in the input, beside what it projects
-- back to, each made to fit a square of `side` pixels. Of a field that covers half of the input and more only
-- what the projection fills: see view.
function probe.pair(input, p, side)
  side = side or 128
  local box = probe.view(p.image, p.box, 1 / 2)
  local patch = image.contain(cut(input, box), side, side, { fill = 0.5 }):clamp(0, 1)
  local projection = probe.thumbnail(cut(p.image, box), side)
  return image.grid({ patch, projection }, { columns = 2, gap = 2, scale = 1 })
end

-- whole(input, p) --> the input with a frame around what the position sees; the projection. Both like input.
function probe.whole(input, p)
  local b, framed = p.box, image.rgb(input)
  image.frame(framed, b.top, b.left, b.bottom - b.top + 1, b.right - b.left + 1)
  return framed, stretched(p.image)
end

local MARGIN <const>, SIDE <const>, LABEL <const> = 6, 112, 1.5 -- pixels, pixels, scale of text

local function write(canvas, y, text, scale)
  return image.text(canvas, y, MARGIN + 3, image.elide(text, canvas:size(3) - 2 * MARGIN, scale),
    { color = 0.1, scale = scale })
end

-- Of each layer its pairs side by side below its name; at the top the input that all were found in.
local function montage(rows, rule)
  local parts = {}
  for i, row in ipairs(rows) do
    local pairs_of, labels = {}, {}
    for k, p in ipairs(row.probes) do
      pairs_of[k] = probe.pair(row.input, p, SIDE)
      labels[k] = ("#%d  act %.4g"):format(p.channel, p.activation)
    end
    local cells = image.grid(pairs_of, { columns = #pairs_of, labels = labels, gap = MARGIN, text = 1 })
    parts[2 * i - 1], parts[2 * i] = write(image.canvas(26, cells:size(3)), 9, row.layer, LABEL), cells
  end
  local width = parts[2]:size(3)
  local input = image.contain(image.rgb(rows[1].input), 2 * SIDE, 2 * SIDE, { fill = 1 }):clamp(0, 1)
  local top = image.paste(image.canvas(2 * SIDE + 40, width), 36, MARGIN + 1, input)
  write(top, 8, ("strongest channels of each layer: what the position sees, what it projects back to (%s)")
    :format(rule), 1.5 * LABEL)
  return stack { top, stack(parts) }
end

-- text(p) --> "#361 (y 5, x 5) act 466.2".
function probe.text(p) return ("#%d (y %d, x %d) act %.1f"):format(p.channel, p.y, p.x, p.activation) end

-- One layer's pairs as a grid; of a single probe all of the input and of the projection.
local function one_layer(row, rule)
  local input, list, labels, cells = row.input, row.probes, {}, {}
  if #list == 1 then
    return image.grid({ probe.whole(input, list[1]) }, { labels = { "input", rule },
      title = row.layer .. " " .. probe.text(list[1]) })
  end
  for i, p in ipairs(list) do cells[i], labels[i] = probe.pair(input, p), probe.text(p) end
  return image.grid(cells, { labels = labels, title = row.layer })
end

-- draw(rows, rule) --> (3,H,W) of what vis/deconv.lua answered for one layer, or for several: a montage.
function probe.draw(rows, rule)
  return #rows == 1 and one_layer(rows[1], rule) or montage(rows, rule)
end

return probe
