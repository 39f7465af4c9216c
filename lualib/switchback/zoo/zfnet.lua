-- The network that deconvnets were shown on (Zeiler & Fergus 2013, figure 3): AlexNet in one column with a
-- first layer of 7x7 at stride 2; response normalisation stands for their contrast normalisation.
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

return function(options)
  local b = builder.new(options)
  local lrn, pool = { size = 5, alpha = 1e-4, beta = 0.75 }, { ceil_mode = true }
  b:conv("conv1", 96, 7, { stride = 2, pad = 1 }):relu "relu1":maxpool("pool1", 3, 2, pool)
  b:add("lrn", "norm1", lrn)
  b:conv("conv2", 256, 5, { stride = 2 }):relu "relu2":maxpool("pool2", 3, 2, pool)
  b:add("lrn", "norm2", lrn)
  b:conv("conv3", 384, 3, { pad = 1 }):relu "relu3"
  b:conv("conv4", 384, 3, { pad = 1 }):relu "relu4"
  b:conv("conv5", 256, 3, { pad = 1 }):relu "relu5":maxpool("pool5", 3, 2)
  b:add("flatten", "flatten")
  b:linear("fc6", 4096, 256 * 6 * 6):relu "relu6":add("dropout", "drop6")
  b:linear("fc7", 4096):relu "relu7":add("dropout", "drop7")
  b:linear("fc8", options.classes or 1000)
  return b:finish { preprocess = zoo.normalised { 224, 224 } }
end
