-- Features over snapshots, against a look at all pictures; and the recipe after a short training.
local cjson = require "cjson"
local h = require "helper"
local lu = require "luaunit"
local picture_set = require "picture_set"
local sb = require "switchback"
local snapshots = require "switchback.snapshots"
local tiny = require "tiny_model"

local T = {}

-- The tiny net, and the same with other filters in its first layer.
local function two_nets()
  local first = tiny.loaded()
  local second = first:clone()
  local w = second:node("conv1").layer.params.weight
  w:copy_(sb.randn(sb.rng(4), table.unpack(w:size())) * 0.1)
  return { first, second }
end

local function loads(nets)
  local list = {}
  for i, net in ipairs(nets) do list[i] = function() return net end end
  return list
end

function T.test_each_cell_is_the_strongest_of_its_snapshot()
  local nets, set = two_nets(), picture_set.set()
  local blocks = sb.vis.evolution(loads(nets), set, { layers = { "relu1", "relu2" }, channels = 3,
    batch = 7 })
  lu.assertEquals({ #blocks, blocks[2].layer, #blocks[1].rows, #blocks[1].rows[3] }, { 2, "relu2", 3, 2 })
  local moved = 0
  for _, block in ipairs(blocks) do
    for k, channel in ipairs(block.channels) do
      for column, net in ipairs(nets) do
        local best = -math.huge
        for i = 1, #set do
          local maps = net:forward(net:prepare(set:picture(i)))[block.layer]
          best = math.max(best, (maps:select(2, channel):max()))
        end
        local probe = block.rows[k][column]
        lu.assertAlmostEquals(probe.activation, best, 1e-4 * math.max(1, best))
        lu.assertEquals(probe.channel, channel)
      end
      moved = moved + (block.rows[k][1].image - block.rows[k][2].image):abs():max()
    end
  end
  lu.assertTrue(moved > 0)
end

function T.test_channels_are_drawn_from_the_seed()
  local function channels(seed)
    return sb.vis.evolution(loads { (tiny.loaded()) }, picture_set.set(), { layers = { "relu1" },
      channels = 4, seed = seed })[1].channels
  end
  lu.assertEquals(channels(3), channels(3))
  local list = channels(1)
  for k = 2, 4 do lu.assertTrue(list[k] > list[k - 1] and list[k] <= 8) end
end

function T.test_mistakes()
  local set, one = picture_set.set(), loads { (tiny.loaded()) }
  h.error_has(sb.vis.evolution, "'fc' has no maps", one, set, { layers = { "fc" } })
  h.error_has(sb.vis.evolution, "there are no snapshots", {}, set)
  h.error_has(snapshots.find, "no snapshots none-epochNNN.safetensors", h.temporary "none.safetensors")
end

function T.test_the_recipe_follows_a_training()
  local folder, stem = picture_set.folder(), h.temporary "evolving"
  local text, status = h.shell(("%s train --model %s --data %s --epochs 3 --snapshots 1,3 "
    .. "--out %s.safetensors"):format(h.host, tiny.model(), folder, stem))
  lu.assertEquals(status, 0, text)
  lu.assertEquals(snapshots.find(stem .. ".safetensors")[2].epoch, 3)
  local out = h.temporary "evolution.png"
  text, status = h.shell(("%s evolution --model %s.safetensors --data %s --channels 2 --out %s "
    .. "--json"):format(h.host, stem, folder, out))
  lu.assertEquals(status, 0, text)
  local result = cjson.decode(text)
  lu.assertEquals({ result.epochs, result.pictures, #result.layers[1].channels }, { { 1, 3 }, 36, 2 })
  lu.assertEquals(assert(sb.image.load(out)):size(1), 3)
end

return T
