-- Attributions against their formulas, on nets small enough for them, and against the shared values.
local cjson = require "cjson"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local tiny = require "tiny_model"

local T = {}

local net, photo, input

local function set_up() net, photo, input = tiny.loaded() end

-- A classifier of 6x6 pictures that is linear: no bias, no ReLU.
local function linear_net()
  local L, rng = sb.layer, sb.rng(3)
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = { size = 6, mean = 0.5 },
    nodes = {
      { name = "conv", inputs = { "x" },
        layer = L.conv2d { in_channels = 3, out_channels = 4, kernel = 3, bias = false, rng = rng } },
      { name = "flat", inputs = { "conv" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" },
        layer = L.linear { in_features = 64, out_features = 3, bias = false, rng = rng } },
    },
  }
end

local function score_of(picture, class) return net:forward(net:prepare(picture)):scores()[{ 1, class }] end

-- ---- Input x gradient --------------------------------------------------------------------------------

-- A linear net's score is the sum of what its inputs add to it.
function T.test_input_x_gradient_of_a_linear_net_sums_to_its_score()
  local linear = linear_net()
  local picture = sb.rand(sb.rng(1), 3, 6, 6)
  local function score(t) return linear:forward(linear:prepare(t)):scores()[{ 1, 2 }] end
  local found = sb.vis.input_x_gradient(linear, picture, { class = 2 })
  lu.assertAlmostEquals(found.map:sum(), score(picture), 1e-5) -- the mean is the net's zero
  local black = sb.vis.input_x_gradient(linear, picture, { class = 2, baseline = "black" })
  lu.assertAlmostEquals(black.map:sum(), score(picture) - score(picture * 0), 1e-5)
end

function T.test_input_x_gradient_is_the_product()
  set_up()
  local found = sb.vis.input_x_gradient(net, photo, { class = "cat" })
  local gradient = sb.vis.saliency(net, photo, { class = "cat", form = "signed" }).map
  h.close(found.map, gradient * net:gradient_to_image(input), 1e-6)
  lu.assertEquals(found.class.label, "cat")
end

-- ---- Integrated gradients ----------------------------------------------------------------------------

-- Completeness (Sundararajan et al. 2017, axiom and proposition 1): the map sums to the change of the score.
-- With the net's ReLUs and pools the integrand is piecewise constant, so the midpoint rule's error falls
-- with the number of steps; the paper asks for 5%.
function T.test_integrated_gradients_are_complete()
  set_up()
  for name, picture in pairs { black = photo * 0, white = photo * 0 + 1 } do
    local found = sb.vis.integrated_gradients(net, photo, { class = 3, baseline = name, steps = 200 })
    local change = score_of(photo, 3) - score_of(picture, 3)
    lu.assertAlmostEquals(found.score - found.baseline_score, change, 1e-5)
    lu.assertTrue(math.abs(change) > 0.1)
    lu.assertAlmostEquals(found.map:sum(), change, 0.01 * math.abs(change))
    lu.assertAlmostEquals(found.gap, found.map:sum() - change, 1e-4)
  end
end

-- The formula, a step at a time: whatever the batch.
function T.test_integrated_gradients_follow_the_midpoint_rule()
  set_up()
  local options = { class = 2, steps = 5, batch = 2, baseline = "grey" }
  local found = sb.vis.integrated_gradients(net, photo, options)
  local from = net:prepare(sb.image.canvas(48, 48, 0.5))
  local sum = input * 0
  for k = 1, 5 do
    local pass = net:forward(from + (input - from) * ((k - 0.5) / 5))
    sum = sum + pass:backward { class = 2 }
  end
  h.close(found.map, net:gradient_to_image((input - from) * sum / 5), 1e-5)
end

