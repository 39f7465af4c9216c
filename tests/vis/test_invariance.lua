-- Features under shifts, scales and turns, on nets of which it is known what they do not mind.
local features = require "switchback.features"
local h = require "helper"
local lu = require "luaunit"
local picture_set = require "picture_set"
local sb = require "switchback"
local sheet = require "switchback.invariance_sheet"
local tiny = require "tiny_model"

local T = {}

-- A net whose high layer is each channel's mean.
local function mean_net()
  local L = sb.layer
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = { size = 25 },
    nodes = {
      { name = "same", inputs = { "x" }, layer = L.relu {} },
      { name = "mean", inputs = { "same" }, layer = L.global_avgpool {} },
      { name = "flat", inputs = { "mean" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" }, layer = L.linear { in_features = 3, out_features = 2,
                                                             rng = sb.rng(1) } },
    },
  }
end

-- A white cross in the middle of black: turned by 90 degrees it is itself.
local function cross()
  local t = sb.zeros(3, 25, 25)
  sb.image.rectangle(t, 12, 8, 3, 11)
  return sb.image.rectangle(t, 8, 12, 11, 3)
end

local function sweep_of(found, kind)
  for _, sweep in ipairs(found.sweeps) do
    if sweep.kind == kind then return sweep, sweep.curves[1] end
  end
end

-- Shifts inside the black move pixels, but not their mean; the untransformed picture is in the middle.
function T.test_a_mean_does_not_mind_shifts()
  local found = sb.vis.invariance(mean_net(), { cross() }, { steps = 5, shift = 4, low = "same",
    border = "edge" })
  local sweep, curve = sweep_of(found, "translation")
  lu.assertEquals(sweep.amounts, { -4, -2, 0, 2, 4 })
  lu.assertEquals({ found.low, found.high }, { "same", "mean" })
  for k = 1, 5 do
    lu.assertAlmostEquals(curve.high[k], 0, 1e-5)
    lu.assertAlmostEquals(curve.p[k], found.classes[1].p, 1e-5)
    lu.assertEquals(curve.low[k] > 0.5, k ~= 3)
  end
  h.close(sweep.pictures[5]:narrow(2, 5, 21), cross():narrow(2, 1, 21), 1e-5) -- down by four
end

