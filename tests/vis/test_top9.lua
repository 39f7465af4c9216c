-- The strongest activations over a set of pictures, against a look at every activation.
local h = require "helper"
local lu = require "luaunit"
local picture_set = require "picture_set"
local probe = require "switchback.probe"
local sb = require "switchback"
local stage_maps = require "switchback.stage_maps"
local strongest = require "switchback.strongest"
local tiny = require "tiny_model"

local T = {}

local LAYERS <const> = { "relu1", "relu2", "fc" }

local function bytes(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- The largest of a map and where it is, by loops over rows.
local function peak_of(rows)
  local best
  for y, row in ipairs(rows) do
    for x, v in ipairs(row) do
      if not best or v > best.activation then best = { activation = v, y = y, x = x } end
    end
  end
  return best
end

-- The largest activations of all pictures in each channel: { [c] = list in the order of pictures }. Batches
-- are those of the pass, since their size decides the order in which convolutions add.
local function every_peak(net, set, layer, batch)
  local peaks = {}
  for first = 1, #set, batch do
    local pictures = {}
    for i = first, math.min(first + batch - 1, #set) do pictures[#pictures + 1] = set:picture(i) end
    local values = net:forward(net:prepare(pictures), { upto = LAYERS, record = false })[layer]
    local size = values:size()
    local maps = values:reshape(size[1], size[2], size[3] or 1, size[4] or 1):totable()
    for n, channels in ipairs(maps) do
      for c, rows in ipairs(channels) do
        local best = peak_of(rows)
        best.picture = first + n - 1
        peaks[c] = peaks[c] or {}
        table.insert(peaks[c], best)
      end
    end
  end
  return peaks
end

local function stronger(a, b)
  if a.activation ~= b.activation then return a.activation > b.activation end
  return a.picture < b.picture
end

function T.test_equals_a_look_at_every_activation()
  local net, set = tiny.loaded(), picture_set.set()
  local found = strongest.of(net, set, { layers = LAYERS, batch = 7 })
  for _, layer in ipairs(LAYERS) do
    local wanted = every_peak(net, set, layer, 7)
    lu.assertEquals(#found[layer], #wanted)
    for c, all in ipairs(wanted) do
      table.sort(all, stronger)
      lu.assertEquals(found[layer][c], table.move(all, 1, 9, 1, {}))
    end
  end
end

-- Equal activations, as of a channel that no picture moves, in the order of the pictures.
function T.test_equal_activations_keep_the_first_pictures()
  local net, set = sb.load(tiny.model()), picture_set.set()
  net:node("conv1").layer.params.weight:select(1, 3):fill_(0)
  local list = strongest.of(net, set, { layers = { "relu1" }, most = 4, batch = 5 }).relu1[3]
  for i = 1, 4 do lu.assertEquals(list[i], { activation = 0, picture = i, y = 1, x = 1 }) end
end

function T.test_fewer_pictures_than_places()
  local net, set = tiny.loaded(), picture_set.set():subset { 4, 2 }
  lu.assertEquals(#strongest.of(net, set, { layers = { "relu2" } }).relu2[1], 2)
end

-- Stopped between two writes of the index, so that pictures are looked at twice.
function T.test_an_interrupted_pass_goes_on_to_the_same_file()
  local net, set = tiny.loaded(), picture_set.set()
  local whole, parts = h.temporary "whole.safetensors", h.temporary "parts.safetensors"
  local function pass(path, stop)
    return strongest.of(net, set, { layers = LAYERS, batch = 4, every = 2, index = path,
      progress = function(done) if done == stop then error "stopped here" end end })
  end
  local first = pass(whole)
  h.error_has(pass, "stopped here", parts, 12)
  lu.assertNotEquals(bytes(parts), bytes(whole))
  h.error_has(pass, "stopped here", parts, 28)
  lu.assertEquals(pass(parts), first)
  lu.assertTrue(bytes(parts) == bytes(whole))
  local told = 0
  strongest.of(net, set, { layers = LAYERS, batch = 4, index = whole,
    progress = function() told = told + 1 end })
  lu.assertEquals(told, 0) -- all is known
end

function T.test_a_complete_index_answers_for_some_of_its_layers()
  local net, set, path = tiny.loaded(), picture_set.set(), h.temporary "top9_some.safetensors"
  local all = strongest.of(net, set, { layers = LAYERS, index = path })
  local before = bytes(path)
  local some = strongest.of(net, set, { layers = { "relu2" }, index = path,
    progress = function() error "looked again" end })
  lu.assertEquals(some, { relu2 = all.relu2 })
  lu.assertTrue(bytes(path) == before)
  local half = h.temporary "top9_half.safetensors"
  h.error_has(strongest.of, "stopped here", net, set, { layers = LAYERS, index = half, every = 1,
    progress = function(done) if done >= 32 then error "stopped here" end end })
  h.error_has(strongest.of, "an index of other layers", net, set, { layers = { "relu2" }, index = half })
end

function T.test_an_index_of_something_else_is_refused()
  local net, set, path = tiny.loaded(), picture_set.set(), h.temporary "index9.safetensors"
  strongest.of(net, set, { layers = { "relu1" }, index = path })
  h.error_has(strongest.of, "an index of other layers: 'relu1', not 'relu2'", net, set,
    { layers = { "relu2" }, index = path })
  h.error_has(strongest.of, "an index of other pictures: '36 of", net, set:subset { 1, 2 },
    { layers = { "relu1" }, index = path })
  h.error_has(strongest.of, "an index of other batch: '16', not '8'", net, set,
    { layers = { "relu1" }, index = path, batch = 8 })
end

function T.test_layers_at_each_size_of_map()
  local net = tiny.loaded()
  lu.assertEquals(stage_maps.sizes(net), { "relu1", "relu2" })
  lu.assertEquals(stage_maps.sizes(net, 1), { "relu2" })
  lu.assertEquals((stage_maps.all(net)), { "relu1", "relu2" })
end

-- The patch is the input where the receptive field is; the projection of one position lies all in it.
function T.test_patches_and_projections()
  local net, set = tiny.loaded(), picture_set.set()
  local found = sb.vis.top9(net, set, { layers = { "relu2" }, channels = { 2, 5 }, strongest = 3 })[1]
  lu.assertEquals({ found.layer, found.count, #found.channels }, { "relu2", 6, 2 })
  for _, c in ipairs(found.channels) do
    for _, p in ipairs(c.pictures) do
      local x = net:prepare(set:picture(p.picture))
      local pass, b = net:forward(x), p.box
      lu.assertAlmostEquals(pass.relu2[{ 1, c.channel, p.y, p.x }], p.activation, 1e-4 * p.activation)
      lu.assertEquals({ b.top, b.left, b.bottom, b.right }, { net:receptive_field("relu2", p.y, p.x) })
      local shown = net:to_image(x)
      for y = math.max(1, b.top), math.min(48, b.bottom) do
        local at = math.max(1, b.left)
        lu.assertEquals(p.patch[{ 2, y - b.top + 1, at - b.left + 1 }], shown[{ 2, y, at }])
      end
      local back = pass:backward { from = "relu2", channel = c.channel, keep = { p.y, p.x }, rule = "deconv" }
      lu.assertTrue(p.projection:abs():sum() > 0)
      lu.assertAlmostEquals(p.projection:sum(), back:sum(), 1e-4 * back:abs():sum())
    end
  end
end

-- A box over the corner of an image shows what lies on it where it lies; one as large as the image moves on.
function T.test_boxes_beyond_the_edges()
  local t = sb.rand(sb.rng(4), 3, 6, 8)
  local part = probe.patch(t, { top = -1, left = 5, bottom = 3, right = 10 })
  lu.assertEquals(part:size(), { 3, 5, 6 })
  h.close(part:narrow(2, 3, 3):narrow(3, 1, 4), t:narrow(2, 1, 3):narrow(3, 5, 4), 0)
  h.close(part:narrow(2, 1, 2), 0.5, 0)
  h.close(part:narrow(3, 5, 2), 0.5, 0)
  h.close(probe.patch(t, { top = -90, left = -3, bottom = 90, right = 99 }, 0), t, 0)
end

-- Where a position sees all of the input, what is shown is the square that its projection lies in; a field
-- that is less than the input stays as it is.
function T.test_views_of_what_sees_everything()
  local t = sb.image.rectangle(sb.zeros(3, 64, 80), 40, 70, 6, 10)
  local all = { top = -9, left = 1, bottom = 70, right = 90 }
  local box, smaller = probe.view(t, all)
  lu.assertEquals({ smaller, box.bottom - box.top, box.right - box.left }, { true, 15, 15 })
  lu.assertEquals({ box.top <= 40, box.bottom >= 45, box.left <= 70, box.right }, { true, true, true, 80 })
  lu.assertEquals((probe.view(t, { top = 9, left = 33, bottom = 90, right = 113 })), box) -- no less a field
  local less = { top = 1, left = 1, bottom = 64, right = 79 }
  lu.assertEquals({ probe.view(t, less) }, { less, false })
  lu.assertEquals((probe.view(t, less, 1 / 2)), box)
  lu.assertEquals({ probe.view(sb.zeros(3, 64, 80), all) }, { all, false })
  local even = sb.ones(3, 64, 80) -- no square holds 90 % of it
  lu.assertEquals({ probe.view(even, all) }, { all, false })
end

function T.test_channels_that_nothing_moves()
  local net, set = sb.load(tiny.model()), picture_set.set()
  net:node("conv1").layer.params.weight:select(1, 3):fill_(0)
  local found = sb.vis.top9(net, set, { layers = { "relu1" }, most = 20, strongest = 2 })[1]
  lu.assertEquals({ found.count, found.active, #found.channels }, { 8, 7, 7 })
  for _, c in ipairs(found.channels) do lu.assertNotEquals(c.channel, 3) end
  local third = sb.vis.top9(net, set, { layers = { "relu1" }, channels = { 3 } })[1].channels[1]
  lu.assertEquals(third.pictures, {})
  local both = sb.vis.top9(net, set, { layers = { "relu1", "relu2" }, channels = { 2 }, strongest = 2 })
  lu.assertEquals({ both[1].channels[1].channel, both[2].channels[1].channel }, { 2, 2 })
  lu.assertEquals(#both[2].channels[1].pictures, 2)
  h.error_has(sb.vis.top9, "channel 9 is out of range: 'relu1' has 8", net, set,
    { layers = { "relu1" }, channels = { 9 } })
end

return T
