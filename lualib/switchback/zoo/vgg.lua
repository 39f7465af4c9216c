-- VGG: stacks of 3x3 convolutions (Simonyan & Zisserman 2014; configurations A, B, D and E).
-- Named as in torchvision, with the paper's conv1_1, relu1_1, pool1, ... as aliases.
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

local WIDTHS <const> = { 64, 128, 256, 512, 512 }
local CONVOLUTIONS <const> = { -- of each stage
  [11] = { 1, 1, 2, 2, 2 }, [13] = { 2, 2, 2, 2, 2 }, [16] = { 2, 2, 3, 3, 3 }, [19] = { 2, 2, 4, 4, 4 },
}

local function features(b, depth)
  local name = b:sequence "features"
  for stage, count in ipairs(CONVOLUTIONS[depth]) do
    for i = 1, count do
      b:conv(name(), WIDTHS[stage], 3, { pad = 1 }):alias(("conv%d_%d"):format(stage, i))
      b:relu(name()):alias(("relu%d_%d"):format(stage, i))
    end
    b:maxpool(name(), 2, 2):alias("pool" .. stage)
  end
end

local function classifier(b, classes)
  local name = b:sequence "classifier"
  b:add("flatten", "flatten")
  b:linear(name(), 4096, 512 * 7 * 7):alias("fc6"):relu(name()):alias("relu6"):add("dropout", name())
  b:linear(name(), 4096):alias("fc7"):relu(name()):alias("relu7"):add("dropout", name())
  b:linear(name(), classes):alias("fc8")
end

return function(options, depth)
  local b = builder.new(options)
  features(b, depth)
  classifier(b, options.classes or 1000)
  return b:finish { preprocess = zoo.torchvision }
end
