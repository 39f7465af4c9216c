-- Style transfer: the content of one picture in the style of others (Gatys, Ecker & Bethge 2016).
local check = require "switchback.check"
local image = require "switchback.image"
local merged = require "switchback.merged"

local OPTIONS = {
  styles = {}, blend = false, content_layers = { "relu4_2" },
  style_layers = { "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1" }, layer_weights = {},
  content_weight = 1, style_weight = 300, tv_weight = 0.1, size = 512, style_scale = 1, init = "image",
  optimizer = "lbfgs", rate = false, steps = 300, scales = 1, original_colors = false, normalise = false,
  seed = 0, loop = false,
}

-- Style pictures are this much larger or smaller than the result, by their longer sides.
local function style_targets(net, o, longer)
  local obj, list = require("switchback").objective, {}
  local side = math.max(16, math.floor(longer * o.style_scale + 0.5))
  for i, picture in ipairs(o.styles) do
    local targets = obj.targets(net, image.longer_side(picture, side), o.style_layers)
    list[i] = { targets, o.blend and o.blend[i] or 1 }
  end
  return obj.blend(list)
end

-- content_weight * |F - P|^2 / |P|^2 + share * style_weight * the mean over layers of |G - A|^2 / |A|^2 +
-- tv_weight * the mean squared difference of neighbours.
local function loss_of(net, content, o, share)
  local obj, longer = require("switchback").objective, math.max(content:size(2), content:size(3))
  local grams = style_targets(net, o, longer)
  local weights = obj.relative_weights(grams, o.style_layers, o.layer_weights)
  local loss = share * o.style_weight * obj.style(o.style_layers, grams, { weights = weights })
  if o.content_weight ~= 0 then
    local targets = obj.targets(net, content, o.content_layers)
    for _, layer in ipairs(o.content_layers) do
      loss = loss + 2 * o.content_weight * obj.content(layer, targets[layer], { normalise = "energy" })
    end
  end
  local pixels = content:size(2) * content:size(3)
  return o.tv_weight == 0 and loss or loss + o.tv_weight / pixels * obj.tv { form = "anisotropic" }
end

local RATES <const> = { lbfgs = 1, adam = 0.02 }

local function optimizer_of(o)
  check.choice("style", "optimizer", o.optimizer, { "lbfgs", "adam" })
  return require("switchback").optim[o.optimizer] { rate = o.rate or RATES[o.optimizer] }
end

-- before: { content =, picture = } of the scale before. Of a picture that started from the content, what was
-- added to it is enlarged and added to the content, whose fine detail is then not lost by enlarging.
local function start_of(content, o, before)
  check.choice("style", "init", o.init, { "image", "random" })
  local h, w = content:size(2), content:size(3)
  if before and o.init == "random" then return image.resize(before.picture, h, w) end
  if before then return content + image.resize(before.picture - before.content, h, w) end
  if o.init == "image" then return content end
  local sb = require "switchback"
  return sb.randn(sb.rng(o.seed), content:size()) * 0.1 + 0.5
end

-- The result's luminance with the content's colours: the same change of Y in each channel (Gatys et al. 2017,
-- section 5.2).
local function with_colors_of(content, picture)
  return content + (image.luminance(picture) - image.luminance(content))
end

local function check_styles(o)
  if #o.styles == 0 then error("style: give styles = { picture, ... }", 0) end
  if o.blend and #o.blend ~= #o.styles then
    error(("style: %d styles, but %d weights to blend them"):format(#o.styles, #o.blend), 0)
  end
end

-- style(net, content, { styles = { picture, ... }, ... }) --> { image = (3,H,W) in [0,1], history = that of
-- the last scale (optimize/history.lua) }. content and styles are pictures (3,H,W). Options:
--   size = 512        longer side of the result;  style_scale = 1: longer side of the styles, times that
--   blend             weights of the styles (default: equal)
--   content_weight = 1, style_weight = 300, tv_weight = 0.1: of |F - P|^2 / |P|^2, of the mean over the
--                     style layers of |G - A|^2 / |A|^2, and of the mean squared difference of
--                     neighbouring pixels
--   content_layers = { "relu4_2" }, style_layers = { "relu1_1" ... "relu5_1" }
--   layer_weights     { [layer] = w } of the style layers (default: 1 / their number)
--   init = "image"    or "random": normal noise around grey
--   optimizer = "lbfgs" or "adam", rate = 1 or 0.02, steps = 300 (a list: of each scale), normalise: see
--                     sb.optimize
--   scales = 1        works at that many sizes, each twice the one before, on what the one before made. The
--                     style counts for a quarter at half the size: Gram matrices of fewer positions can
--                     be matched less well, and the content would be given up for it
--   original_colors   true: keeps the content's colours, and takes the result's luminance alone
--   seed              of the random start
--   loop              function(k) --> more options of sb.optimize, for the k-th scale
-- Raises what sb.optimize does.
return function(net, content, options)
  local o = check.options("style", options, OPTIONS)
  check_styles(o)
  local before, history
  for scale = o.scales, 1, -1 do
    local at = image.longer_side(content, math.floor(o.size / 2 ^ (scale - 1) + 0.5))
    local own = {
      net = net, image = start_of(at, o, before), minimize = loss_of(net, at, o, 4.0 ^ (1 - scale)),
      optimizer = optimizer_of(o), clamp = o.optimizer == "adam",
      steps = type(o.steps) == "table" and o.steps[o.scales - scale + 1] or o.steps,
      normalise = o.normalise, seed = o.seed,
    }
    before = { content = at }
    local loop = o.loop and o.loop(o.scales - scale + 1)
    before.picture, history = require("switchback").optimize(merged(own, loop))
    if history.ended == "interrupted" then break end
  end
  local picture = before.picture:clamp(0, 1)
  if o.original_colors then picture = with_colors_of(before.content, picture):clamp(0, 1) end
  return { image = picture, history = history }
end
