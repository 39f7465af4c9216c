-- The panels of an occlusion, against the definition: paint the square, run the whole net.
local h = require "helper"
local lu = require "luaunit"
local picture_set = require "picture_set"
local sb = require "switchback"
local sheet = require "switchback.occlusion_sheet"
local strongest = require "switchback.strongest"
local tiny = require "tiny_model"

local T = {}

local SIZE <const>, STRIDE <const> = { 12, 10 }, { 9, 7 }

-- The input with the square at row y, column x in mid-grey pixels.
local function covered(net, x, y, column)
  local grey = net:prepare(sb.image.canvas(48, 48, 0.5))
  local out = x:clone()
  for c = 1, 3 do
    for i = math.max(1, y), math.min(48, y + SIZE[1] - 1) do
      for j = math.max(1, column), math.min(48, column + SIZE[2] - 1) do
        out[{ 1, c, i, j }] = grey[{ 1, c, i, j }]
      end
    end
  end
  return out
end

function T.test_maps_are_what_a_loop_finds()
  local net, photo, x = tiny.loaded()
  local found = sb.vis.occlusion(net, photo, { class = { "bee", 5 }, size = SIZE, stride = STRIDE,
    layer = "relu2" })
  lu.assertEquals(found.labels:size(), { 5, 6 }) -- squares of 9x7 tile rows 2 to 46 and columns 4 to 45
  lu.assertEquals(found.first, { 2 - 1, 4 - 1 })
  for i = 1, found.labels:size(1) do
    for j = 1, found.labels:size(2) do
      local pass = net:forward(covered(net, x, 1 + (i - 1) * STRIDE[1], 3 + (j - 1) * STRIDE[2]))
      local sum = pass.relu2:select(1, 1):select(1, found.channel):sum()
      local p = pass:probabilities()
      h.close(found.probabilities[{ i, j }], p[{ 1, 2 }] + p[{ 1, 5 }], 1e-5)
      h.close(found.activations[{ i, j }] / found.activation, sb.tensor(sum / found.activation), 1e-5)
      lu.assertEquals(found.labels[{ i, j }], pass:top(1)[1].index)
    end
  end
end

function T.test_the_watched_channel_has_the_largest_sum()
  local net, photo, x = tiny.loaded()
  local found = sb.vis.occlusion(net, photo, { size = 24, stride = 24 })
  local sums = net:forward(x).relu2:reshape(6, -1):sum(2)
  lu.assertEquals({ found.layer, found.channel }, { "relu2", sums:argmax() })
  lu.assertAlmostEquals(found.activation, sums:max(), 1e-3)
  lu.assertEquals({ found.classes[1].index, #found.others }, { net:forward(x):top(1)[1].index, 0 })
  lu.assertEquals(found.projection.probe.channel, found.channel)
end

function T.test_others_come_from_the_set()
  local net, photo = tiny.loaded()
  local set = picture_set.set()
  local found = sb.vis.occlusion(net, photo, { size = 24, stride = 24, set = set, others = 2 })
  local best = strongest.of(net, set, { layers = { "relu2" }, most = 2 }).relu2[found.channel]
  for i, entry in ipairs(best) do lu.assertEquals(found.others[i].title, set:title(entry.picture)) end
  lu.assertEquals(sheet.draw(net, found):size(1), 3)
end

-- A square whose middle is in the box counts inside, all others outside.
function T.test_inside_and_outside()
  local found = { size = { 4, 4 }, stride = { 4, 4 }, first = { 1, 1 } }
  local map = sb.tensor { { 1, 2, 3 }, { 4, 0.5, 6 } } -- middles at 3, 7, 11
  local inside, outside = sheet.inside(found, map, { 6, 6, 4, 4 })
  lu.assertEquals({ inside, outside }, { 0.5, 16 / 5 })
  lu.assertEquals(sheet.inside(found, map, { 1, 1, 4, 8 }), 1.5)
  found.first = { -1, -1 } -- middles at 1, 5, 9
  lu.assertEquals(sheet.inside(found, map, { 1, 1, 1, 1 }), 1)
end

function T.test_classes_of_the_label_map()
  local classes = sheet.classes(sb.tensor { { 7, 3, 3 }, { 0 / 0, 7, 7 } })
  lu.assertEquals({ #classes, classes[1].index, classes[1].count, classes[2].index }, { 2, 7, 3, 3 })
end

function T.test_the_recipe()
  local maps, out = h.temporary "maps.safetensors", h.temporary "occlusion.png"
  local text, status = h.shell(("%s occlusion --model %s --image %s --class bee --size 16 --stride 16 "
    .. "--box 1,1,30,30 --maps %s --data %s --out %s --json"):format(h.host, tiny.model(), tiny.photo(), maps,
    picture_set.folder(), out))
  lu.assertEquals(status, 0, text)
  local result = require "cjson".decode(text)
  lu.assertEquals({ result.classes[1].label, result.layer }, { "bee, honey bee", "relu2" })
  local written = assert(sb.safetensors.load(maps)).probabilities
  lu.assertEquals(written:size(), { 3, 3 })
  lu.assertAlmostEquals(result.inside, written:narrow(1, 1, 2):narrow(2, 1, 2):mean(), 1e-6)
  lu.assertEquals(assert(sb.image.load(out)):size(1), 3)
end

return T
