-- The image transformation network of Johnson, Alahi & Fei-Fei 2016, with instance normalisation (Ulyanov et
-- al. 2016), reflection padding and nearest-neighbour upsampling before convolutions (Odena et al. 2016).
-- Parameters are named as in PyTorch's fast_neural_style example. Pictures in and out are RGB, 0 to 255;
-- sides are rounded up to multiples of 4. Options:
--   width   32: filters of the first layer; the others have two and four times as many
--   blocks  5: residual blocks
--   scaled  false; true: ends with 127.5 + 40 y, to be trained (the paper has a scaled tanh, the example
--           nothing). Drawn nets then begin with noise around grey, and not with black, to which small steps
--           add colours last: a hundred steps do what a thousand do without
--   styles  none: one style. A number: conditional instance normalisation (Dumoulin et al. 2017), and a
--           second input `style` (N,styles) or (1,styles), the weight of each style
local builder = require "switchback.builder"
local core = require "switchback.core"

local WIDTH <const>, BLOCKS <const>, WHITE <const>, CONTRAST <const> = 32, 5, 255, 40

-- A convolution after reflection padding; its layers are called NAME.reflection_pad and NAME.conv2d.
local function conv(b, name, out, kernel, stride)
  local p = kernel // 2
  b:add("pad", name .. ".reflection_pad", { mode = "reflect", pads = { p, p, p, p } })
  return b:conv(name .. ".conv2d", out, kernel, { stride = stride or 1 })
end

local function norm(b, name)
  local config = { channels = b.channels_of[b.at], styles = b.styles }
  if b.styles then return b:join("conditional_instancenorm", name, { b.at, "style" }, config) end
  return b:add("instancenorm", name, config)
end

local function residual(b, name)
  local from = b.at
  local channels = b.channels_of[from]
  norm(conv(b, name .. ".conv1", channels, 3), name .. ".in1"):relu(name .. ".relu")
  norm(conv(b, name .. ".conv2", channels, 3), name .. ".in2")
  b:join("add", name, { b.at, from })
end

local function upsampled(b, name, out, i)
  b:add("resize", name .. ".upsample", { scales = 2 })
  norm(conv(b, name, out, 3), "in" .. i):relu("relu" .. i)
end

local function scaled(b)
  b:add("scale", "range", { weight = core.tensor.full(CONTRAST, 3), bias = core.tensor.full(WHITE / 2, 3) })
end

-- The styles of a file of weights: rows of the first normalisation's table.
local function styles_of(options)
  local gamma = options.tensors and options.tensors["in1.gamma"]
  return gamma and gamma:size(1) or options.styles or nil
end

return function(options)
  local b = builder.new { seed = options.seed, tensors = options.tensors }
  local width, blocks = options.width or WIDTH, options.blocks or BLOCKS
  b.styles = styles_of(options)
  if b.styles then table.insert(b.description.inputs, { name = "style", shape = { 0, b.styles } }) end
  norm(conv(b, "conv1", width, 9), "in1"):relu "relu1"
  norm(conv(b, "conv2", 2 * width, 3, 2), "in2"):relu "relu2"
  norm(conv(b, "conv3", 4 * width, 3, 2), "in3"):relu "relu3"
  for i = 1, blocks do residual(b, "res" .. i) end
  upsampled(b, "deconv1", 2 * width, 4)
  upsampled(b, "deconv2", width, 5)
  conv(b, "deconv3", 3, 9)
  if options.scaled then scaled(b) end
  return b:finish { preprocess = { channels = "RGB", scale = WHITE } }
end
