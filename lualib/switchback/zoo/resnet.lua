-- ResNet: blocks that add to their input (He et al. 2015; the stride is on the 3x3 convolution). Named as in
-- torchvision; a block's name is that of its output, the sum after its ReLU.
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

local BLOCKS <const> = { [18] = { 2, 2, 2, 2 }, [34] = { 3, 4, 6, 3 }, [50] = { 3, 4, 6, 3 } }

-- Convolution `i` of a block and its normalisation.
local function conv_bn(b, block, i, out, kernel, stride)
  b:conv(("%s.conv%d"):format(block, i), out, kernel, { stride = stride, pad = kernel // 2, bias = false })
  return b:batchnorm(("%s.bn%d"):format(block, i))
end

local function plain(b, block, width, stride)
  conv_bn(b, block, 1, width, 3, stride):relu(block .. ".relu1")
  return conv_bn(b, block, 2, width, 3, 1)
end

local function bottleneck(b, block, width, stride)
  conv_bn(b, block, 1, width, 1, 1):relu(block .. ".relu1")
  conv_bn(b, block, 2, width, 3, stride):relu(block .. ".relu2")
  return conv_bn(b, block, 3, 4 * width, 1, 1)
end

-- The block's input, brought to the shape of its output where that differs.
local function shortcut(b, block, from, out, stride)
  if b.channels_of[from] == out and stride == 1 then return from end
  b:from(from):conv(block .. ".downsample.0", out, 1, { stride = stride, bias = false })
  return b:batchnorm(block .. ".downsample.1").at
end

local function residual(b, block, branch, width, stride)
  local from = b.at
  local change = branch(b, block, width, stride).at
  local kept = shortcut(b, block, from, b.channels_of[change], stride)
  return b:join("add", block .. ".add", { change, kept }):relu(block)
end

return function(options, depth)
  local b, branch = builder.new(options), depth < 50 and plain or bottleneck
  b:conv("conv1", 64, 7, { stride = 2, pad = 3, bias = false }):batchnorm "bn1":relu "relu"
  b:maxpool("maxpool", 3, 2, { pad = 1 })
  for stage, count in ipairs(BLOCKS[depth]) do
    for i = 0, count - 1 do
      local stride = (stage > 1 and i == 0) and 2 or 1
      residual(b, ("layer%d.%d"):format(stage, i), branch, 64 << (stage - 1), stride)
    end
    b:alias("layer" .. stage)
  end
  b:add("global_avgpool", "avgpool"):add("flatten", "flatten"):linear("fc", options.classes or 1000)
  return b:finish { preprocess = zoo.torchvision }
end
