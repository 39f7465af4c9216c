-- Attribute: several attributions of one class side by side, each as a picture.
local check = require "switchback.check"
local image = require "switchback.image"

local OPTIONS = { methods = false, class = false, layer = false, steps = 50, samples = 25, noise = 0.15,
                  seed = 0, progress = false }

-- ---- How a map is shown --------------------------------------------------------------------------------

local show = {}

function show.strength(map) return image.rgb(image.stretch(map, { percentile = 99 })) end
function show.sum(map) return show.strength(map:sum(1, true):abs()) end
function show.color(map) return image.stretch(map, { percentile = 99.5 }) end
function show.heat(map, input) return image.heat(input, map) end

-- ---- The methods ---------------------------------------------------------------------------------------

local ORDER = { "gradient", "guided", "input-x-gradient", "integrated", "smoothgrad", "gradcam", "gradcam++",
                "guided-gradcam" }

-- Each by its name in print: the function of sb.vis, what of `options` it takes, what it gets besides, and
-- how its map is shown.
local METHODS = {
  ["gradient"] = { "saliency", {}, {}, show.strength },
  ["guided"] = { "saliency", {}, { rule = "guided", form = "signed" }, show.color },
  ["input-x-gradient"] = { "input_x_gradient", {}, {}, show.sum },
  ["integrated"] = { "integrated_gradients", { "steps" }, {}, show.sum },
  ["smoothgrad"] = { "smoothgrad", { "samples", "noise", "seed" }, {}, show.strength },
  ["gradcam"] = { "gradcam", { "layer" }, {}, show.heat },
  ["gradcam++"] = { "gradcam", { "layer" }, { weights = "plusplus" }, show.heat },
  ["guided-gradcam"] = { "guided_gradcam", { "layer" }, {}, show.color },
}

local function run(net, photo, name, o)
  local method, taken, given, draw = table.unpack(METHODS[name])
  local options = { class = o.class }
  for _, key in ipairs(taken) do options[key] = o[key] end
  for key, value in pairs(given) do options[key] = value end
  local found = require("switchback.vis." .. method)(net, photo, options)
  return found, { method = name, map = found.map, picture = draw(found.map, found.input) }
end

-- attribute(net, image (C,H,W) [, options]) --> { input = (C,h,w) what the network saw,
--   class = { index =, label =, p = },
--   maps = list of { method =, map =: as the method answers it, picture = (3,h,w) } }
-- Pictures show strengths of gradients and absolute sums over colours from black (0) to white (99th
-- percentile), guided maps in color around grey, and class activation maps as heat over the input. options:
--   methods  list of: "gradient", "guided", "input-x-gradient", "integrated", "smoothgrad", "gradcam",
--            "gradcam++", "guided-gradcam"; default all of them in this order
--   class    index or label; default the most probable
--   layer, steps, samples, noise, seed: of the methods that take them (samples = 25)
--   progress function(done, total, note)
return function(net, photo, options)
  local o = check.options("attribute", options, OPTIONS)
  local names, result = o.methods or ORDER, { maps = {} }
  for _, name in ipairs(names) do check.choice("attribute", "method", name, ORDER) end
  for i, name in ipairs(names) do
    local found, entry = run(net, photo, name, o)
    result.class, result.input, result.maps[i] = found.class, found.input, entry
    if o.progress then o.progress(i, #names, name) end
  end
  return result
end
