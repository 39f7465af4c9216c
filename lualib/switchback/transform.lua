-- Transforms: small random changes of the picture before each look of the net, so that what is found does
-- not hang on single pixels. sb.transform.NAME(...) is a function t(x [, rng]) --> y, back: x (N,C,H,W) and
-- y are pictures, and back(dy) --> dx is the exact adjoint of what this call did. All pictures of a batch
-- are changed alike. Random choices come from rng (sb.rng) alone; transforms that make none do without. x is
-- left alone; y may be x itself.
local check = require "switchback.check"
local core = require "switchback.core"

local transform = {}

-- y, back of one layer.
local function through(layer, x)
  local y, tape = layer:forward(x)
  return y, function(dy) return (layer:backward(tape, dy)) end
end

local function same(dy) return dy end

local function whole(name, what, value, least)
  if math.type(value) ~= "integer" or value < least then
    error(("transform.%s: %s must be a whole number of at least %d, got %s")
      :format(name, what, least, tostring(value)), 3)
  end
end

--- layer(l) -> the transform of one layer of one input (sb.layer.NAME{...}).
function transform.layer(l)
  return function(x) return through(l, x) end
end

local function need_rng(name, rng)
  if not rng then error(("transform.%s: draws at random: give t(x, rng) a generator"):format(name), 3) end
end

local PAD = { mode = "constant", value = 0.5 }

--- pad(p [, {mode = "constant", value = 0.5}]) -> (H+2p, W+2p): a border of p pixels of that grey, or of
-- mode "reflect", "edge" or "wrap".
function transform.pad(p, options)
  local o = check.options("transform.pad", options, PAD)
  whole("pad", "the border", p, 0)
  local layer = core.layer.pad { pads = { p, p, p, p }, mode = o.mode, value = o.value }
  return function(x) return through(layer, x) end
end

--- jitter(d [, {border = "wrap"}]): a shift by -d to d pixels on each axis, with equal chances.
-- border = "wrap": what leaves on one side comes in at the other (Mordvintsev et al. 2015), the size stays;
-- "crop": a window of (H-2d, W-2d) is shifted over x instead, as Lucid's jitter(2d) does.
function transform.jitter(d, options)
  local o = check.options("transform.jitter", options, { border = "wrap" })
  check.choice("transform.jitter", "border", o.border, { "wrap", "crop" })
  whole("jitter", "the distance", d, 0)
  local cut = o.border == "crop" and d or 0
  return function(x, rng)
    need_rng("jitter", rng)
    local dy, dx = rng:integer(-d, d), rng:integer(-d, d)
    if dy == 0 and dx == 0 and cut == 0 then return x, same end
    local pads = { dy - cut, dx - cut, -dy - cut, -dx - cut }
    return through(core.layer.pad { pads = pads, mode = "wrap" }, x)
  end
end

--- crop(h, w [, {place = "random"}]) -> (h, w): a window at a random place, each as likely, or in the
-- "centre". Raises when x is smaller.
function transform.crop(h, w, options)
  local o = check.options("transform.crop", options, { place = "random" })
  check.choice("transform.crop", "place", o.place, { "random", "centre" })
  whole("crop", "the height", h, 1)
  whole("crop", "the width", w, 1)
  return function(x, rng)
    local free_y, free_x = x:size(3) - h, x:size(4) - w
    if free_y < 0 or free_x < 0 then
      error(("transform.crop: %dx%d does not fit into %dx%d"):format(h, w, x:size(3), x:size(4)), 2)
    end
    local y, left = free_y // 2, free_x // 2
    if o.place == "random" then
      need_rng("crop", rng)
      y, left = rng:integer(0, free_y), rng:integer(0, free_x)
    end
    return through(core.layer.pad { pads = { -y, -left, y - free_y, left - free_x } }, x)
  end
end

--- flip([chance = 0.5]): mirrors left to right with that chance.
function transform.flip(chance)
  chance = chance or 0.5
  if type(chance) ~= "number" or chance < 0 or chance > 1 then
    error(("transform.flip: the chance must be 0 to 1, got %s"):format(tostring(chance)), 2)
  end
  local function mirror(t) return t:flip(4) end
  return function(x, rng)
    need_rng("flip", rng)
    if rng:uniform() >= chance then return x, same end
    return mirror(x), mirror
  end
end

local WARP = { border = "reflect", value = 0.5 }

local function check_numbers(name, list, least)
  if type(list) ~= "table" or #list == 0 then
    error(("transform.%s: takes a list of numbers, got %s"):format(name, tostring(list)), 4)
  end
  for i, v in ipairs(list) do
    if type(v) ~= "number" or not (v > least and v < math.huge) then
      error(("transform.%s: number %d of the list is %s"):format(name, i, tostring(v)), 4)
    end
  end
end

-- A transform that draws one of a list of numbers above `least`, and looks x up under the affine map that
-- map(number) answers; without one it leaves x as it is.
local function warp(name, list, least, options, map)
  local o = check.options("transform." .. name, options, WARP)
  check_numbers(name, list, least)
  return function(x, rng)
    need_rng(name, rng)
    local m = map(list[rng:integer(#list)])
    if not m then return x, same end
    return through(core.layer.affine { map = m, border = o.border, value = o.value }, x)
  end
end

--- scale(factors [, {border = "reflect", value = 0.5}]): enlarges about the centre by one of a list of
-- factors, each as likely; 2 shows the middle half, twice as large. The size stays: what is shown beyond the
-- border is mirrored ("reflect"), the "edge" repeated, or a "constant" value. Bilinear.
function transform.scale(factors, options)
  return warp("scale", factors, 0, options, function(factor)
    return factor ~= 1 and { 1 / factor, 0, 0, 1 / factor, 0, 0 }
  end)
end

--- rotate(degrees [, {border = "reflect", value = 0.5}]): turns counter-clockwise about the centre by one of
-- a list of angles, each as likely. Size, border and sampling as scale.
function transform.rotate(degrees, options)
  return warp("rotate", degrees, -math.huge, options, function(angle)
    local c, s = math.cos(math.rad(angle)), math.sin(math.rad(angle))
    return angle ~= 0 and { c, s, -s, c, 0, 0 }
  end)
end

--- compose{t1, t2, ...} -> the transform that applies them in this order.
function transform.compose(list)
  for i, t in ipairs(list) do
    if type(t) ~= "function" then
      error(("transform.compose: entry %d is a %s, not a transform"):format(i, type(t)), 2)
    end
  end
  return function(x, rng)
    local backs = {}
    for i, t in ipairs(list) do x, backs[i] = t(x, rng) end
    return x, function(dy)
      for i = #backs, 1, -1 do dy = backs[i](dy) end
      return dy
    end
  end
end

return transform
