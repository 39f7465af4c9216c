-- preprocess.lua: against inputs that were stored with the reference values, and by hand.
local lu = require "luaunit"
local sb = require "switchback"
local preprocess = require "switchback.preprocess"
local h = require "helper"

local T = {}

local googlenet = { size = { 224, 224 }, channels = "BGR", scale = 255, mean = { 104, 117, 123 } }
local squeezenet = { size = 224, channels = "RGB", mean = { 0.485, 0.456, 0.406 },
                     std = { 0.229, 0.224, 0.225 } }

-- The stored inputs were resized in 8 bits with weights rounded to 22: where a value lies half-way between
-- two levels, either may come out, but hardly anywhere.
local function check_stored(model, photo, p, level)
  local path = h.shared(("reference/%s_%s.safetensors"):format(model, photo))
  local stored = assert(sb.safetensors.load(path, { "input" }))
  local x = preprocess.prepare(p, assert(sb.image.load(h.shared("images/" .. photo .. ".png"))))
  local difference = (x - stored.input):abs() / level
  lu.assertTrue(difference:max() < 1.01, model .. " " .. difference:max())
  lu.assertTrue(difference:mean() < 0.01, model .. " " .. difference:mean())
end

function T.test_agrees_with_the_stored_inputs()
  for _, photo in ipairs { "chelsea", "astronaut" } do
    check_stored("googlenet", photo, googlenet, 1)
    check_stored("squeezenet1_1", photo, squeezenet, 1 / 255 / 0.224)
    check_stored("tinydarknet", photo, { size = 224 }, 1 / 255)
  end
end

local function ramp(h_, w) return sb.arange(0, h_ * w - 1):reshape(1, h_, w) / (h_ * w) end

-- Of 3 x 8 the square starts at column floor((8 - 3) / 2) = 2 (0-based), of 8 x 3 at row 2.
function T.test_crops_the_central_square()
  local wide = preprocess.prepare({ size = 3, channels = "grey" }, ramp(3, 8))
  h.close(wide, ramp(3, 8):narrow(3, 3, 3):reshape(1, 1, 3, 3), 1e-7)
  local tall = preprocess.prepare({ size = 3, channels = "grey" }, ramp(8, 3))
  h.close(tall, ramp(8, 3):narrow(2, 3, 3):reshape(1, 1, 3, 3), 1e-7)
end

function T.test_without_a_size_the_image_keeps_its_own()
  lu.assertEquals(preprocess.prepare({}, sb.zeros(3, 5, 7)):size(), { 1, 3, 5, 7 })
  local whole = preprocess.prepare({ size = { 4, 6 }, crop = "none" }, sb.zeros(3, 5, 7))
  lu.assertEquals(whole:size(), { 1, 3, 4, 6 })
end

-- Halving with a triangle filter two target pixels wide: weights 1 3 3 1, and 3 3 1 at a border.
function T.test_shrinking_is_antialiased()
  local row = sb.tensor { 8, 4, 0, 0, 0, 0, 0, 16 }:reshape(1, 1, 8) / 16
  local rows = sb.cat({ row, row, row, row }, 2)
  local y = preprocess.prepare({ size = { 4, 4 }, crop = "none", channels = "grey" }, rows)
  local exact = sb.tensor { (3 * 0.5 + 3 * 0.25) / 7, 0.25 / 8, 0, 3 / 7 }
  h.close(y:narrow(3, 1, 1):reshape(4), (exact * 255 + 0.5):floor() / 255, 1e-6)
end

function T.test_orders_of_channels()
  local image = sb.tensor { 0.2, 0.4, 0.6 }:reshape(3, 1, 1)
  local function channels(order, t)
    return preprocess.prepare({ channels = order }, t or image):reshape(-1)
  end
  h.close(channels "RGB", sb.tensor { 0.2, 0.4, 0.6 }, 1e-7)
  h.close(channels "BGR", sb.tensor { 0.6, 0.4, 0.2 }, 1e-7)
  h.close(channels "grey", sb.tensor { 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6 }, 1e-6)
  local dark = sb.full(0.3, 1, 1, 1)
  h.close(channels("BGR", dark), sb.tensor { 0.3, 0.3, 0.3 }, 1e-7)
  h.close(channels("grey", dark), sb.tensor { 0.3 }, 1e-7)
end

-- (0.2 * 10 - mean) / std by hand; one number stands for all channels.
function T.test_scale_mean_and_deviation()
  local p = { scale = 10, mean = { 1, 2, 3 }, std = 2 }
  local x = preprocess.prepare(p, sb.full(0.2, 3, 1, 1))
  h.close(x:reshape(3), sb.tensor { 0.5, 0, -0.5 }, 1e-6)
