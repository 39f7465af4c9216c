-- GoogLeNet as torchvision has it: batch normalisation after each convolution, 3x3 filters where the paper
-- (Szegedy et al. 2014) has 5x5, no response normalisation. Named as in torchvision, whose side branches for
-- training (aux1, aux2) are left out; its trained weights expect pixels from -1 to 1.
local builder = require "switchback.builder"

local MODULES <const> = { -- 1x1, 3x3 reduce, 3x3, "5x5" reduce, "5x5", pool projection
  { "3a", 64, 96, 128, 16, 32, 32 }, { "3b", 128, 128, 192, 32, 96, 64, pool = { "maxpool3", 3 } },
  { "4a", 192, 96, 208, 16, 48, 64 }, { "4b", 160, 112, 224, 24, 64, 64 },
  { "4c", 128, 128, 256, 24, 64, 64 }, { "4d", 112, 144, 288, 32, 64, 64 },
  { "4e", 256, 160, 320, 32, 128, 128, pool = { "maxpool4", 2 } },
  { "5a", 256, 160, 320, 32, 128, 128 }, { "5b", 384, 192, 384, 48, 128, 128 },
}

-- A convolution, its normalisation and its ReLU, which has the name.
local function conv(b, name, width, kernel, stride)
  b:conv(name .. ".conv", width, kernel, { stride = stride or 1, pad = kernel // 2, bias = false })
  return b:batchnorm(name .. ".bn", { eps = 1e-3 }):relu(name)
end

local function pool(b, name, kernel, stride, pad)
  return b:maxpool(name, kernel, stride, { pad = pad, ceil_mode = true })
end

local function inception(b, module)
  local p, from, branches = "inception" .. module[1], b.at, {}
  branches[1] = conv(b, p .. ".branch1", module[2], 1).at
  conv(b:from(from), p .. ".branch2.0", module[3], 1)
  branches[2] = conv(b, p .. ".branch2.1", module[4], 3).at
  conv(b:from(from), p .. ".branch3.0", module[5], 1)
  branches[3] = conv(b, p .. ".branch3.1", module[6], 3).at
  pool(b:from(from), p .. ".branch4.0", 3, 1, 1)
  branches[4] = conv(b, p .. ".branch4.1", module[7], 1).at
  b:join("concat", p, branches)
  if module.pool then pool(b, module.pool[1], module.pool[2], 2) end
end

return function(options)
  local b = builder.new { seed = options.seed, tensors = options.tensors, unused = "^aux[12]%." }
  pool(conv(b, "conv1", 64, 7, 2), "maxpool1", 3, 2)
  conv(b, "conv2", 64, 1)
  pool(conv(b, "conv3", 192, 3), "maxpool2", 3, 2)
  for _, module in ipairs(MODULES) do inception(b, module) end
  b:add("global_avgpool", "avgpool"):add("flatten", "flatten"):add("dropout", "dropout", { p = 0.2 })
  b:linear("fc", options.classes or 1000)
  return b:finish { preprocess = { size = { 224, 224 }, channels = "RGB", mean = 0.5, std = 0.5 } }
end
