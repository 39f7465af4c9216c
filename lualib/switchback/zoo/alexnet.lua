-- AlexNet as torchvision has it: one column, no normalisation (Krizhevsky 2014, "One weird trick").
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

return function(options)
  local b = builder.new(options)
  local name = b:sequence "features"
  b:conv(name(), 64, 11, { stride = 4, pad = 2 }):alias "conv1":relu(name()):maxpool(name(), 3, 2)
  b:conv(name(), 192, 5, { pad = 2 }):alias "conv2":relu(name()):maxpool(name(), 3, 2)
  b:conv(name(), 384, 3, { pad = 1 }):alias "conv3":relu(name())
  b:conv(name(), 256, 3, { pad = 1 }):alias "conv4":relu(name())
  b:conv(name(), 256, 3, { pad = 1 }):alias "conv5":relu(name()):maxpool(name(), 3, 2)
  name = b:sequence "classifier"
  b:add("flatten", "flatten"):add("dropout", name())
  b:linear(name(), 4096, 256 * 6 * 6):alias "fc6":relu(name()):add("dropout", name())
  b:linear(name(), 4096):alias "fc7":relu(name())
  b:linear(name(), options.classes or 1000):alias "fc8"
  return b:finish { preprocess = zoo.torchvision }
end
