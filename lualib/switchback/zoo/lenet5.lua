-- LeNet-5 (LeCun et al. 1998) as it is built today: ReLU and max pooling; 28x28 grey digits, padded to 32x32
-- by the first convolution.
local builder = require "switchback.builder"

return function(options)
  local b = builder.new { input = "data", channels = 1, size = { 28, 28 },
                          seed = options.seed, tensors = options.tensors }
  b:conv("conv1", 6, 5, { pad = 2 }):relu "relu1":maxpool("pool1", 2, 2)
  b:conv("conv2", 16, 5):relu "relu2":maxpool("pool2", 2, 2):add("flatten", "flatten")
  b:linear("fc1", 120, 16 * 5 * 5):relu "relu3"
  b:linear("fc2", 84):relu "relu4":linear("fc3", options.classes or 10)
  return b:finish { preprocess = { size = { 28, 28 }, channels = "grey" } }
end