end

function T.test_lists_become_batches()
  local rng = sb.rng(1)
  local a, b = sb.rand(rng, 3, 9, 7), sb.rand(rng, 3, 6, 6)
  local batch = preprocess.prepare(googlenet, { a, b })
  lu.assertEquals(batch:size(), { 2, 3, 224, 224 })
  h.close(batch:narrow(1, 2, 1), preprocess.prepare(googlenet, b), 0)
  h.error_has(preprocess.prepare, "no images", googlenet, {})
  lu.assertError(preprocess.prepare, {}, { a, b }) -- without a size they do not fit together
end

function T.test_to_image_undoes_prepare()
  local image = sb.rand(sb.rng(2), 3, 5, 4)
  for _, p in ipairs { { channels = "BGR", scale = 255, mean = { 104, 117, 123 } },
                       { mean = squeezenet.mean, std = squeezenet.std }, {} } do
    h.close(preprocess.to_image(p, preprocess.prepare(p, image)), image, 1e-6)
  end
  h.close(preprocess.to_image({}, sb.full(2, 1, 3, 1, 1)), sb.ones(3, 1, 1), 0) -- clamped
  h.error_has(preprocess.to_image, "got 2x3x1x1", {}, sb.zeros(2, 3, 1, 1))
end

function T.test_gradients_only_change_their_order()
  local g = sb.tensor { -1, 2, 300 }:reshape(1, 3, 1, 1)
  h.close(preprocess.gradient_to_image(googlenet, g), sb.tensor { 300, 2, -1 }:reshape(3, 1, 1), 0)
  h.close(preprocess.gradient_to_image(squeezenet, g), g:reshape(3, 1, 1), 0)
end

function T.test_refuses_what_it_does_not_know()
  local function refused(text, p) h.error_has(preprocess.complete, text, p) end
  refused("unknown option 'chanels'; did you mean 'channels'?", { chanels = "RGB" })
  refused("'rgb'; did you mean 'RGB'", { channels = "rgb" })
  refused("size 1.5 is not a positive whole number", { size = 1.5 })
  refused("mean must be a number or a list of 3", { mean = { 1, 2 } })
  refused("mean holds a string", { mean = { 1, 2, "x" } })
  refused("std is 0", { std = { 1, 0, 1 } })
  refused("scale is 0", { scale = 0 })
end

function T.test_refuses_what_is_no_image()
  h.error_has(preprocess.prepare, "(3,H,W) or (1,H,W), got 4x2x2", {}, sb.zeros(4, 2, 2))
  h.error_has(preprocess.prepare, "got string", {}, "cat.png")
  h.error_has(preprocess.prepare, "the image is empty", {}, sb.zeros(3, 0, 2))
end

-- <apply(x) - apply(0), g> = <x, adjoint(g)>
function T.test_apply_is_prepare_with_an_adjoint()
  local rng = sb.rng(3)
  for _, p in ipairs { googlenet, squeezenet, { channels = "grey", scale = 2, mean = 0.25, std = 0.5 } } do
    local pictures = sb.rand(rng, 2, 3, 5, 7)
    local x = preprocess.apply(p, pictures)
    for n = 1, 2 do
      local as_is = { channels = p.channels, scale = p.scale, mean = p.mean, std = p.std }
      h.close(x[n], preprocess.prepare(as_is, pictures[n])[1], 1e-5)
    end
    local g = sb.randn(rng, x:size())
    local change = x - preprocess.apply(p, pictures * 0)
    local back = preprocess.adjoint(p, g)
    lu.assertEquals(back:size(), pictures:size())
    lu.assertAlmostEquals(change:dot(g) / back:dot(pictures), 1, 1e-5)
  end
end

function T.test_apply_takes_grey_pictures_and_single_ones()
  local rng = sb.rng(3)
  local grey = sb.rand(rng, 1, 5, 7)
  local rgb = sb.image.rgb(grey)
  h.close(preprocess.apply(googlenet, grey), preprocess.apply(googlenet, rgb), 1e-6)
  local g = sb.randn(rng, 1, 3, 5, 7)
  h.close(preprocess.adjoint(googlenet, g, 1), preprocess.adjoint(googlenet, g):sum(2, true), 1e-4)
  h.error_has(function() preprocess.apply(googlenet, sb.zeros(2, 5, 7)) end, "got 1x2x5x7")
  h.error_has(function() preprocess.adjoint(googlenet, sb.zeros(1, 1, 5, 7)) end, "got 1x1x5x7")
end

return T
