-- New nets from old ones: layers of their own over weights that are shared as long as nobody trains them, and
-- weights made anew where a layer no longer fits what it reads.
local core = require "switchback.core"
local graph = require "switchback.graph"
local merged = require "switchback.merged"
local net_module = require "switchback.net"
local trainable = require "switchback.trainable"

local derive = {}

-- configured(layer, changes, weights) --> a layer of that kind and configuration but for `changes` (a table),
-- with `weights` ({ name = tensor }); those that are missing are drawn by changes.rng.
function derive.configured(layer, changes, weights)
  local config = merged(layer.config, changes)
  for key, t in pairs(weights) do
    if config[key] ~= false then config[key] = t end
  end
  return core.layer[layer.kind](config)
end

-- copy(layer [, change]) --> a layer of its own with the same weights, each as change(tensor) answers it
-- (default: shared, unless they are being trained).
function derive.copy(layer, change)
  if type(layer) == "function" then return layer end
  local weights = {}
  for key, t in pairs(layer.params) do weights[key] = (change or trainable.shared)(t) end
  return derive.configured(layer, {}, weights)
end

-- nodes(net [, change]) --> copies of the net's nodes in running order, to be changed at will.
function derive.nodes(net, change)
  local nodes = {}
  for i, node in ipairs(net.order) do
    nodes[i] = { name = node.name, layer = derive.copy(node.layer, change),
                 inputs = { table.unpack(node.inputs) }, outputs = { table.unpack(node.outputs) } }
  end
  return nodes
end

-- Entries of t whose value `made` knows, and those among the inputs that one of the nodes reads.
local function only_known(t, made)
  local out = {}
  for key, value in pairs(t) do
    if made[value] ~= nil then out[key] = value end
  end
  return out
end

local function read_by(nodes, outputs)
  local read = {}
  for _, node in ipairs(nodes) do
    for _, value in ipairs(node.inputs) do read[value] = true end
  end
  for _, value in ipairs(outputs) do read[value] = true end
  return read
end

-- net(old, nodes [, changes]) --> a net of these nodes with what else the old one had; changes: { outputs =,
-- aliases = { more }, labels = list or false }. Nodes that the outputs do not need, inputs and constants that
-- nothing reads and aliases of what is gone are left out.
function derive.net(old, nodes, changes)
  changes = changes or {}
  local d = { nodes = {}, inputs = {}, constants = {}, outputs = changes.outputs or merged(old.outputs),
              preprocess = merged(old.preprocess), source = old.source, frozen = merged(old.frozen),
              styles = old.styles }
  if not old.preprocess then d.preprocess = nil end
  local whole = { nodes = nodes, inputs = old.inputs, constants = old.constants }
  local needed = graph.ancestors(graph.producers(whole), d.outputs)
  for _, node in ipairs(nodes) do
    if needed[node] then table.insert(d.nodes, node) end
  end
  local read = read_by(d.nodes, d.outputs)
  for _, input in ipairs(old.inputs) do
    if read[input.name] then table.insert(d.inputs, input) end
  end
  for value, t in pairs(old.constants) do d.constants[value] = read[value] and t or nil end
  d.labels = changes.labels or changes.labels == nil and old.labels or nil
  d.aliases = only_known(merged(old.aliases, changes.aliases), graph.producers(d))
  return net_module.new(d)
end

local behind_scores = { softmax = true, log_softmax = true, identity = true, dropout = true, flatten = true,
                        reshape = true, squeeze = true, relu = true, global_avgpool = true, avgpool = true }

local gives_scores = { linear = true, conv2d = true }

-- classifier(net) --> the node, a linear layer or a convolution, whose outputs become the classes' scores.
-- Raises where the last layers are of other kinds.
function derive.classifier(net)
  local function kind_of(node) return type(node.layer) == "userdata" and node.layer.kind end
  local node = net.made[net.outputs[1]]
  while node and behind_scores[kind_of(node)] do node = net.made[node.inputs[1]] end
  if not node or not gives_scores[kind_of(node)] then
    error(("head: '%s' does not come from a linear layer or a convolution"):format(net.outputs[1]), 0)
  end
  return node
end

-- ---- Layers that no longer fit -------------------------------------------------------------------

-- The parameters that say how many channels or features a layer reads, for inputs of that shape.
local fitted = {}
function fitted.linear(_, shape) return { in_features = shape[#shape] } end
function fitted.conv2d(config, shape)
  local depthwise = config.groups > 1 and config.groups == config.in_channels
  if not depthwise then return { in_channels = shape[2] } end
  return { in_channels = shape[2], groups = shape[2],
           out_channels = config.out_channels // config.in_channels * shape[2] }
end
fitted.conv2d_transpose = fitted.conv2d
for _, kind in ipairs { "batchnorm", "instancenorm", "conditional_instancenorm", "scale", "prelu" } do
  fitted[kind] = function(_, shape) return { channels = shape[2] } end
end

-- The layer if it takes inputs of those shapes, or one like it that does; and whether it is another.
local function fit(node, layer, shapes, rng)
  local ok, message = pcall(layer.infer, layer, table.unpack(shapes))
  if ok then return layer, false end
  local adapt, made = fitted[layer.kind], nil
  if adapt and shapes[1][2] then
    local changes = adapt(layer.config, shapes[1])
    changes.rng = rng
    made = select(2, pcall(derive.configured, layer, changes, {}))
    ok = type(made) == "userdata" and pcall(made.infer, made, table.unpack(shapes))
  end
  if not ok then error(("layer '%s': %s"):format(node.name, message), 0) end
  return made, true
end

-- refit(net, seed) --> list of the names of the layers whose weights did not fit what they now read, for an
-- input as of net:shapes. They got others, drawn as He et al. 2015 from the seed. Raises for layers that
-- cannot be made to fit.
function derive.refit(net, seed)
  local shapes, remade, rng = net:shapes(nil, {}), {}, core.rng.new(seed)
  local function shape_of(value) return shapes[value] end
  for _, node in ipairs(net.order) do
    local inputs = {}
    for i, value in ipairs(node.inputs) do inputs[i] = shapes[value] end
    local layer, changed = fit(node, net.layer_of(node, shape_of), inputs, rng)
    if changed then
      node.layer = layer
      remade[#remade + 1] = node.name
    end
    local outputs = { layer:infer(table.unpack(inputs)) }
    for i, value in ipairs(node.outputs) do shapes[value] = outputs[i] end
  end
  return remade
end

return derive
