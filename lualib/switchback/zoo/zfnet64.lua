-- A small ZFNet for 64x64 pictures: five convolutions and three fully connected layers as in Zeiler & Fergus
-- 2013, with batch normalisation in place of contrast normalisation. net:fold() takes that into the weights
-- when training is over; 2.3 million weights are then 4.7 MB as halves.
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

local function conv(b, i, width, kernel)
  b:conv("conv" .. i, width, kernel, { pad = kernel // 2, bias = false }):batchnorm("bn" .. i)
  return b:relu("relu" .. i)
end

local function pool(b, i) return b:maxpool("pool" .. i, 3, 2, { ceil_mode = true }) end

local function fully_connected(b, i, width, inputs)
  b:linear("fc" .. i, width, inputs):batchnorm("bn" .. i):relu("relu" .. i)
  return b:add("dropout", "drop" .. i, { p = 0.2 })
end

return function(options)
  local b = builder.new { size = { 64, 64 }, seed = options.seed, tensors = options.tensors }
  pool(conv(b, 1, 32, 5), 1)
  pool(conv(b, 2, 96, 3), 2)
  pool(conv(b, 3, 192, 3), 3)
  conv(b, 4, 256, 3)
  pool(conv(b, 5, 256, 3), 5)
  b:add("flatten", "flatten")
  fully_connected(b, 6, 256, 256 * 4 * 4)
  fully_connected(b, 7, 256)
  b:linear("fc8", options.classes or 40)
  return b:finish { preprocess = zoo.normalised { 64, 64 } }
end
