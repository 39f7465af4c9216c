-- Invariance (Zeiler & Fergus 2014, section 4.1, figure 5): how far a layer's features move while a picture
-- is shifted, enlarged or turned, and what the classifier then makes of it.
local check = require "switchback.check"
local core = require "switchback.core"
local explain = require "switchback.explain"
local features = require "switchback.features"
local image = require "switchback.image"

local OPTIONS = { class = false, low = false, high = false, steps = 25, shift = false, scale = 1.8,
                  turn = 360, border = "constant", progress = false }
local SHIFT <const> = 60 / 224 -- of the input's height, as in the paper
local FINE <const> = 5 -- odd, so that pixels have their middles in common with enlarged ones

-- The layer that feeds the classes' scores is the high one; the first that pools, or the first, the low one.
local function low_layer(net)
  for _, node in ipairs(net.order) do
    if type(node.layer) ~= "function" and node.layer.kind == "maxpool" then return node.outputs[1] end
  end
  return net:names()[1]
end

-- What is done to a picture for an amount, as the map of sb.layer.affine, in pixels of the input.
local maps = {}

function maps.translation(pixels) return { 1, 0, 0, 1, -pixels, 0 } end
function maps.scale(factor) return { 1 / factor, 0, 0, 1 / factor, 0, 0 } end
function maps.rotation(degrees)
  local c, s = math.cos(math.rad(degrees)), math.sin(math.rad(degrees))
  return { c, s, -s, c, 0, 0 }
end

-- n amounts from first to last, evenly spaced.
local function amounts(first, last, n)
  local list = {}
  for i = 1, n do list[i] = first + (last - first) * (i - 1) / (n - 1) end
  return list
end

-- The same in whole numbers, each once: a shift by half a pixel would blur as well.
local function whole_amounts(first, last, n)
  local list = {}
  for _, amount in ipairs(amounts(first, last, n)) do
    local whole = amount < 0 and math.ceil(amount - 0.5) or math.floor(amount + 0.5)
    if whole ~= list[#list] then list[#list + 1] = whole end
  end
  return list
end

-- The picture (3,h,w) transformed, from its enlargement by FINE. A bilinear look into that one is nearly a
-- bicubic one into the picture, which blurs little; doing nothing leaves every pixel as it is.
local function moved(enlarged, kind, amount, border)
  local map = maps[kind](amount)
  for i = 1, 6 do map[i] = map[i] * FINE end
  local layer = core.layer.affine { map = map, border = border, value = 0.5,
                                    size = { enlarged:size(2) // FINE, enlarged:size(3) // FINE } }
  return (layer:forward(enlarged:unsqueeze(1))):select(1, 1)
end

local function enlarge(picture)
  local h, w = picture:size(2) * FINE, picture:size(3) * FINE
  return image.resize(picture, h, w, { method = "bicubic" }):clamp(0, 1)
end

-- Of one input's pass: its features, the probability of the class, and whether none is more probable.
local function look(net, x, o, class)
  local pass = net:forward(x, { record = false, keep = { o.low, o.high } })
  class = explain.class(net, pass, class)
  return { low = pass[o.low]:clone(), high = pass[o.high]:clone(), p = class.p, class = class,
           top = pass:top(1)[1].index == class.index }
end

-- |a - b| / |b|: 0 for the untransformed picture.
local function distance(a, b) return (a - b):norm() / math.max(b:norm(), 1e-30) end

-- A curve of one picture: what follows for each amount.
local function curve(net, enlarged, base, sweep, o)
  local result = { low = {}, high = {}, p = {}, top = {}, pictures = {} }
  for i, amount in ipairs(sweep.amounts) do
    local t = moved(enlarged, sweep.kind, amount, o.border)
    local now = look(net, net:input(t), o, base.class.index)
    result.low[i], result.high[i] = distance(now.low, base.low), distance(now.high, base.high)
    result.p[i], result.top[i], result.pictures[i] = now.p, now.top, t
    if o.tell then o.tell() end
  end
  return result
end

local function sweeps(o)
  return { { kind = "translation", unit = "pixels down", identity = 0,
             amounts = whole_amounts(-o.shift, o.shift, o.steps) },
           { kind = "scale", unit = "factor", identity = 1, amounts = amounts(1, o.scale, o.steps) },
           { kind = "rotation", unit = "degrees", identity = 0, amounts = amounts(0, o.turn, o.steps) } }
end

local function total_amounts(list)
  local total = 0
  for _, sweep in ipairs(list) do total = total + #sweep.amounts end
  return total
end

local function teller(progress, total)
  local done = 0
  return progress and function()
    done = done + 1
    progress(done, total)
  end
end

-- invariance(net, images [, options]) --> { low =, high = names of the layers,
--   classes = { { index =, label =, p = }... } of the images,
--   sweeps = { { kind = "translation" | "scale" | "rotation", unit =, identity = what does nothing,
--     amounts = {...}, curves = for each image { low = {...}, high = {...}: Euclidean distances
--     |f(t) - f(0)| / |f(0)| of the features; p = {...}: the probability of the class; top = {...}: whether
--     it is the most probable one }, pictures = {(3,h,w)...}: the first image, transformed }... } }
-- Transformed is what the net sees of the image, cropped and resized. options:
--   class    list of the true classes, an index or label for each image; default the most probable
--   low      default the first max pooling; high: default what the classes' scores are computed from
--   steps    = 25 amounts of each: odd, so that the untransformed picture is one of a shift's
--   shift    from so many pixels up to so many down, in whole pixels; default 60 of 224, as much of others
--   scale    = 1.8: from 1 to it; turn = 360: degrees
--   border   "constant" (default): grey around the picture, "edge" or "reflect"
--   progress function(done, total) of transformed pictures
-- Raises for unknown layers and classes, and less than 2 steps.
return function(net, images, options)
  local o = check.options("invariance", options, OPTIONS)
  check.integer("invariance", "steps", o.steps, 2)
  o.low, o.high = net:value(o.low or low_layer(net)), net:value(o.high or features.last_layer(net))
  local inputs = {}
  for i, picture in ipairs(images) do inputs[i] = net:prepare(picture) end
  o.shift = o.shift or math.floor(SHIFT * inputs[1]:size(3) + 0.5)
  local result = { low = o.low, high = o.high, classes = {}, sweeps = sweeps(o) }
  o.tell = teller(o.progress, #images * total_amounts(result.sweeps))
  for i, x in ipairs(inputs) do
    local enlarged, base = enlarge(net:to_image(x)), look(net, x, o, o.class and o.class[i] or nil)
    result.classes[i] = base.class
    for _, sweep in ipairs(result.sweeps) do
      sweep.curves = sweep.curves or {}
      local one = curve(net, enlarged, base, sweep, o)
      sweep.curves[i], sweep.pictures, one.pictures = one, sweep.pictures or one.pictures, nil
    end
  end
  return result
end
