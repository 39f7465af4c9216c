-- Network in Network: after each convolution two of 1x1, and averages of maps instead of fully connected
-- layers (Lin, Chen & Yan 2013). Layers are named and inputs prepared as in the authors' Caffe model.
local builder = require "switchback.builder"

-- A convolution and the two of 1x1 that follow it; the ReLUs are called after them.
local function block(b, names, widths, kernel, config)
  for i, name in ipairs(names) do
    b:conv(name, widths[i], i == 1 and kernel or 1, i == 1 and config or nil):relu(name .. ".relu")
  end
  return b
end

local pool = { ceil_mode = true }

return function(options)
  local b = builder.new(options)
  block(b, { "conv1", "cccp1", "cccp2" }, { 96, 96, 96 }, 11, { stride = 4 }):maxpool("pool0", 3, 2, pool)
  block(b, { "conv2", "cccp3", "cccp4" }, { 256, 256, 256 }, 5, { pad = 2 }):maxpool("pool2", 3, 2, pool)
  block(b, { "conv3", "cccp5", "cccp6" }, { 384, 384, 384 }, 3, { pad = 1 }):maxpool("pool3", 3, 2, pool)
  b:add("dropout", "drop")
  local widths = { 1024, 1024, options.classes or 1000 }
  block(b, { "conv4-1024", "cccp7-1024", "cccp8-1024" }, widths, 3, { pad = 1 })
  b:add("global_avgpool", "pool4"):add("flatten", "flatten"):add("softmax", "prob")
  return b:finish { preprocess = { size = { 224, 224 }, channels = "BGR", scale = 255,
                                   mean = { 104, 117, 123 } } }
end
