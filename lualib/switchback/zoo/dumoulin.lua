-- The style network of Dumoulin, Shlens & Kudlur 2017 ("A learned representation for artistic style") in the
-- width of TensorFlow's Android demo: one network for many styles, which differ only in the gains and shifts
-- of its instance normalisations. Two inputs: `image` (N,3,H,W), RGB in [0,1], and `style` (N,S) or (1,S),
-- the weight of each style. Pictures come out in [0,1], with sides rounded up to multiples of 4. Options:
--   styles  26, or as many as the weights given have rows for
local builder = require "switchback.builder"

local STYLES <const> = 26 -- when no weights say

-- Files keep the tables of a normalisation beside the weights of its convolution.
local function by_layer(tensors)
  local out = {}
  for name, t in pairs(tensors) do
    out[name:gsub("%.norm%.", "."):gsub("%.(gamma)$", ".norm.%1"):gsub("%.(beta)$", ".norm.%1")] = t
  end
  return out
end

-- A convolution after reflection padding, with conditional instance normalisation.
local function conv(b, name, out, kernel, stride)
  local p = kernel // 2
  b:add("pad", name .. ".pad", { mode = "reflect", pads = { p, p, p, p } })
  b:conv(name, out, kernel, { stride = stride or 1, bias = false })
  local tables = { channels = out, styles = b.styles }
  return b:join("conditional_instancenorm", name .. ".norm", { name, "style" }, tables)
end

local function residual(b, name)
  local from = b.at
  conv(b, name .. ".conv1", 32, 3):relu(name .. ".relu")
  conv(b, name .. ".conv2", 32, 3)
  b:join("add", name, { from, b.at })
end

local function upsampled(b, i, out)
  b:add("resize", "expand.up" .. i, { scales = 2 })
  conv(b, "expand.conv" .. i, out, 3):relu("expand.relu" .. i)
end

return function(options)
  local tensors = options.tensors and by_layer(options.tensors)
  local b = builder.new { input = "image", seed = options.seed, tensors = tensors }
  local table_of_first = tensors and tensors["contract.conv1.norm.gamma"]
  b.styles = table_of_first and table_of_first:size(1) or options.styles or STYLES
  table.insert(b.description.inputs, { name = "style", shape = { 0, b.styles } })
  conv(b, "contract.conv1", 32, 9):relu "contract.relu1"
  conv(b, "contract.conv2", 32, 3, 2):relu "contract.relu2"
  conv(b, "contract.conv3", 32, 3, 2):relu "contract.relu3"
  for i = 1, 6 do residual(b, "residual.residual" .. i) end
  upsampled(b, 1, 8)
  upsampled(b, 2, 4)
  conv(b, "expand.conv3", 3, 9)
  b:add("sigmoid", "stylized")
  return b:finish { preprocess = { channels = "RGB" } }
end
