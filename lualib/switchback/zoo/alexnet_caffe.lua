-- AlexNet as published (Krizhevsky, Sutskever & Hinton 2012): two groups, response normalisation after
-- pairs of convolution and ReLU. Layers are named and inputs prepared as in Caffe's bvlc_alexnet.
local builder = require "switchback.builder"

return function(options)
  local b = builder.new(options)
  local lrn = { size = 5, alpha = 1e-4, beta = 0.75 }
  b:conv("conv1", 96, 11, { stride = 4 }):relu "relu1":add("lrn", "norm1", lrn):maxpool("pool1", 3, 2)
  b:conv("conv2", 256, 5, { pad = 2, groups = 2 }):relu "relu2":add("lrn", "norm2", lrn)
  b:maxpool("pool2", 3, 2)
  b:conv("conv3", 384, 3, { pad = 1 }):relu "relu3"
  b:conv("conv4", 384, 3, { pad = 1, groups = 2 }):relu "relu4"
  b:conv("conv5", 256, 3, { pad = 1, groups = 2 }):relu "relu5":maxpool("pool5", 3, 2)
  b:add("flatten", "flatten")
  b:linear("fc6", 4096, 256 * 6 * 6):relu "relu6":add("dropout", "drop6")
  b:linear("fc7", 4096):relu "relu7":add("dropout", "drop7")
  b:linear("fc8", options.classes or 1000):add("softmax", "prob")
  return b:finish { preprocess = { size = { 227, 227 }, channels = "BGR", scale = 255,
                                   mean = { 104, 117, 123 } } }
end