-- Along a straight way a linear net's gradient never changes: one step is exact.
function T.test_one_step_is_enough_for_a_linear_net()
  local linear = linear_net()
  local picture, baseline = sb.rand(sb.rng(1), 3, 6, 6), sb.rand(sb.rng(2), 3, 6, 6)
  local found = sb.vis.integrated_gradients(linear, picture, { class = 1, steps = 1, baseline = baseline })
  lu.assertAlmostEquals(found.gap, 0, 1e-5)
end

function T.test_integrated_gradients_refuse_what_makes_no_sense()
  set_up()
  local function refused(options, text)
    h.error_has(sb.vis.integrated_gradients, text, net, photo, options)
  end
  refused({ steps = 0 }, "steps must be a whole number of at least 1, got 0")
  refused({ baseline = "blank" }, "unknown baseline 'blank'; did you mean 'black'")
  refused({ class = 9 }, "class 9 is out of range: the net has 5")
end

-- ---- SmoothGrad --------------------------------------------------------------------------------------

function T.test_smoothgrad_is_the_mean_over_noisy_copies()
  set_up()
  local options = { class = 3, form = "signed", samples = 3, noise = 0.2, seed = 7 }
  local found = sb.vis.smoothgrad(net, photo, options)
  local deviation = 0.2 * (input:max() - input:min())
  lu.assertAlmostEquals(found.deviation, deviation, 1e-4)
  local rng, sum = sb.rng(7), input * 0
  for _ = 1, 3 do
    sum = sum + net:forward(input + sb.randn(rng, 1, 3, 48, 48) * deviation):backward { class = 3 }
  end
  h.close(found.map, net:gradient_to_image(sum / 3), 1e-6)
end

function T.test_smoothgrad_follows_its_seed_and_no_noise_is_saliency()
  set_up()
  local function run(options)
    options.class, options.samples = 3, options.samples or 5
    return sb.vis.smoothgrad(net, photo, options).map
  end
  h.close(run { seed = 1 }, run { seed = 1 }, 0)
  h.close(run { seed = 1, batch = 2 }, run { seed = 1, batch = 5 }, 1e-6)
  lu.assertTrue((run { seed = 1 } - run { seed = 2 }):abs():max() > 0)
  h.close(run { noise = 0 }, sb.vis.saliency(net, photo, { class = 3 }).map, 1e-6)
end

-- ---- Class activation maps ---------------------------------------------------------------------------

-- tiny's score is linear in the maps of relu2: S = sum over k of w[k] * mean(A[k]), so its derivative by
-- every position of map k is w[k] / (h w).
local function maps_and_weights(class)
  local maps = net:forward(input)["relu2"]:select(1, 1)
  return maps, net:node("fc").layer.params.weight:select(1, class)
end

function T.test_gradcam_weighs_maps_by_their_mean_derivative()
  set_up()
  local maps, w = maps_and_weights(3)
  local sum = maps:select(1, 1) * 0
  for k = 1, 6 do sum = sum + maps:select(1, k) * (w[k] / 100) end
  local found = sb.vis.gradcam(net, photo, { class = 3 })
  lu.assertEquals({ found.layer, found.class.label }, { "relu2", "cat" })
  h.close(found.map, sum:clamp(0, math.huge):unsqueeze(1), 1e-6)
  h.error_has(sb.vis.gradcam, "'fc' has no maps", net, photo, { layer = "fc" })
  h.error_has(sb.vis.gradcam, "did you mean 'plusplus'", net, photo, { weights = "plusplu" })
end

-- Derivatives of Y = exp(S) along one position, by central differences in double; S moves by d * slope there.
local function derivatives(score, slope)
  local function y(d) return math.exp(score + d * slope) end
  local e = 0.05 / math.abs(slope) -- the error of both is of order (e * slope)^2
  return (y(e) - 2 * y(0) + y(-e)) / e ^ 2,
    (y(2 * e) - 2 * y(e) + 2 * y(-e) - y(-2 * e)) / (2 * e ^ 3)
end

