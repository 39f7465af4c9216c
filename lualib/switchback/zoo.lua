-- The zoo: networks described in Lua, by name.
local check = require "switchback.check"
local core = require "switchback.core"
local fitting = require "switchback.fitting"
local merged = require "switchback.merged"
local sorted = require "switchback.keys"
local suggest = require "switchback.suggest"

local zoo = {}

-- The one list of networks: name = { file of zoo/, what tells it from others of its family, own =
-- { [option of its own] = "number" or "flag" } }. A file returns function(options, variant) -> description
-- (net.lua).
local networks = {
  alexnet = { "alexnet" },
  alexnet_caffe = { "alexnet_caffe" },
  convnet2 = { "convnet2" },
  convnet4 = { "convnet4" },
  dumoulin = { "dumoulin", own = { styles = "number" } },
  googlenet = { "googlenet" },
  googlenet_torchvision = { "googlenet_torchvision" },
  johnson = { "johnson", own = { width = "number", blocks = "number", styles = "number", scaled = "flag" } },
  lenet5 = { "lenet5" },
  mobilenet_v2 = { "mobilenet_v2" },
  nin = { "nin" },
  resnet18 = { "resnet", 18 },
  resnet34 = { "resnet", 34 },
  resnet50 = { "resnet", 50 },
  squeezenet1_0 = { "squeezenet", "1_0" },
  squeezenet1_1 = { "squeezenet", "1_1" },
  vgg11 = { "vgg", 11 },
  vgg13 = { "vgg", 13 },
  vgg16 = { "vgg", 16 },
  vgg19 = { "vgg", 19 },
  zfnet = { "zfnet" },
  zfnet64 = { "zfnet64" },
}

local OPTIONS = { seed = 0, tensors = false, classes = false }

-- normalised(size) --> the preprocessing of colour pictures for an input of {h, w}: RGB less ImageNet's mean
-- over its standard deviation.
function zoo.normalised(size)
  return { size = size, channels = "RGB", mean = { 0.485, 0.456, 0.406 }, std = { 0.229, 0.224, 0.225 } }
end

-- What torchvision's classifiers of ImageNet expect.
zoo.torchvision = zoo.normalised { 224, 224 }

-- zoo.names() --> the names of all networks, sorted.
function zoo.names() return sorted(networks) end

-- zoo.has(name) --> whether the zoo describes a network of that name.
function zoo.has(name) return networks[name] ~= nil end

-- The options that a network takes, with their defaults.
local function options_of(network)
  local all = merged(OPTIONS)
  for key in pairs(network.own or {}) do all[key] = false end
  return all
end

-- Raises unless the network's own numbers are whole and at least 1.
local function check_own(name, network, options)
  for key, kind in pairs(network.own or {}) do
    if options[key] and kind == "number" then check.integer("zoo." .. name, key, options[key], 1) end
  end
end

-- zoo.describe(name [, options]) --> description, for sb.net. Options:
--   tensors  { name = tensor } of all weights, as named in torchvision's files ("features.0.weight")
--   seed     without tensors: weights are drawn as He et al. 2015 from this seed (default 0)
--   classes  number of outputs of a classifier (default: as published)
--   width, blocks, styles, scaled  of the transform nets johnson and dumoulin: see there
-- Raises for unknown names, and lists all missing, unexpected and misshapen tensors in one error.
function zoo.describe(name, options)
  local network = networks[name]
  if not network then
    error(("the zoo has no network '%s'%s"):format(name, suggest.hint(name, zoo.names())), 0)
  end
  options = check.options("zoo." .. name, options, options_of(network))
  check_own(name, network, options)
  local ok, d = pcall(require("switchback.zoo." .. network[1]), options, network[2])
  if not ok then error(("%s: %s"):format(name, d), 0) end
  d.source = "zoo/" .. network[1] .. ".lua"
  return d
end

-- zoo.tensors(net) --> { name = tensor } of all weights of a net, named as zoo.describe takes them; those
-- kept as halves are widened.
function zoo.tensors(net)
  local tensors = {}
  for _, node in ipairs(net.order) do
    for weight, t in pairs(type(node.layer) == "userdata" and node.layer.params or {}) do
      tensors[fitting.weight_name(node.name, weight)] = core.half.is(t) and t:float() or t
    end
  end
  return tensors
end

return zoo
