-- The two-convolution net for MNIST's 28x28 grey digits that tutorials train: 32 and 64 filters of 3x3, each
-- followed by ReLU and 2x2 pooling, then 128 units with dropout.
local builder = require "switchback.builder"

return function(options)
  local b = builder.new { channels = 1, size = { 28, 28 }, seed = options.seed, tensors = options.tensors }
  b:conv("conv1", 32, 3, { pad = 1 }):relu "relu1":maxpool("pool1", 2, 2)
  b:conv("conv2", 64, 3, { pad = 1 }):relu "relu2":maxpool("pool2", 2, 2)
  b:add("flatten", "flatten"):linear("fc1", 128, 64 * 7 * 7):relu "relu3"
  b:add("dropout", "dropout", { p = 0.3 }):linear("fc2", options.classes or 10)
  return b:finish { preprocess = { size = { 28, 28 }, channels = "grey" } }
end
