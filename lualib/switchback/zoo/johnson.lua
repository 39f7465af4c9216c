-- The image transformation network of Johnson, Alahi & Fei-Fei 2016 for one style, with instance
-- normalisation (Ulyanov et al. 2016), reflection padding and nearest-neighbour upsampling before
-- convolutions (Odena et al. 2016). Parameters are named as in PyTorch's fast_neural_style example.
-- Pictures in and out are RGB, 0 to 255; sides are rounded up to multiples of 4.
local builder = require "switchback.builder"

-- A convolution after reflection padding; its layers are called NAME.reflection_pad and NAME.conv2d.
local function conv(b, name, out, kernel, stride)
  local p = kernel // 2
  b:add("pad", name .. ".reflection_pad", { mode = "reflect", pads = { p, p, p, p } })
  return b:conv(name .. ".conv2d", out, kernel, { stride = stride or 1 })
end

local function norm(b, name)
  return b:add("instancenorm", name, { channels = b.channels_of[b.at] })
end

local function residual(b, name)
  local from = b.at
  norm(conv(b, name .. ".conv1", 128, 3), name .. ".in1"):relu(name .. ".relu")
  norm(conv(b, name .. ".conv2", 128, 3), name .. ".in2")
  b:join("add", name, { b.at, from })
end

local function upsampled(b, name, out, i)
  b:add("resize", name .. ".upsample", { scales = 2 })
  norm(conv(b, name, out, 3), "in" .. i):relu("relu" .. i)
end

return function(options)
  local b = builder.new(options)
  norm(conv(b, "conv1", 32, 9), "in1"):relu "relu1"
  norm(conv(b, "conv2", 64, 3, 2), "in2"):relu "relu2"
  norm(conv(b, "conv3", 128, 3, 2), "in3"):relu "relu3"
  for i = 1, 5 do residual(b, "res" .. i) end
  upsampled(b, "deconv1", 64, 4)
  upsampled(b, "deconv2", 32, 5)
  conv(b, "deconv3", 3, 9)
  return b:finish { preprocess = { channels = "RGB", scale = 255 } }
end
