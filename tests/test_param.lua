-- Parameterisations: starts, gradients, sizes.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

local KINDS = { "pixels" }

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
  for _, kind in ipairs(KINDS) do
    for _, size in ipairs { { 8, 8 }, { 9, 11 } } do
      local p = make(kind, { size = size, batch = 2, deviation = 1 })
      local w = sb.rand(sb.rng(5), 2, 3, size[1], size[2])
      local function f()
        local y = p:image()
        return (y * w):dot(y) / 2
      end
      local gradients = p:backward(p:image() * w)
      h.check_gradients(f, p.values, gradients)
    end
  end
end

function T.test_same_seed_same_noise()
  for _, kind in ipairs(KINDS) do
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

function T.test_errors_name_what_is_wrong()
  local function pixels(options) return function() return sb.param.pixels(options) end end
  h.error_has(pixels { size = 8 }, "pixels: start = 'noise' needs rng = sb.rng(seed)")
  h.error_has(pixels {}, "pixels: give size = {h, w} or image = picture")
  h.error_has(pixels { size = { 8, 0 } }, "pixels: size must be {h, w}, whole numbers of pixels, got {8, 0}")
  h.error_has(pixels { size = 8, start = "gray" }, "unknown start 'gray'; did you mean 'grey'?")
  h.error_has(pixels { size = 8, start = "mean" }, "takes the mean of photos = {picture, ...}")
  h.error_has(pixels { image = sb.zeros(2, 4, 4) }, "a picture is (3,H,W) or (N,3,H,W), got 1x2x4x4")
  h.error_has(pixels { image = sb.zeros(2, 3, 4, 4), batch = 3 }, "2 pictures to start from, but batch = 3")
  h.error_has(function() return sb.param.pixel end, "no parameterisation is called 'pixel'")
end

return T
