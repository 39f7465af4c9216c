-- Deconvnet probes: an activation projected back to pixels (Zeiler & Fergus 2014).
local check = require "switchback.check"

local OPTIONS = { layer = false, channels = false, strongest = 9, keep = "max", seed = "activation",
                  rule = "deconv", lrn = false, overlap = false, progress = false }

-- A layer's answer to the first image as maps (C,H,W); units of a fully connected layer are maps of 1x1.
local function maps_of(values)
  local size = values:size()
  return values:select(1, 1):reshape(size[2] or 1, size[3] or 1, size[4] or 1)
end

-- The channels of maps (C,H,W) with the largest activations, best first.
local function strongest_channels(maps, count)
  local channels = maps:size(1)
  local _, order = maps:reshape(channels, -1):max(2):topk(math.min(count, channels))
  local list = {}
  for i, c in ipairs(order:totable()) do list[i] = math.tointeger(c) end
  return list
end

-- The activation of a map (H,W) that keep = {y, x} names, else the largest, and where it is.
local function strongest_kept(map, keep)
  if type(keep) == "table" then return map[keep], keep[1], keep[2] end
  local width = map:size(2)
  local value, at = map:reshape(-1):topk(1)
  at = math.tointeger(at[1]) - 1
  return value[1], at // width + 1, at % width + 1
end

-- The part of the input that what was kept sees, clipped to the image: all of it for several positions.
local function seen(net, o, y, x, height, width)
  local top, left, bottom, right = net:receptive_field(o.layer, y, x)
  local one = o.keep == "max" or o.keep == 1 or type(o.keep) == "table"
  if not (top and one) then return { top = 1, left = 1, bottom = height, right = width } end
  local function clip(at, extent) return math.floor(math.max(1, math.min(extent, at))) end
  return { top = clip(top, height), left = clip(left, width),
           bottom = clip(bottom, height), right = clip(right, width) }
end

local function probe(pass, maps, o, channel)
  local back = pass:backward { from = o.layer, channel = channel, keep = o.keep, seed = o.seed, rule = o.rule,
                               lrn = o.lrn or nil, overlap = o.overlap or nil }
  local image = pass.net:gradient_to_image(back)
  local value, y, x = strongest_kept(maps:select(1, channel), o.keep)
  return { channel = channel, y = y, x = x, activation = value, image = image,
           box = seen(pass.net, o, y, x, image:size(2), image:size(3)) }
end

-- deconv(net, image (C,H,W), options) --> { input = (C,h,w) what the network saw, layer =, probes = list of
--   { channel =, y =, x =, activation =: the strongest that was kept and where it is in the map,
--     image = (C,h,w): the projection in RGB, signed,
--     box = { top =, left =, bottom =, right = }: the pixels that it sees } }
-- options:
--   layer      its name (required)
--   channels   list; default the `strongest` (9) channels, those with the largest activations
--   keep       "max" (default), "map", k or {y, x}; seed "activation" (default) or "one": see seed.lua
--   rule       "deconv" (default), "guided" or "gradient"; lrn, overlap as for pass:backward
--   progress   function(done, total, note)
return function(net, image, options)
  local o = check.options("deconv", options, OPTIONS)
  if not o.layer then error("deconv: say which layer", 2) end
  local x = net:prepare(image)
  local pass = net:forward(x, { upto = o.layer })
  local maps = maps_of(pass[o.layer])
  local channels = o.channels or strongest_channels(maps, o.strongest)
  local probes = {}
  for i, channel in ipairs(channels) do
    probes[i] = probe(pass, maps, o, channel)
    if o.progress then o.progress(i, #channels, "channel " .. channel) end
  end
  return { input = net:to_image(x), layer = o.layer, probes = probes }
end
