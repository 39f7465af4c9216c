-- MobileNetV2: blocks that widen by 1x1, filter each channel by itself and narrow again without a rectifier,
-- added to their input where shapes allow (Sandler et al. 2018). Named as in torchvision; a block's name is
-- that of its output.
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

local STAGES <const> = { -- widening, channels, blocks, stride of the first
  { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 },
  { 6, 320, 1, 1 },
}

-- Convolution, batch norm and ReLU6: PREFIX.0, PREFIX.1, PREFIX.2.
local function conv(b, prefix, width, kernel, stride, groups)
  b:conv(prefix .. ".0", width, kernel,
    { stride = stride, pad = kernel // 2, groups = groups or 1, bias = false })
  return b:batchnorm(prefix .. ".1"):add("clip", prefix .. ".2", { min = 0, max = 6 })
end

local function block(b, name, widening, width, stride)
  local from, part = b.at, b:sequence(name .. ".conv")
  local narrow = b.channels_of[from]
  local wide = narrow * widening
  if widening > 1 then conv(b, part(), wide, 1, 1) end
  conv(b, part(), wide, 3, stride, wide)
  b:conv(part(), width, 1, { bias = false }):batchnorm(part())
  if stride > 1 or narrow ~= width then return b:alias(name) end
  return b:join("add", name, { from, b.at })
end

return function(options)
  local b = builder.new(options)
  local name = b:sequence "features"
  conv(b, name(), 32, 3, 2)
  for _, stage in ipairs(STAGES) do
    for i = 1, stage[3] do block(b, name(), stage[1], stage[2], i == 1 and stage[4] or 1) end
  end
  conv(b, name(), 1280, 1, 1)
  b:add("global_avgpool", "avgpool"):add("flatten", "flatten")
  b:add("dropout", "classifier.0", { p = 0.2 }):linear("classifier.1", options.classes or 1000)
  return b:finish { preprocess = zoo.torchvision }
end
