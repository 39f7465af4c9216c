-- Surgery: nets made from others by removing, replacing and adding layers. Each function is a method of nets
-- (net:without{...} and so on) that answers a new net and leaves the old one as it was. The two share weights
-- that nobody has trained (net:parameters) and none that somebody trains: training one never changes the
-- other.
local bypass = require "switchback.bypass"
local check = require "switchback.check"
local core = require "switchback.core"
local derive = require "switchback.derive"
local sorted = require "switchback.keys"

local surgery = {}

-- clone(net) --> a net equal to this one, with its own memory for all weights.
function surgery.clone(net)
  local function clone(t) return core.half.is(t) and core.half.new(t:float()) or t:clone() end
  return derive.net(net, derive.nodes(net, clone))
end

-- upto(net, name) --> the net that ends with that layer, its only output. Labels stay if the classes' scores
-- do.
function surgery.upto(net, name)
  local value = net:value(name)
  local scores = value == net:logits() or value == net.outputs[1]
  return derive.net(net, derive.nodes(net), { outputs = { value }, labels = scores and net.labels or false })
end

-- ---- Removing layers -------------------------------------------------------------------------------

local SEED <const> = { seed = 0 }
local has_weights = { conv2d = true, conv2d_transpose = true, linear = true }

local function kind_of(node) return type(node.layer) == "userdata" and node.layer.kind end

-- without(net, names [, { seed = 0 }]) --> net, list of names. Removes these layers of a chain (a list or one
-- name, as Zeiler & Fergus 2013 remove layers 3 and 4, or 6 and 7, in table 3), and with a convolution or
-- linear layer the normalisation, rectifier and dropout that follow it. "layer3.1.*" or "inception_4b/*" is
-- a whole block: the layers below that name, and the one of that name. What read them now reads what they
-- read. The list names the layers whose weights no longer fit and were drawn anew from the seed (He et al.
-- 2015). Raises for unknown layers, and for layers or blocks with several inputs or outputs.
function surgery.without(net, names, options)
  local seed = check.options("without", options, SEED).seed
  local nodes = derive.nodes(net)
  local kept, outputs = bypass(net, type(names) == "table" and names or { names }, nodes)
  local smaller = derive.net(net, kept, { outputs = outputs })
  return smaller, derive.refit(smaller, seed)
end

-- ---- Other layers ------------------------------------------------------------------------------------

local function check_layer(name, layer)
  if type(layer) ~= "userdata" or not pcall(function() return layer.kind end) then
    error(("replace: give a layer (sb.layer.KIND{...}) for '%s', got %s"):format(name, type(layer)), 0)
  end
end

-- replace(net, name, layer [, { seed = 0 }]) --> net, list of names. Puts a layer (sb.layer.KIND{...}) in the
-- place of one with as many inputs; it is still called `name`. replace(net, { name = layer, ... } [, ...])
-- does so with several at once, which need to fit together only. The list is as of without. Raises if shapes
-- cannot be made to fit.
function surgery.replace(net, name, layer, options)
  local layers = name
  if type(name) == "table" then options = layer else layers = { [name] = layer } end
  local seed = check.options("replace", options, SEED).seed
  local nodes, put = derive.nodes(net), {}
  for _, key in ipairs(sorted(layers)) do
    check_layer(key, layers[key])
    put[net:node(key).name] = layers[key]
  end
  for _, node in ipairs(nodes) do node.layer = put[node.name] or node.layer end
  local changed = derive.net(net, nodes)
  return changed, derive.refit(changed, seed)
end

local widths = { linear = "out_features", conv2d = "out_channels" }

-- head(net, n [, { seed = 0, labels = }]) --> a net whose last linear layer or convolution has n outputs,
-- with new weights from the seed (He et al. 2015), as for other classes. labels: list of the n classes'
-- names. Raises when the last layers are of other kinds.
function surgery.head(net, n, options)
  local o = check.options("head", options, { seed = 0, labels = false })
  check.integer("head", "the number of classes", n, 1)
  if o.labels and #o.labels ~= n then
    error(("head: %d labels for %d classes"):format(#o.labels, n), 2)
  end
  local nodes, last = derive.nodes(net), derive.classifier(net)
  for _, node in ipairs(nodes) do
    if node.name == last.name then
      local changes = { [widths[last.layer.kind]] = n, rng = core.rng.new(o.seed) }
      node.layer = derive.configured(last.layer, changes, {})
    end
  end
  return derive.net(net, nodes, { labels = o.labels })
end

-- ---- Weights anew --------------------------------------------------------------------------------------

-- Glorot & Bengio 2010, eq. 16: uniform in +-sqrt(6 / (fan_in + fan_out)).
local function xavier(t, rng)
  local size = t:size()
  local window = t:count() / (size[1] * size[2])
  local limit = math.sqrt(6 / ((size[1] + size[2]) * window))
  return (core.tensor.rand(rng, size) * 2 - 1) * limit
end

-- The layer with new weights: kernels and matrices by the method, all others as of a new layer.
local function anew(layer, method, rng)
  local made = derive.configured(layer, { rng = rng }, {})
  if method == "xavier" and has_weights[layer.kind] then
    made.params.weight = xavier(made.params.weight, rng)
  end
  return made
end

-- reset(net [, { layers = pattern, method = "he" | "xavier", seed = 0 }]) --> a net with new weights in the
-- layers whose names contain the pattern or match it (default: all): kernels and matrices by He et al. 2015,
-- eq. 10 (normal, variance 2 / fan_in), or Glorot & Bengio 2010 (uniform); biases 0, scales 1, statistics of
-- batch norm 0 and 1. Raises for unknown methods and when no layer with weights matches.
function surgery.reset(net, options)
  local o = check.options("reset", options, { layers = "", method = "he", seed = 0 })
  check.choice("reset", "method", o.method, { "he", "xavier" })
  local nodes, rng, found = derive.nodes(net), core.rng.new(o.seed), false
  for _, node in ipairs(nodes) do
    local matches = node.name:find(o.layers, 1, true) or node.name:find(o.layers)
    if matches and kind_of(node) and next(node.layer.params) then
      node.layer, found = anew(node.layer, o.method, rng), true
    end
  end
  if not found then error(("reset: no layer with weights is called '%s'"):format(o.layers), 2) end
  return derive.net(net, nodes)
end

return surgery
