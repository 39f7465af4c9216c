-- One iteration of style transfer (Gatys et al. 2016): Gram losses at five layers, a content loss, total
-- variation, and a step of the picture along the gradient.
--   style    sum over layers of |F F^T / (C H W) - A|^2         dF = 4 / (C H W) (G - A) F
--   content  |F - P|^2 / count                                   dF = 2 / count (F - P)
--   TV       sum of squared differences of neighbours
local flop = require "flop"
local sb = require "switchback"

local STYLE <const> = { "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1" }
local CONTENT <const> = "conv4_2"
local STYLE_WEIGHT <const>, TV_WEIGHT <const>, RATE <const> = 1e3, 1e-6, 10

local layers = table.move(STYLE, 1, #STYLE, 1, {})
layers[#layers + 1] = CONTENT

local function matrix(features)
  local size = features:size()
  return features:reshape(size[2], size[3] * size[4])
end

local function gram(features) return sb.gram(features:select(1, 1)) / features:count() end

local function style_gradient(features, target)
  local g = (gram(features) - target):matmul(matrix(features))
  return (g * (4 * STYLE_WEIGHT / features:count())):reshape(features:size())
end

local function tv_gradient(x, dim)
  local n = x:size(dim)
  local steps = (x:narrow(dim, 2, n - 1) - x:narrow(dim, 1, n - 1)) * (2 * TV_WEIGHT)
  local edge = x:narrow(dim, 1, 1) * 0
  return sb.cat({ edge, steps }, dim) - sb.cat({ steps, edge }, dim)
end

local function targets(net, tensors)
  local style, grams = net:forward(tensors.style, { upto = STYLE, record = false }), {}
  for _, layer in ipairs(STYLE) do grams[layer] = gram(style[layer]) end
  return grams, net:forward(tensors.content, { upto = CONTENT, record = false })[CONTENT]
end

return function(net, tensors, spec)
  local x, gradient = tensors.input:clone(), nil
  local grams, content = targets(net, tensors)
  local function run()
    local pass, seeds = net:forward(x, { upto = layers }), {}
    for _, layer in ipairs(STYLE) do seeds[layer] = style_gradient(pass[layer], grams[layer]) end
    seeds[CONTENT] = (pass[CONTENT] - content) * (2 / content:count())
    gradient = pass:backward { seeds = seeds }
    gradient:add_(tv_gradient(x, 3)):add_(tv_gradient(x, 4))
    x:add_(gradient * -RATE)
  end
  return { run = run, output = function() return gradient end,
           flop = 2 * flop(net, spec.shape, "relu5_1") }
end