-- 60 of 224 pixels, of 25 therefore 7, each whole pixel once.
function T.test_shifts_are_whole_pixels_in_proportion_to_the_input()
  local found = sb.vis.invariance(mean_net(), { cross() }, { low = "same" })
  local amounts = {}
  for pixels = -7, 7 do amounts[#amounts + 1] = pixels end
  lu.assertEquals(found.sweeps[1].amounts, amounts)
  lu.assertEquals({ #found.sweeps[2].amounts, #found.sweeps[3].amounts }, { 25, 25 })
end

function T.test_a_cross_is_itself_after_a_quarter_turn()
  local found = sb.vis.invariance(mean_net(), { cross() }, { steps = 9, low = "same", border = "edge" })
  local sweep, curve = sweep_of(found, "rotation")
  lu.assertEquals({ sweep.amounts[1], sweep.amounts[3], sweep.amounts[9] }, { 0, 90, 360 })
  for k = 1, 9 do lu.assertEquals(curve.low[k] > 0.1, k % 2 == 0) end
end

-- Twice as large, nine pixels show what three did.
function T.test_scales_and_distances()
  local net = mean_net()
  local found = sb.vis.invariance(net, { cross() }, { steps = 2, scale = 2, low = "same" })
  local sweep, curve = sweep_of(found, "scale")
  lu.assertAlmostEquals(curve.low[1], 0, 1e-5)
  local large = sweep.pictures[2]
  lu.assertTrue(large[{ 1, 13, 5 }] > 0.9 and large[{ 1, 13, 1 }] < 0.1)
  local wanted = (net:forward(large:unsqueeze(1)).mean - net:forward(cross():unsqueeze(1)).mean):norm()
  lu.assertAlmostEquals(curve.high[2], wanted / net:forward(cross():unsqueeze(1)).mean:norm(), 1e-5)
end

-- A curve that jumps at once has risen by all, a straight one by its share of the steps.
function T.test_numbers()
  local jump, straight, p = { 1, 1, 0, 1, 1 }, { 4, 2, 0, 2, 4 }, { 0.1, 0.2, 0.4, 0.2, 0.1 }
  local rows = sheet.numbers { classes = { { p = 0.4 } }, sweeps = {
    { kind = "translation", identity = 0, amounts = { -2, -1, 0, 1, 2 },
      curves = { { low = jump, high = straight, p = p, top = { false, true, true, true, false } } } } } }
  lu.assertEquals({ rows[1].low, rows[1].high, rows[1].high_straight, rows[1].kept }, { 1, 0.5, 1, 0.6 })
  lu.assertAlmostEquals(rows[1].low_straight, 1.2 ^ 2 / (2.8 * 0.8), 1e-9) -- correlation, squared
  lu.assertAlmostEquals(rows[1].p, 0.5, 1e-9)
  lu.assertAlmostEquals(rows[1].lowest, 0.25, 1e-9)
end

-- A turn by 270 degrees is one by 90: distances in proportion to that lie on a line.
function T.test_turns_go_both_ways()
  local d = { 0, 1, 2, 1, 0 }
  local rows = sheet.numbers { classes = { { p = 1 } }, sweeps = {
    { kind = "rotation", identity = 0, amounts = { 0, 90, 180, 270, 360 },
      curves = { { low = d, high = d, p = { 1, 1, 1, 1, 1 }, top = { true, true, true, true, true } } } } } }
  lu.assertEquals({ rows[1].low, rows[1].kept }, { 0.5, 1 })
  lu.assertAlmostEquals(rows[1].low_straight, 1, 1e-9)
end

-- Of nine pictures five have curves, from the first to the last; the mean is of all.
function T.test_curves_of_a_few_and_the_mean_of_all()
  local curves, classes = {}, {}
  for i = 1, 9 do
    curves[i] = { low = { 0, i }, high = { 0, 1 }, p = { 1, 1 } }
    classes[i] = { label = "class " .. i .. ", other name", p = 1 }
  end
  local chart = sheet.charts({ low = "a", high = "b", classes = classes, sweeps = {
    { kind = "scale", unit = "factor", amounts = { 1, 2 }, curves = curves } } })[1]
  local ends = {}
  for i, s in ipairs(chart.series) do ends[i] = s.name .. " " .. s.points[2][2] end
  lu.assertEquals(ends, { "class 1 1", "class 3 3", "class 5 5", "class 7 7", "class 9 9", "mean of 9 5.0" })
end

function T.test_clear_photos_have_a_probable_class()
  local net, set = tiny.loaded(), picture_set.set()
  local sorted = {}
  for i = 1, #set do sorted[i] = net:forward(net:prepare(set:picture(i))):top(1)[1].p end
  table.sort(sorted)
  lu.assertEquals(#features.clear(net, set, 99, sorted[30]), 7)
  lu.assertEquals(#features.clear(net, set, 6, 0), 6)
end

function T.test_the_recipe()
  local out, photo = h.temporary "invariance.png", tiny.photo()
  local text, status = h.shell(("%s invariance --model %s --image %s,%s --class bee,4 --steps 3 --json "
    .. "--out %s"):format(h.host, tiny.model(), photo, photo, out))
  lu.assertEquals(status, 0, text)
  local result = require "cjson".decode(text)
  lu.assertEquals({ result.low, result.high, #result.sweeps }, { "pool1", "gap", 3 })
  lu.assertEquals({ result.classes[1].index, result.classes[2].index }, { 2, 4 })
  lu.assertEquals(assert(sb.image.load(out)):size(1), 3)
  local svg = assert(io.open(result.files[2])):read "a"
  lu.assertEquals(select(2, svg:gsub("<polyline", "")), 30) -- nine charts of three curves, a legend
end

return T
