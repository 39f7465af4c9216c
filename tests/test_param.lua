-- Parameterisations: starts, gradients, sizes.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

local KINDS = { "pixels", "fourier", "laplacian", "shared" }
local ALL = { "pixels", "fourier", "laplacian", "shared", "cppn" }

local function make(kind, options)
  options.rng = sb.rng(4)
  return sb.param[kind](options)
end

-- A smooth colour picture with detail, inside [0.1, 0.9].
local function picture(height, width)
  local coarse = sb.rand(sb.rng(9), 3, 5, 6)
  return sb.image.resize(coarse, height, width, { method = "bilinear" }) * 0.8 + 0.1
end

-- f = sum of w * y^2 / 2 has the gradient w * y in y.
function T.test_gradients_against_finite_differences()
  for _, kind in ipairs(ALL) do
    for _, size in ipairs { { 8, 8 }, { 9, 11 } } do
      local options = kind == "cppn" and { layers = 2, channels = 5 } or { batch = 2 }
      options.size = size
      local p = make(kind, options)
      local w = sb.rand(sb.rng(5), options.batch or 1, 3, size[1], size[2])
      local function f()
        local y = p:image()
        return (y * w):dot(y) / 2
      end
      local gradients = p:backward(p:image() * w)
      h.check_gradients(f, p.values, gradients, { step = 1e-3, tolerance = 1e-3 })
    end
  end
end

function T.test_same_seed_same_noise()
  for _, kind in ipairs(ALL) do
    local a, b = make(kind, { size = { 12, 9 } }), make(kind, { size = { 12, 9 } })
    lu.assertEquals(a.name, kind)
    lu.assertEquals(a:image():size(), { 1, 3, 12, 9 })
    h.close(a:image(), b:image(), 0)
    lu.assertTrue((a:image() - a:image():mean()):norm() > 0)
  end
end

function T.test_starts_from_a_picture_in_another_size()
  for _, kind in ipairs(KINDS) do
    local from = picture(24, 30)
    h.close(sb.param[kind] { image = from }:image()[1], from, 1e-3)
    local small = sb.param[kind] { start = from, size = { 12, 15 }, batch = 2 }
    h.close(small:image()[2], sb.image.resize(from, 12, 15), 1e-3)
  end
end

function T.test_starts_from_grey_and_from_a_mean()
  for _, kind in ipairs(KINDS) do
    local grey = sb.param[kind] { size = 10, start = "grey" }:image()
    h.close(grey, grey * 0 + 0.5, 1e-3)
    local photos = { picture(20, 20), sb.full(0.5, 3, 10, 10) }
    local mean = sb.param[kind] { size = 10, start = "mean", photos = photos }:image()
    h.close(mean[1], sb.image.resize(photos[1], 10, 10) / 2 + 0.25, 1e-3)
  end
end

function T.test_resize_shows_the_same_picture()
  for _, kind in ipairs(ALL) do
    local noise = { size = { 10, 12 }, layers = 2, channels = 5 }
    local p = make(kind, kind == "cppn" and noise or { image = picture(10, 12) })
    local large = p:resize(20, 24)
    lu.assertEquals(large.name, kind)
    lu.assertEquals(#large.values, #p.values)
    local back = sb.image.resize(large:image(), 10, 12, { method = "area" })
    lu.assertTrue((back - p:image()):abs():mean() < 0.01, kind)
    p.values[1]:fill_(0)
    h.close(sb.image.resize(large:image(), 10, 12, { method = "area" }), back, 0)
  end
end

-- Of a constant spectrum only the lowest frequency is left: a picture of one colour. Lucid's matrix makes the
-- first plane's colour (0.26, 0.27, 0.27) / 0.4619.
function T.test_fourier_colors_are_decorrelated()
  local p = sb.param.fourier { size = 4, start = "grey" }
  p.values[1][{ 1, 1, 1, 1, 1 }] = p.values[1][{ 1, 1, 1, 1, 1 }] + 1
  local y, longest = p:image(), math.sqrt(0.26 ^ 2 + 0.27 ^ 2 + 0.27 ^ 2)
  for c, part in ipairs { 0.26, 0.27, 0.27 } do
    local plane = 4 / (1 / 4) / 4 / 16 -- sqrt(HW) / lowest frequency / 4, and irfft2's 1 / (HW)
    h.close(y[1][c], y[1][c] * 0 + 1 / (1 + math.exp(-part / longest * plane)), 1e-5)
  end
end

function T.test_shared_levels_change_all_pictures_of_a_batch()
  local p = make("shared", { size = 16, batch = 2, levels = { 8 } })
  local before = p:image():clone()
  p.values[1]:fill_(1)
  local change = p:image() - before
  lu.assertEquals(p.values[1]:size(), { 1, 3, 2, 2 })
  for n = 1, 2 do lu.assertTrue(change[n]:abs():mean() > 0.05) end
end

-- Adam (Kingma & Ba 2015) on the mean squared error, as few steps as a small picture needs.
function T.test_each_fits_a_picture()
  local target = picture(20, 24):unsqueeze(1)
  for _, kind in ipairs(KINDS) do
    local p, optimizer = make(kind, { size = { 20, 24 } }), sb.optim.adam { rate = 0.1 }
    for _ = 1, 300 do
      optimizer:step(p.values, function()
        local difference = p:image() - target
        return difference:dot(difference), p:backward(difference * 2)
      end)
    end
    lu.assertTrue((p:image() - target):abs():mean() < 0.01, kind)
  end
end

function T.test_errors_name_what_is_wrong()
  local function pixels(options) return function() return sb.param.pixels(options) end end
  h.error_has(pixels { size = 8 }, "pixels: start = 'noise' needs rng = sb.rng(seed)")
  h.error_has(pixels {}, "pixels: give size = {h, w} or image = picture")
  h.error_has(pixels { size = { 8, 0 } }, "pixels: size must be {h, w}, whole numbers of pixels, got {8, 0}")
  h.error_has(pixels { size = 8, start = "gray" }, "unknown start 'gray'; did you mean 'grey'?")
  h.error_has(pixels { size = 8, start = "mean" }, "takes the mean of photos = {picture, ...}")
  h.error_has(pixels { image = sb.zeros(2, 4, 4) }, "a picture is (3,H,W) or (N,3,H,W), got 1x2x4x4")
  h.error_has(pixels { image = sb.zeros(2, 3, 4, 4), batch = 3 }, "2 pictures to start from, but batch = 3")
  local rng = sb.rng(1)
  h.error_has(sb.param.cppn, "makes one picture, and starts from noise alone", { size = 8, start = "grey" })
  h.error_has(sb.param.cppn, "layers must be a positive whole number", { size = 8, rng = rng, layers = 0 })
  h.error_has(sb.param.laplacian, "levels must be 1 to 16, got 0", { size = 8, rng = rng, levels = 0 })
  h.error_has(sb.param.shared, "shared: level 2 is 0.5", { size = 8, rng = rng, levels = { 2, 0.5 } })
  h.error_has(sb.param.fourier, "unknown option 'levels'", { size = 8, rng = rng, levels = 2 })
  h.error_has(function() return sb.param.pixel end, "no parameterisation is called 'pixel'")
end

return T
