-- Bad files of every kind that is read: cut off at 200 places, and with one byte changed in 2,000 ways.
-- Each must load, or be refused with a message; what still loads must run or say why not. The files are
-- small, so that most changes hit structure rather than weights.
local lu = require "luaunit"
local sb = require "switchback"
local writer = require "caffe_writer"

local T = {}

local CUTS <const>, FLIPS <const> = 200, 2000
local LARGEST <const> = 1 << 20 -- elements of a value that a damaged net may still ask to be computed

-- Knuth's linear congruential generator: the same files on every machine.
local function generator(seed)
  local state = seed
  return function(n) -- an integer in [1, n]
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n + 1
  end
end

local function read(path)
  local f = io.open(path, "rb")
  if not f then lu.skip(path .. " is not there") end
  local bytes = f:read "a"
  f:close()
  return bytes
end

-- A message for people: no slip of ours, no allocation that the file cannot justify.
local function check_message(message, what)
  if not what then error("the file itself is refused: " .. tostring(message), 0) end
  if type(message) ~= "string" or message:find "attempt to" or message:find "not enough memory"
    or message:find "bad argument" then
    error(("%s: %s"):format(what, tostring(message)), 0)
  end
end

-- Damages `bytes` in every way and calls try(path, what) on each result; first on the file as it is, which
-- must be accepted (what: nil).
local function damage(bytes, seed, extension, try)
  local random, path = generator(seed), os.tmpname() .. extension
  local function attempt(content, what)
    writer.write(path, content)
    try(path, what)
  end
  local ok, message = pcall(function()
    attempt(bytes)
    for _ = 1, CUTS do
      local n = random(#bytes) - 1
      attempt(bytes:sub(1, n), "cut after " .. n)
    end
    for _ = 1, FLIPS do
      local at, change = random(#bytes), random(255)
      local byte = string.char(bytes:byte(at) ~ change)
      attempt(bytes:sub(1, at - 1) .. byte .. bytes:sub(at + 1), ("byte %d xor %d"):format(at, change))
    end
  end)
  os.remove(path)
  if not ok then error(message, 0) end
end

-- Tries a function that answers nil and a message for bad files.
local function answers(f)
  return function(path, what)
    local ok, result, message = pcall(f, path)
    if not ok then error(("%s: raised %s"):format(what or "intact", result), 0) end
    if not result then check_message(message, what) end
  end
end

local function count(shape)
  local n = 1
  for _, extent in ipairs(shape) do n = n * extent end
  return n
end

local function runs(net)
  local inputs = {}
  local shapes = net:shapes()
  for _, shape in pairs(shapes) do
    if count(shape) > LARGEST then return end
  end
  for _, input in ipairs(net.inputs) do inputs[input.name] = sb.ones(shapes[input.name]) end
  net:forward(inputs)
end

-- Tries to load and run a net from a damaged file; load(path) -> net raises for bad files.
local function loads(load)
  return function(path, what)
    local ok, net = pcall(load, path)
    if not ok then return check_message(net, what) end
    local ran, message = pcall(runs, net)
    if not ran then check_message(message, what) end
  end
end

function T.test_safetensors()
  local path = os.tmpname()
  local tensors = { a = sb.ones(2, 3), b = sb.ones(4), c = sb.ones(1, 2, 2) }
  assert(sb.safetensors.save(path, tensors, { note = "x" }))
  local bytes = read(path)
  os.remove(path)
  damage(bytes, 1, ".safetensors", answers(function(p)
    local loaded, message = sb.safetensors.load(p)
    for _, t in pairs(loaded or {}) do t:sum() end -- touches every byte that a view claims
    return loaded, message
  end))
end

-- A whole network in one file: nearly all of it is the description of its layers.
function T.test_saved_network()
  local rng, path = sb.rng(1), os.tmpname() .. ".safetensors"
  local function node(name, input, layer) return { name = name, inputs = { input }, layer = layer } end
  sb.net({ inputs = { { name = "x", shape = { 0, 2, 8, 8 } } }, labels = { "a", "b" }, nodes = {
    node("conv", "x", sb.layer.conv2d { in_channels = 2, out_channels = 2, kernel = 3, rng = rng }),
    node("bn", "conv", sb.layer.batchnorm { channels = 2 }),
    node("clip", "bn", sb.layer.clip { min = 0 }),
    node("pool", "clip", sb.layer.maxpool { kernel = 2 }),
    node("flat", "pool", sb.layer.flatten {}),
    node("fc", "flat", sb.layer.linear { in_features = 18, out_features = 2, rng = rng }),
  }, preprocess = { size = { 8, 8 }, channels = "grey" }, aliases = { last = "fc" } }):save(path)
  local bytes = read(path)
  os.remove(path)
  damage(bytes, 6, ".safetensors", loads(sb.load))
end

local prototxt = [[
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
        convolution_param { num_output: 3 kernel_size: 3 pad: 1 stride: 2 } }
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm" lrn_param { local_size: 3 alpha: 0.1 } }
layer { name: "relu" type: "ReLU" bottom: "norm" top: "norm" }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool" pooling_param { pool: AVE kernel_size: 2 } }
layer { name: "sum" type: "Eltwise" bottom: "pool" bottom: "pool" top: "sum" eltwise_param { coeff: [1, 2] } }
layer { name: "fc" type: "InnerProduct" bottom: "sum" top: "fc" inner_product_param { num_output: 2 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
]]

local function caffemodel(old)
  local rng = sb.rng(1)
  return writer.encode({ { name = "conv", sb.randn(rng, 3, 2, 3, 3), sb.randn(rng, 3) },
                         { name = "fc", sb.randn(rng, 2, 27), sb.randn(rng, 2) } }, old)
end

local function with_file(extension, bytes, f)
  local path = os.tmpname() .. extension
  writer.write(path, bytes)
  local ok, message = pcall(f, path)
  os.remove(path)
  if not ok then error(message, 0) end
end

function T.test_caffemodel()
  with_file(".prototxt", prototxt, function(description)
    local try = loads(function(path) return sb.load(path, { prototxt = description }) end)
    damage(caffemodel(false), 2, ".caffemodel", try)
    damage(caffemodel(true), 3, ".caffemodel", try)
  end)
end

function T.test_prototxt()
  with_file(".caffemodel", caffemodel(false), function(weights)
    damage(prototxt, 4, ".prototxt", loads(function(path) return sb.load(path, { weights = weights }) end))
  end)
  damage(prototxt, 5, ".prototxt", loads(function(path) return sb.load(path, { untrained = true }) end))
end

local onnx_cases = { "pytorch-converted/test_Conv2d_groups", "pytorch-converted/test_BatchNorm2d_eval",
                     "pytorch-operator/test_operator_maxpool", "pytorch-operator/test_operator_flatten" }

function T.test_onnx()
  for i, case in ipairs(onnx_cases) do
    local bytes = read("/usr/share/libonnx-testdata/data/" .. case .. "/model.onnx")
    damage(bytes, 10 + i, ".onnx", loads(sb.load))
  end
end

local function photo()
  local rng = sb.rng(2)
  return sb.image.resize(sb.rand(rng, 3, 5, 7), 24, 32):clamp(0, 1)
end

function T.test_png_and_jpeg()
  for i, format in ipairs { "png", "jpeg" } do
    damage(assert(sb.image.encode(photo(), format)), 20 + i, "." .. format, answers(sb.image.load))
  end
end

return T