-- Chattopadhyay et al. 2018, equations 10, 19 and 20, with numerical derivatives.
function T.test_gradcam_plusplus_follows_its_equations()
  set_up()
  local maps, w = maps_and_weights(3)
  local score = net:forward(input):scores()[{ 1, 3 }]
  local sum = maps:select(1, 1) * 0
  for k = 1, 6 do
    local slope, map = w[k] / 100, maps:select(1, k)
    local second, third = derivatives(score, slope)
    local alpha = second / (2 * second + map:sum() * third)
    local weight = 100 * alpha * math.max(slope, 0) -- the same at each of 100 positions
    sum = sum + map * weight
  end
  local found = sb.vis.gradcam(net, photo, { class = 3, weights = "plusplus" })
  lu.assertTrue(found.map:max() > 0)
  lu.assertTrue(h.rel_l2(found.map, sum:clamp(0, math.huge):unsqueeze(1)) < 0.005)
end

function T.test_guided_gradcam_is_the_product()
  set_up()
  local found = sb.vis.guided_gradcam(net, photo, { class = 3 })
  local guided = sb.vis.saliency(net, photo, { class = 3, rule = "guided", form = "signed" }).map
  local cam = sb.vis.gradcam(net, photo, { class = 3 }).map
  h.close(found.map, guided * sb.image.resize(cam, 48, 48, { method = "bilinear" }), 1e-6)
  h.close(found.cam, cam, 0)
end

-- ---- All of them -------------------------------------------------------------------------------------

function T.test_attribute_shows_the_methods_asked_for()
  set_up()
  local calls = {}
  local found = sb.vis.attribute(net, photo, { class = 3, steps = 3, samples = 3,
    progress = function(done, total, note) calls[done] = note .. " of " .. total end })
  lu.assertEquals(#found.maps, 8)
  lu.assertEquals(calls[7], "gradcam++ of 8")
  for i, entry in ipairs(found.maps) do
    lu.assertEquals(entry.picture:size(), { 3, 48, 48 })
    lu.assertTrue(entry.picture:max() <= 1 and entry.picture:min() >= 0)
    lu.assertTrue(entry.picture:std() > 0.01, entry.method .. " shows nothing")
    for k = 1, i - 1 do
      lu.assertFalse(entry.picture:close(found.maps[k].picture, 1e-3), entry.method .. " and "
        .. found.maps[k].method)
    end
  end
  local some = sb.vis.attribute(net, photo, { class = 3, methods = { "gradcam", "gradient" } })
  lu.assertEquals({ #some.maps, some.maps[1].method }, { 2, "gradcam" })
  h.close(some.maps[2].map, sb.vis.saliency(net, photo, { class = 3 }).map, 0)
  h.error_has(sb.vis.attribute, "did you mean 'gradcam'", net, photo, { methods = { "gradcan" } })
end

-- ---- Shared values -----------------------------------------------------------------------------------

-- The methods on the pictures of the reference's inputs: its tolerance for maps.
function T.test_methods_match_the_reference()
  local file = assert(io.open(h.shared "reference/index.json"))
  local cases = cjson.decode(file:read "a").cases
  file:close()
  local model = sb.load(h.shared "models/squeezenet1_1/squeezenet1_1.onnx")
  local info = cases.squeezenet1_1_chelsea
  local values = sb.safetensors.load(h.shared("reference/" .. info.file))
  local picture, class = model:to_image(values.input), info.top1.index + 1
  local layer = info.tensors["gradcam/weights"].what:match 'd "([^"]+)"$'
  sb.precision "exact"
  local function check(got, want) lu.assertTrue(h.rel_l2(got:reshape(-1), want:reshape(-1)) < 1e-2) end
  local cam = sb.vis.gradcam(model, picture, { layer = layer })
  lu.assertEquals(cam.class.index, class)
  check(cam.map, values["gradcam/map"])
  check(sb.vis.saliency(model, picture, { form = "signed" }).map, values.saliency)
  check(sb.vis.saliency(model, picture, { rule = "guided", form = "signed" }).map, values.guided)
  h.usual_precision()
end

return T
