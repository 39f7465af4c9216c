-- Perceptual losses: what pictures are worth by how another network, the feature net, sees them (Johnson,
-- Alahi & Fei-Fei 2016, section 3.2).
local algebra = require "switchback.objective.algebra"
local check = require "switchback.check"
local core = require "switchback.core"

local perceptual = {}

local OPTIONS = {
  net = false, styles = {}, content_layers = false, style_layers = false, content_weight = 1,
  style_weight = 4, tv_weight = 2, unit = 1,
}

-- Layers by the feature nets that have them: VGG, GoogLeNet as Caffe and as torchvision names its layers, and
-- SqueezeNet as PyTorch and as ONNX does. The content's is one that still knows where things are.
local LAYERS <const> = {
  { content = { "relu3_2" }, style = { "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1" } },
  { content = { "inception_3a/output" },
    style = { "pool1/3x3_s2", "conv2/relu_3x3", "inception_3a/output", "inception_4a/output" } },
  { content = { "inception3a" }, style = { "conv1", "conv3", "inception3a", "inception4a" } },
  { content = { "features.4" }, style = { "features.1", "features.4", "features.7", "features.10" } },
  { content = { "/features/features.4/Concat" },
    style = { "/features/features.1/Relu", "/features/features.4/Concat", "/features/features.7/Concat",
              "/features/features.10/Concat" } },
}

local function has_all(net, names)
  for _, name in ipairs(names) do
    if not pcall(net.value, net, name) then return false end
  end
  return true
end

-- layers(net) --> { content = list, style = list } of a feature net that is known: VGG, GoogLeNet,
-- SqueezeNet. Raises for others.
function perceptual.layers(net)
  for _, layers in ipairs(LAYERS) do
    if has_all(net, layers.content) and has_all(net, layers.style) then return layers end
  end
  error("perceptual: this feature net is not known: give content_layers and style_layers", 0)
end

local function complete(options)
  local o = check.options("criterion.perceptual", options, OPTIONS)
  if not o.net then error("criterion.perceptual: give net =, the one that looks", 0) end
  if #o.styles == 0 then error("criterion.perceptual: give styles = { picture, ... }", 0) end
  local known = not (o.content_layers and o.style_layers) and perceptual.layers(o.net) or {}
  o.content_layers = o.content_layers or known.content
  o.style_layers = o.style_layers or known.style
  return o
end

local function objective_of() return require("switchback").objective end

-- { [layer] = (styles,C,C) }: the Gram matrices of all styles.
local function gram_tables(o)
  local obj, tables = objective_of(), {}
  for s, picture in ipairs(o.styles) do
    local grams = obj.grams(obj.targets(o.net, picture, o.style_layers))
    for _, layer in ipairs(o.style_layers) do
      tables[layer] = tables[layer] or {}
      tables[layer][s] = grams[layer]
    end
  end
  for layer, list in pairs(tables) do tables[layer] = core.tensor.cat(list, 1) end
  return tables
end

-- Of a table of all styles the rows of those that the images have.
local function rows(t, styles)
  local list = {}
  for n, s in ipairs(styles) do list[n] = t:narrow(1, s, 1) end
  return core.tensor.cat(list, 1)
end

local function content_of(o, pictures)
  local obj, n = objective_of(), pictures:size(1)
  local targets, parts = obj.targets(o.net, pictures, o.content_layers), {}
  for i, layer in ipairs(o.content_layers) do
    local share = 2 / (n * #o.content_layers)
    parts[i] = share * obj.content(layer, targets[layer], { normalise = "energy" })
  end
  return algebra.sum(parts)
end

local function style_of(o, tables, styles)
  local targets = {}
  for _, layer in ipairs(o.style_layers) do targets[layer] = rows(tables[layer], styles) end
  return objective_of().relative(o.style_layers, targets) / #styles
end

-- The three losses, each as { name, weight, objective }.
local function losses(o, tables, pictures, styles)
  local tv = objective_of().tv { form = "anisotropic" }
  return {
    { "content", o.content_weight, content_of(o, pictures) },
    { "style", o.style_weight, style_of(o, tables, styles) },
    { "tv", o.tv_weight, tv / (pictures:count() / pictures:size(2)) },
  }
end

-- What each loss came to, from the values of the terms of their sum.
local function told(list, values)
  local terms, at = {}, 0
  for _, loss in ipairs(list) do
    terms[loss[1]] = 0
    for _, part in ipairs(loss[3]:terms()) do
      at = at + 1
      terms[loss[1]] = terms[loss[1]] + part.weight * values[at]
    end
  end
  return terms
end

local function styles_of(o, targets, n)
  local styles = {}
  for k = 1, n do
    local s = targets.styles and targets.styles[k] or 1
    if not o.styles[s] then
      error(("criterion.perceptual: style %s of picture %d is none of the %d"):format(s, k, #o.styles), 0)
    end
    styles[k] = s
  end
  return styles
end

-- Gradient at the pictures, from those at the layers and at the pictures themselves.
local function walk_back(o, pass, gradients)
  local own = gradients.image
  gradients.image = nil
  local g = o.net:input_adjoint(pass:backward { seeds = gradients })
  return own and g:add_(own) or g
end

-- criterion{ net =, styles =, ... } --> c(outputs (N,3,H,W), targets [, gradient]) --> loss, gradient,
-- { content =, style =, tv = }, for sb.train with classes = false. targets: { pictures = (N,3,H,W), what was
-- to be painted, styles = list of N places in styles (default: all 1) }. The loss is the batch's mean of
--   content_weight * the mean over the content layers of |F - P|^2 / |P|^2 (|P|^2: of the batch)
--   + style_weight * the mean over the style layers of |G - A|^2 / |A|^2, G and A Gram matrices / (H W)
--   + tv_weight    * the mean squared difference of neighbouring pixels.
-- Options:
--   net     the feature net, with its preprocessing; it is not changed
--   styles  list of pictures (3,H,W) in [0,1], of any sizes: strokes come out as large as they are in them
--   content_layers, style_layers   default: perceptual.layers(net)
--   content_weight = 1, style_weight = 4, tv_weight = 2
--   unit = 1    what white is in outputs and targets.pictures: 255 for nets of 0 to 255
-- Raises for pictures and outputs of different sizes.
function perceptual.criterion(options)
  local o = complete(options)
  local tables, layers = gram_tables(o), {}
  for _, list in ipairs { o.content_layers, o.style_layers } do
    table.move(list, 1, #list, #layers + 1, layers)
  end
  return function(outputs, targets, gradient)
    local wanted = gradient ~= false
    local image = outputs / o.unit
    local list = losses(o, tables, targets.pictures / o.unit, styles_of(o, targets, outputs:size(1)))
    local total = list[1][2] * list[1][3] + list[2][2] * list[2][3] + list[3][2] * list[3][3]
    local pass = o.net:forward(o.net:input(image), { upto = layers, record = wanted })
    local activations = { image = image }
    for _, layer in ipairs(layers) do activations[layer] = pass[layer] end
    local loss, gradients, values = total:evaluate(activations)
    local g = wanted and walk_back(o, pass, gradients):mul_(1 / o.unit) or nil
    return loss, g, told(list, values)
  end
end

return perceptual
