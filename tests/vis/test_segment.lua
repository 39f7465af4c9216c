-- Objects cut out of photos.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

local function overlap(a, b) return (a * b):sum() / a:maximum(b):sum() end -- intersection over union

-- The bird with its hand-made mask, by GoogLeNet: at least 0.75 is asked for.
function T.test_the_bird_is_cut_out()
  local net = sb.load(h.shared "models/googlenet/googlenet.onnx")
  local photo = sb.image.load(h.shared "images/masks/bird.png")
  local truth = sb.image.load(h.shared "images/masks/bird_mask.png", { channels = 1 }):ge(0.5)
  for _, map in ipairs { "combined", "gradient" } do
    local found = sb.vis.segment(net, photo, { map = map, samples = 8, size = 400 })
    local score = overlap(found.mask, truth)
    lu.assertTrue(score >= 0.75, ("%s: intersection over union is %.3f"):format(map, score))
    lu.assertEquals(found.cutout:size(), photo:size())
    local ground = found.cutout:select(1, 2):maximum(found.mask:select(1, 1))
    lu.assertEquals(ground:min(), 1) -- what is not the object is white
  end
end

-- A net that sees red, class 1, and blue, class 2: the mean of what a color has more than the two others.
local function color_net()
  local L = sb.layer
  local weight = sb.tensor { { 1, -1, -1 }, { -1, -1, 1 } }:reshape(2, 3, 1, 1)
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = { size = 64, crop = "none" },
    labels = { "red", "blue" },
    nodes = {
      { name = "conv", inputs = { "x" }, layer = L.conv2d { weight = weight, bias = false } },
      { name = "relu", inputs = { "conv" }, layer = L.relu {} },
      { name = "gap", inputs = { "relu" }, layer = L.global_avgpool {} },
      { name = "flat", inputs = { "gap" }, layer = L.flatten {} },
      { name = "prob", inputs = { "flat" }, layer = L.softmax { axis = 2 } },
    },
  }
end

-- A red ellipse and a smaller red spot on a green ground, 90x150; and the ellipse's mask.
local function scene()
  local noise = sb.rand(sb.rng(1), 3, 90, 150) * 0.2
  local ellipse, spot = sb.zeros(1, 90, 150), sb.zeros(1, 90, 150)
  for y = 1, 90 do
    for x = 1, 150 do
      if ((y - 40) / 30) ^ 2 + ((x - 60) / 40) ^ 2 < 1 then ellipse[{ 1, y, x }] = 1 end
      if (y - 75) ^ 2 + (x - 130) ^ 2 < 64 then spot[{ 1, y, x }] = 1 end
    end
  end
  local red = ellipse + spot
  return noise + sb.cat({ red, 1 - red, red * 0 }, 1) * 0.7, ellipse
end

-- Whatever the photo's shape and the size it is cut at, the mask is of the photo's size; the largest region
-- remains. The edge may be a pixel off where the copy is smaller.
function T.test_the_object_of_a_class_is_found()
  local net = color_net()
  local photo, truth = scene()
  for size, least in pairs { [512] = 0.99, [75] = 0.93 } do
    for _, map in ipairs { "combined", "gradient", "smoothgrad", "gradcam" } do
      local found = sb.vis.segment(net, photo, { map = map, size = size, samples = 4 })
      lu.assertEquals(found.class.label, "red")
      lu.assertEquals(found.mask:size(), { 1, 90, 150 })
      local score = overlap(found.mask, truth)
      lu.assertTrue(score >= least, ("%s at %d: intersection over union is %.3f"):format(map, size, score))
    end
  end
end

function T.test_mistakes()
  local net, photo = color_net(), scene()
  local function refused(options, text) h.error_has(sb.vis.segment, text, net, photo, options) end
  refused({ map = "gradiant" }, "unknown map 'gradiant'; did you mean 'gradient'")
  refused({ class = "blue", map = "gradient" }, "does not tell an object from its background")
  refused({ class = "green" }, "no class is called 'green'")
end

return T
