-- Occlusion (Zeiler & Fergus 2014, section 4.2, figure 7): a grey square slides over the picture, and we
-- watch what a feature and the classifier make of the rest.
local check = require "switchback.check"
local explain = require "switchback.explain"
local occlude = require "switchback.occlude"
local strongest = require "switchback.strongest"

local OPTIONS = { class = false, layer = false, channel = false, size = false, stride = false, fill = "grey",
                  seed = 0, set = false, others = 3, progress = false }
local SQUARE <const>, STEPS <const> = 0.4, 28 -- the square's part of the shorter side, and strides along it

-- The channel whose map has the largest sum.
local function strongest_channel(values)
  return math.tointeger(values:reshape(values:size(2), -1):sum(2):argmax())
end

-- The channel's projection in a picture, beside the picture as the net saw it.
local function project(net, picture, layer, channel)
  local found = require "switchback".vis.deconv(net, picture, { layer = layer, channels = { channel } })
  return { input = found.input, probe = found.probes[1] }
end

local function from_others(net, o, layer, channel)
  if not o.set then return {} end
  local found = strongest.of(net, o.set,
    { layers = { layer }, most = o.others, progress = o.progress and o.progress "pictures" })
  local list = {}
  for i, entry in ipairs(found[layer][channel]) do
    list[i] = project(net, assert(o.set:picture(entry.picture)), layer, channel)
    list[i].title = o.set:title(entry.picture)
  end
  return list
end

-- The classes that count as the true one, and the watches that read the net for them.
local function classes_of(net, pass, which, layer, channel)
  local list, watches = {}, { { layer = layer, channel = channel }, { top = true } }
  for i, one in ipairs(type(which) == "table" and which or { which }) do
    list[i] = explain.class(net, pass, one)
    watches[i + 2] = { class = list[i].index }
  end
  return list, watches
end

-- Sides of the square and of its stride in pixels, { h, w } each.
local function sizes(x, o)
  local shorter = math.min(x:size(3), x:size(4))
  local function pair(v) return type(v) == "table" and v or { v, v } end
  return pair(o.size or math.max(1, math.floor(SQUARE * shorter + 0.5))), pair(o.stride or
    math.max(1, math.floor(shorter / STEPS + 0.5)))
end

local function sum_of_probabilities(maps)
  local sum = maps[3]
  for i = 4, #maps do sum = sum + maps[i] end
  return sum
end

-- occlusion(net, image (C,H,W) [, options]) --> {
--   input = (C,h,w) what the network saw, classes = { { index =, label =, p = of the whole picture }... },
--   layer =, channel =, activation = of the channel's map without a patch,
--   activations, probabilities, labels = (rows, columns), an entry for each place of the square, whose
--     middle goes over all of the input: the channel's activation summed over its map; the probability of
--     the classes, added; the number of the most probable class,
--   size =, stride =, first = {h, w} in pixels of the input: of the square, between its places, and the
--     corner of the first, which may lie outside,
--   projection = { input =, probe = } of the channel by vis/deconv.lua, others = list of the same for the
--     pictures of a set that the channel answers to most, with their titles, interrupted = true on Ctrl-C }
-- options:
--   class    the true one, index or label, or a list of such that mean the same (ImageNet has five house
--            cats, between which probability flows to and fro); default the most probable
--   layer    default the last that has maps; channel: default the one with the largest sum
--   size     of the square in pixels of the input, a number or {h, w}; default 2/5 of the shorter side: deep
--            nets still know what a smaller one leaves;  stride: default 1/28 of it
--   fill = "grey", seed = 0: see occlude.lua
--   set      data set of other pictures, of which the best `others` = 3 are shown
--   progress function(what) --> function(done, total)
return function(net, image, options)
  local o = check.options("occlusion", options, OPTIONS)
  local sb = require "switchback"
  local x, layer = net:prepare(image), net:value(o.layer or explain.map_layer(net))
  local pass = net:forward(x, { record = false, keep = { layer } })
  local channel = o.channel or strongest_channel(pass[layer])
  local classes, watches = classes_of(net, pass, o.class, layer, channel)
  local size, stride = sizes(x, o)
  local maps, interrupted = sb.occlude { net = net, input = x, size = size, stride = stride, overhang = true,
    fill = o.fill, seed = o.seed, progress = o.progress and o.progress "places", watch = watches }
  local first = {}
  for axis = 1, 2 do first[axis] = occlude.first(x:size(2 + axis), size[axis], stride[axis]) end
  return { input = net:to_image(x), classes = classes, layer = layer, channel = channel,
           activation = pass[layer]:select(1, 1):select(1, channel):sum(), size = size, stride = stride,
           first = first, activations = maps[1], labels = maps[2],
           probabilities = sum_of_probabilities(maps),
           projection = project(net, image, layer, channel), others = from_others(net, o, layer, channel),
           interrupted = interrupted and true or nil }
end
