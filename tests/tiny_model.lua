-- A classifier small enough to think about, as an ONNX file with its side file: for tests of recipes and
-- methods.
local h = require "helper"
local sb = require "switchback"
local writer = require "onnx_writer"

local tiny = {}

local SIDE_FILE = [[
return {
  preprocess = { size = { 48, 48 }, channels = "BGR", scale = 255, mean = { 104, 117, 123 } },
  labels = { "ant", "bee, honey bee", "cat", "dog", "eel" },
}]]

local function weights(name, rng, ...)
  local t = sb.randn(rng, ...) * 0.1
  return writer.floats(name, { ... }, t:reshape(-1):totable())
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- model() --> path of tiny.onnx: conv1 (8 filters of 5x5, stride 2), relu1, pool1 (2x2), conv2 (6 of 3x3),
-- relu2, gap, flat, fc (5), prob. Values have these names. side: of its inputs, default 48; 0: any.
function tiny.model(side)
  side = side or 48
  local path, rng = h.temporary "tiny.onnx", sb.rng(5)
  write(path, writer.model {
    inputs = { { "data", "float32", { 0, 3, side, side } } },
    outputs = { { "prob", "float32", { 0, 5 } } },
    initializers = { weights("w1", rng, 8, 3, 5, 5), weights("w2", rng, 6, 8, 3, 3),
                     weights("w3", rng, 5, 6) },
    nodes = {
      { "Conv", inputs = { "data", "w1" }, outputs = { "conv1" }, strides = { 2, 2 }, pads = { 2, 2, 2, 2 } },
      { "Relu", inputs = { "conv1" }, outputs = { "relu1" } },
      { "MaxPool", inputs = { "relu1" }, outputs = { "pool1" }, kernel_shape = { 2, 2 }, strides = { 2, 2 } },
      { "Conv", inputs = { "pool1", "w2" }, outputs = { "conv2" } },
      { "Relu", inputs = { "conv2" }, outputs = { "relu2" } },
      { "GlobalAveragePool", inputs = { "relu2" }, outputs = { "gap" } },
      { "Flatten", inputs = { "gap" }, outputs = { "flat" } },
      { "Gemm", inputs = { "flat", "w3" }, outputs = { "fc" }, transB = 1 },
      { "Softmax", inputs = { "fc" }, outputs = { "prob" }, axis = 1 },
    },
  })
  write(h.temporary "tiny.model.lua", SIDE_FILE)
  return path
end

-- transform_net() --> path of transform.onnx: one convolution of 3x3, pixels in [0,1] to pixels.
function tiny.transform_net()
  local path = h.temporary "transform.onnx"
  write(path, writer.model {
    inputs = { { "image", "float32", { 0, 3, 0, 0 } } },
    outputs = { { "stylized", "float32", { 0, 3, 0, 0 } } },
    initializers = { weights("w", sb.rng(6), 3, 3, 3, 3) },
    nodes = { { "Conv", inputs = { "image", "w" }, outputs = { "stylized" }, pads = { 1, 1, 1, 1 } } },
  })
  write(h.temporary "transform.model.lua", 'return { preprocess = { channels = "RGB" } }')
  return path
end

local function image(name) return arg[0]:match "^(.*/)[^/]*$" .. "images/" .. name end

-- photo() --> path of a photo.
function tiny.photo() return image "chelsea.png" end

local net, photo, input

-- loaded() --> model() as a net, photo() as an image, and the net's input for it; the same ones each time.
function tiny.loaded()
  if not net then
    net, photo = sb.load(tiny.model()), sb.image.load(tiny.photo())
    input = net:prepare(photo)
  end
  return net, photo, input
end

-- grain([size]) --> a photo's patch of size x (size + 4) pixels, default 40 x 44: grain of wood.
function tiny.grain(size)
  size = size or 40
  return sb.image.crop(sb.image.load(image "coffee.png"), 240, 490, size, size + 4)
end

return tiny
