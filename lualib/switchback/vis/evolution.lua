-- Evolution (Zeiler & Fergus 2014, section 4.1, figure 4): what drives a feature most, projected back to
-- pixels, after more and more epochs of training.
local check = require "switchback.check"
local core = require "switchback.core"
local stage_maps = require "switchback.stage_maps"
local strongest = require "switchback.strongest"

local OPTIONS = { layers = false, channels = 6, seed = 0, batch = 16, progress = false }

-- n different channels of `count`, drawn at random, in order.
local function drawn(rng, count, n)
  local list = table.move(rng:permutation(count), 1, math.min(n, count), 1, {})
  table.sort(list)
  return list
end

-- The layers with the channels that are followed: { layer =, channels = {...}, rows = { {}... } }.
local function blocks_of(net, o)
  local shapes, rng, blocks = net:shapes(), core.rng.new(o.seed), {}
  for i, layer in ipairs(o.layers or stage_maps.sizes(net)) do
    local shape = shapes[net:value(layer)]
    if #shape ~= 4 then error(("evolution: '%s' has no maps"):format(layer), 0) end
    blocks[i] = { layer = layer, channels = drawn(rng, shape[2], o.channels), rows = {} }
    for k in ipairs(blocks[i].channels) do blocks[i].rows[k] = {} end
  end
  return blocks
end

-- The projection of a channel's strongest activation over the set.
local function project(net, set, layer, channel, best)
  local picture = assert(set:picture(best.picture))
  local found = require "switchback".vis.deconv(net, picture, { layer = layer, channels = { channel } })
  local probe = found.probes[1]
  probe.picture = best.picture
  return probe
end

local function look(net, set, blocks, column, o)
  local layers = {}
  for i, block in ipairs(blocks) do layers[i] = block.layer end
  local best = strongest.of(net, set, { layers = layers, most = 1, batch = o.batch, progress = o.tell })
  for _, block in ipairs(blocks) do
    for k, channel in ipairs(block.channels) do
      block.rows[k][column] = project(net, set, block.layer, channel, best[block.layer][channel][1])
    end
  end
end

-- evolution(snapshots, set [, options]) --> list of { layer =, channels = {...}, rows = for each channel, for
--   each snapshot, the probe of vis/deconv.lua for its largest activation over the set, with `picture` =
--   where that is in the set }
-- snapshots: functions that answer the net at an epoch, from early to late; one net is held at a time. set:
-- as sb.data.open opens it. options:
--   layers    list; default the last of each size of map, at most five: stage_maps.sizes
--   channels  = 6 of each layer, drawn from `seed` = 0: the same in all snapshots
--   batch     = 16 pictures at a time
--   progress  function(done, total) of pictures, over all snapshots
-- Raises for layers without maps, and what strongest.of does.
return function(snapshots, set, options)
  local o = check.options("evolution", options, OPTIONS)
  check.integer("evolution", "channels", o.channels, 1)
  if #snapshots == 0 then error("evolution: there are no snapshots", 0) end
  local blocks
  for k, load in ipairs(snapshots) do
    local net = load()
    blocks = blocks or blocks_of(net, o)
    o.tell = o.progress and function(done) o.progress((k - 1) * #set + done, #snapshots * #set) end
    look(net, set, blocks, k, o)
  end
  return blocks
end
