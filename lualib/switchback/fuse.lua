-- Fusing: which neighbouring nodes run as one step. A convolution takes in the batch normalisation (in
-- evaluation, folded into its weights) and the ReLU that follow it, if nothing else reads or asked for
-- what lies between. Folding rounds the weights anew, so exact mode does without.
local core = require "switchback.core"
local layers, precision = core.layer, core.system.precision

local fuse = {}

-- How many of the nodes read each value.
local function reader_counts(nodes)
  local counts, reader = {}, {}
  for _, node in ipairs(nodes) do
    for _, value in ipairs(node.inputs) do
      counts[value] = (counts[value] or 0) + 1
      reader[value] = node
    end
  end
  return counts, reader
end

-- w' = w * s, b' = (b - mean) * s + beta with s = gamma / sqrt(variance + eps), per output channel.
local function folded(conv, norm)
  local p, config = norm.params, conv.config
  local scale = 1 / (p.variance + norm.config.eps):sqrt()
  if p.weight then scale = scale * p.weight end
  local bias = (conv.params.bias or 0) - p.mean
  config.weight = conv.params.weight * scale:reshape(-1, 1, 1, 1)
  config.bias = bias * scale + (p.bias or 0)
  return layers.conv2d(config)
end

-- The folded layer of a pair, made again when weights of either have changed.
local function folded_layer(conv_node, norm_node)
  local conv, norm = conv_node.layer, norm_node.layer
  local cache = conv_node.folded
  if not cache or cache.norm ~= norm or cache.conv ~= conv or cache.conv_version ~= conv.version or
      cache.norm_version ~= norm.version then
    cache = { conv = conv, norm = norm, conv_version = conv.version, norm_version = norm.version,
              layer = folded(conv, norm) }
    conv_node.folded = cache
  end
  return cache.layer
end

local function is_a(node, kind) return type(node.layer) ~= "function" and node.layer.kind == kind end

-- steps(nodes, visible, may_fuse) --> list of steps in running order:
-- { nodes = {..}, layer = layer or function, inputs, outputs, relu = node or nil, hidden = {values} }.
-- visible: set of values that must exist after the run.
function fuse.steps(nodes, visible, may_fuse)
  local counts, reader = reader_counts(nodes)
  local steps, taken = {}, {}
  local function follower(value, kind)
    if not may_fuse or visible[value] or counts[value] ~= 1 then return nil end
    return is_a(reader[value], kind) and reader[value]
  end
  local function absorb(step, node)
    step.hidden[#step.hidden + 1] = step.outputs[1]
    step.nodes[#step.nodes + 1], step.outputs, taken[node] = node, node.outputs, true
  end
  local function extend(step, node)
    local norm = is_a(node, "conv2d") and precision() == "fast" and follower(node.outputs[1], "batchnorm")
    if norm then
      absorb(step, norm)
      step.layer = folded_layer(node, norm)
    end
    local relu = step.layer.finishes and follower(step.outputs[1], "relu")
    if relu then
      absorb(step, relu)
      step.relu = relu
    end
  end
  for _, node in ipairs(nodes) do
    if not taken[node] then
      local step = { nodes = { node }, layer = node.layer, inputs = node.inputs,
                     outputs = node.outputs, hidden = {} }
      if type(node.layer) ~= "function" then extend(step, node) end
      steps[#steps + 1] = step
    end
  end
  return steps
end

return fuse
