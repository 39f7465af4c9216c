-- One iteration of style transfer (Gatys et al. 2016): Gram losses at five layers, a content loss, total
-- variation, and a step of the picture along the gradient.
--   style    sum over layers of |F F^T / (C H W) - A|^2, which is 4 E of objective.style
--   content  |F - P|^2 / count
--   TV       sum of squared differences of neighbours
local flop = require "flop"
local sb = require "switchback"
local obj = sb.objective

local STYLE <const> = { "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1" }
local CONTENT <const> = "conv4_2"
local STYLE_WEIGHT <const>, TV_WEIGHT <const>, RATE <const> = 1e3, 1e-6, 10

-- { [layer] = value } of a pass
local function values(pass, layers)
  local found = {}
  for _, layer in ipairs(layers) do found[layer] = pass[layer] end
  return found
end

local function targets(net, x, layers)
  return values(net:forward(x, { upto = layers, record = false }), layers)
end

local function loss_of(net, tensors)
  local grams, weights = obj.grams(targets(net, tensors.style, STYLE)), {}
  local content = targets(net, tensors.content, { CONTENT })[CONTENT]
  for _, layer in ipairs(STYLE) do weights[layer] = 4 end
  return STYLE_WEIGHT * obj.style(STYLE, grams, { weights = weights })
    + 2 * obj.content(CONTENT, content, { normalise = "mean" })
    + TV_WEIGHT * obj.tv { form = "anisotropic" }
end

return function(net, tensors, spec)
  local x, loss, gradient = tensors.input:clone(), loss_of(net, tensors), nil
  local function run()
    local pass = net:forward(x, { upto = loss.layers })
    local activations = values(pass, loss.layers)
    activations.image = x
    local _, seeds = loss:evaluate(activations)
    local of_picture = seeds.image
    seeds.image = nil
    gradient = pass:backward({ seeds = seeds }):add_(of_picture)
    x:addmul_(-RATE, gradient)
  end
  return { run = run, output = function() return gradient end,
           flop = 2 * flop(net, spec.shape, "relu5_1") }
end
