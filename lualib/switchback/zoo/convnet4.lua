-- Four convolutions with batch normalisation (Ioffe & Szegedy 2015) for 64x64 pictures of a few classes: 32,
-- 64, 128 and 128 filters of 3x3, each halved by pooling, then 128 units.
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

return function(options)
  local b = builder.new { size = { 64, 64 }, seed = options.seed, tensors = options.tensors }
  for i, width in ipairs { 32, 64, 128, 128 } do
    b:conv("conv" .. i, width, 3, { pad = 1, bias = false }):batchnorm("bn" .. i):relu("relu" .. i)
    b:maxpool("pool" .. i, 2, 2)
  end
  b:add("flatten", "flatten"):linear("fc1", 128, 128 * 4 * 4):relu "relu5"
  b:linear("fc2", options.classes or 10)
  return b:finish { preprocess = zoo.normalised { 64, 64 } }
end
