-- GoogLeNet: inception modules, four branches side by side (Szegedy et al. 2014), as the Berkeley Vision and
-- Learning Center trained it: with response normalisation. Named as the values of its Caffe and ONNX files.
local builder = require "switchback.builder"

local MODULES <const> = { -- 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection
  { "3a", 64, 96, 128, 16, 32, 32 }, { "3b", 128, 128, 192, 32, 96, 64, pool = "pool3/3x3_s2" },
  { "4a", 192, 96, 208, 16, 48, 64 }, { "4b", 160, 112, 224, 24, 64, 64 },
  { "4c", 128, 128, 256, 24, 64, 64 }, { "4d", 112, 144, 288, 32, 64, 64 },
  { "4e", 256, 160, 320, 32, 128, 128, pool = "pool4/3x3_s2" },
  { "5a", 256, 160, 320, 32, 128, 128 }, { "5b", 384, 192, 384, 48, 128, 128 },
}

-- A convolution PREFIX/SUFFIX and its ReLU PREFIX/relu_SUFFIX.
local function conv(b, prefix, suffix, out, kernel, config)
  return b:conv(prefix .. "/" .. suffix, out, kernel, config):relu(prefix .. "/relu_" .. suffix)
end

local function pool(b, name) return b:maxpool(name, 3, 2, { ceil_mode = true }) end

local function inception(b, module)
  local p, from, branches = "inception_" .. module[1], b.at, {}
  branches[1] = conv(b, p, "1x1", module[2], 1).at
  conv(b:from(from), p, "3x3_reduce", module[3], 1)
  branches[2] = conv(b, p, "3x3", module[4], 3, { pad = 1 }).at
  conv(b:from(from), p, "5x5_reduce", module[5], 1)
  branches[3] = conv(b, p, "5x5", module[6], 5, { pad = 2 }).at
  b:from(from):maxpool(p .. "/pool", 3, 1, { pad = 1, ceil_mode = true })
  branches[4] = conv(b, p, "pool_proj", module[7], 1).at
  return b:join("concat", p .. "/output", branches)
end

return function(options)
  local b = builder.new(options)
  local lrn = { size = 5, alpha = 1e-4, beta = 0.75 }
  conv(b, "conv1", "7x7_s2", 64, 7, { stride = 2, pad = 3 })
  pool(b, "pool1/3x3_s2"):add("lrn", "pool1/norm1", lrn)
  conv(b, "conv2", "3x3_reduce", 64, 1)
  conv(b, "conv2", "3x3", 192, 3, { pad = 1 }):add("lrn", "conv2/norm2", lrn)
  pool(b, "pool2/3x3_s2")
  for _, module in ipairs(MODULES) do
    inception(b, module)
    if module.pool then pool(b, module.pool) end
  end
  b:add("global_avgpool", "pool5/7x7_s1"):add("dropout", "pool5/drop_7x7_s1", { p = 0.4 })
  b:add("flatten", "flatten"):linear("loss3/classifier", options.classes or 1000):add("softmax", "prob")
  return b:finish { preprocess = { size = { 224, 224 }, channels = "BGR", scale = 255,
                                   mean = { 104, 117, 123 } } }
end
