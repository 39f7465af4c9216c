-- Methods on a net of our own, against what their definitions say.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local tiny = require "tiny_model"

local T = {}

local net, photo, input

local function set_up() net, photo, input = tiny.loaded() end

-- ---- Saliency ------------------------------------------------------------------------------------

-- Central differences of the logit, at some pixels; channels of the input are BGR, of the map RGB.
function T.test_saliency_is_the_derivative_of_the_logit()
  set_up()
  local found = sb.vis.saliency(net, photo, { class = "cat", form = "signed" })
  lu.assertEquals({ found.class.index, found.class.label }, { 3, "cat" })
  for _, place in ipairs { { 1, 10, 10 }, { 2, 24, 31 }, { 3, 40, 7 } } do
    local c, y, x = table.unpack(place)
    local function logit(step)
      local moved = input:clone()
      moved[{ 1, 4 - c, y, x }] = moved[{ 1, 4 - c, y, x }] + step
      return net:forward(moved):scores()[{ 1, 3 }]
    end
    -- float32 logits of order 10 carry an error of 1e-6, which the step of 0.5 doubles
    lu.assertAlmostEquals(found.map[place], (logit(0.25) - logit(-0.25)) / 0.5, 1e-5)
  end
end

function T.test_saliency_takes_the_largest_magnitude_over_colors()
  set_up()
  local signed = sb.vis.saliency(net, photo, { class = 2, form = "signed" }).map
  local map = sb.vis.saliency(net, photo, { class = 2 }).map
  lu.assertEquals(map:size(), { 1, 48, 48 })
  for _, at in ipairs { { 5, 5 }, { 20, 33 }, { 47, 12 } } do
    local y, x = at[1], at[2]
    local most = math.max(math.abs(signed[{ 1, y, x }]), math.abs(signed[{ 2, y, x }]),
      math.abs(signed[{ 3, y, x }]))
    lu.assertEquals(map[{ 1, y, x }], most)
  end
end

function T.test_saliency_defaults_to_the_most_probable_class()
  set_up()
  local top = net:forward(input):top(1)[1]
  local class = sb.vis.saliency(net, photo).class
  lu.assertEquals({ class.index, class.label }, { top.index, top.label })
  lu.assertAlmostEquals(class.p, top.p, 1e-6)
end

function T.test_saliency_refuses_what_it_does_not_know()
  set_up()
  local function refused(options, text) h.error_has(sb.vis.saliency, text, net, photo, options) end
  refused({ form = "singed" }, "did you mean 'signed'")
  refused({ rule = "guidd" }, "unknown backward rule 'guidd'; did you mean 'guided'")
  refused({ klass = 3 }, "saliency: unknown option 'klass'; did you mean 'class'")
end

-- ---- Deconvnet probes ----------------------------------------------------------------------------

function T.test_probes_start_at_the_strongest_activations()
  set_up()
  local maps = net:forward(input, { upto = "relu2" })["relu2"]:select(1, 1)
  local found = sb.vis.deconv(net, photo, { layer = "relu2", strongest = 4 })
  lu.assertEquals(#found.probes, 4)
  local last = math.huge
  for _, p in ipairs(found.probes) do
    local map = maps:select(1, p.channel)
    lu.assertEquals(p.activation, map:max())
    lu.assertEquals(map[{ p.y, p.x }], p.activation)
    lu.assertTrue(p.activation <= last)
    last = p.activation
  end
  for c = 1, maps:size(1) do -- no channel that was left out is stronger
    local listed = false
    for _, p in ipairs(found.probes) do listed = listed or p.channel == c end
    lu.assertTrue(listed or maps:select(1, c):max() <= last)
  end
end

function T.test_a_probe_lights_only_what_its_position_sees()
  set_up()
  local p = sb.vis.deconv(net, photo, { layer = "relu2", channels = { 2 } }).probes[1]
  local b = p.box
  lu.assertTrue(p.image:abs():max() > 0)
  local outside = p.image:clone()
  for y = b.top, b.bottom do
    for c = 1, 3 do outside:select(1, c):select(1, y):narrow(1, b.left, b.right - b.left + 1):fill_(0) end
  end
  lu.assertEquals(outside:abs():max(), 0)
end

-- A whole map's probe is the sum of its positions' probes: under the gradient rule the walk is linear.
function T.test_keep_chooses_what_survives()
  set_up()
  local function probe(keep)
    local options = { layer = "relu2", channels = { 1 }, keep = keep, rule = "gradient" }
    return sb.vis.deconv(net, photo, options).probes[1]
  end
  local map = net:forward(input, { upto = "relu2" })["relu2"]:select(1, 1):select(1, 1)
  local sum = probe("map").image * 0
  for y = 1, map:size(1) do
    for x = 1, map:size(2) do sum = sum + probe({ y, x }).image end
  end
  lu.assertTrue(h.rel_l2(sum, probe("map").image) < 1e-5) -- 100 terms of float32
  local p = probe { 2, 3 }
  lu.assertEquals({ p.y, p.x, p.activation }, { 2, 3, map[{ 2, 3 }] })
  lu.assertEquals(probe("map").box, { top = 1, left = 1, bottom = 48, right = 48 })
end

function T.test_units_without_maps_can_be_probed()
  set_up()
  local p = sb.vis.deconv(net, photo, { layer = "fc", channels = { 3 } }).probes[1]
  lu.assertEquals(p.activation, net:forward(input):scores()[{ 1, 3 }])
  lu.assertEquals({ p.y, p.x, p.box.bottom }, { 1, 1, 48 })
end

function T.test_probes_report_progress()
  set_up()
  local calls = {}
  sb.vis.deconv(net, photo, { layer = "relu1", strongest = 3,
    progress = function(done, total) calls[#calls + 1] = done .. "/" .. total end })
  lu.assertEquals(calls, { "1/3", "2/3", "3/3" })
end

-- ---- Activations and filters ---------------------------------------------------------------------

function T.test_activations_are_the_layers_maps_by_their_peaks()
  set_up()
  local maps = net:forward(input)["relu1"]:select(1, 1)
  local found = sb.vis.activations(net, photo, { layer = "relu1", most = 5 })
  lu.assertEquals({ #found.maps, found.count }, { 5, 8 })
  for i, entry in ipairs(found.maps) do
    lu.assertTrue(entry.map:close(maps:select(1, entry.channel), 0))
    lu.assertEquals(entry.peak, entry.map:max())
    lu.assertTrue(i == 1 or entry.peak <= found.maps[i - 1].peak)
  end
  local ordered = sb.vis.activations(net, photo, { layer = "relu1", order = "index" })
  for i, entry in ipairs(ordered.maps) do lu.assertEquals(entry.channel, i) end
  h.error_has(sb.vis.activations, "'fc' has no maps", net, photo, { layer = "fc" })
  h.error_has(sb.vis.activations, "say which layer", net, photo, {})
end

function T.test_filters_that_look_at_pixels_are_in_rgb()
  set_up()
  local weight = net:node("conv1").layer.params.weight
  local found = sb.vis.filters(net)
  lu.assertEquals({ found.layer, found.in_color, #found.filters }, { "conv1", true, 8 })
  lu.assertEquals(found.filters[4][{ 1, 2, 5 }], weight[{ 4, 3, 2, 5 }]) -- red is the third channel of BGR
  local deeper = sb.vis.filters(net, nil, { layer = "relu2" })
  lu.assertEquals({ deeper.layer, deeper.in_color }, { "conv2", false })
  lu.assertEquals(deeper.filters[6]:size(), { 8, 3, 3 })
  h.error_has(sb.vis.filters, "'fc' is no convolution", net, nil, { layer = "fc" })
end

function T.test_unknown_methods_suggest_near_ones()
  local function unknown() return sb.vis.saliencey end
  h.error_has(unknown, "no method is called 'saliencey'; did you mean 'saliency'")
end

return T
