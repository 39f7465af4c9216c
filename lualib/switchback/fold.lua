-- Folding: what a batch norm in evaluation does to each channel is taken into the weights of the convolution
-- or linear layer before it, as nets are shipped.
local core = require "switchback.core"
local derive = require "switchback.derive"
local tensor = core.tensor

local foldable = { conv2d = { out = 1 }, linear = { out = 1 }, conv2d_transpose = { out = 2 } }

local function widened(t) return t and core.half.is(t) and t:float() or t end

-- y = factor x + shift for each channel: the factors and the shifts, (C) each, of an evaluation.
local affine = {}
function affine.batchnorm(layer)
  local p = layer.params
  local factor = 1 / (p.variance + layer.config.eps):sqrt()
  if p.weight then factor = factor * p.weight end
  return factor, (p.bias or 0) - p.mean * factor
end
function affine.scale(layer)
  return layer.params.weight, layer.params.bias or tensor.zeros(layer.params.weight:size(1))
end

-- Groups of a transposed convolution share the second dimension of its weights, so they are left alone.
local function is_foldable(layer)
  local kind = type(layer) == "userdata" and foldable[layer.kind]
  return kind and (kind.out == 1 or layer.config.groups == 1)
end

-- w' = factor w by output channel, b' = factor b + shift.
local function folded(layer, factor, shift)
  local w, shape = widened(layer.params.weight), {}
  for i = 1, w:dim() do shape[i] = i == foldable[layer.kind].out and factor:count() or 1 end
  local bias = widened(layer.params.bias)
  return derive.configured(layer, { bias = true },
    { weight = w * factor:reshape(shape), bias = bias and bias * factor + shift or shift:clone() })
end

local function count_readers(net)
  local count = {}
  for _, node in ipairs(net.order) do
    for _, value in ipairs(node.inputs) do count[value] = (count[value] or 0) + 1 end
  end
  for _, value in ipairs(net.outputs) do count[value] = (count[value] or 0) + 1 end
  return count
end

local function rename(nodes, outputs, from, to)
  for _, node in ipairs(nodes) do
    for i, value in ipairs(node.inputs) do node.inputs[i] = value == from and to or value end
  end
  for i, value in ipairs(outputs) do outputs[i] = value == from and to or value end
end

-- The aliases of the net with renamed values, and the old names as aliases.
local function renamed_aliases(net, renamed)
  local aliases = {}
  for name, value in pairs(net.aliases) do aliases[name] = renamed[value] or value end
  for from, to in pairs(renamed) do aliases[from] = to end
  return aliases
end

-- fold(net) --> a net without the batch norms (and layers of kind scale) that directly follow a convolution
-- or a linear layer which nothing else reads: in evaluation it computes the same, to rounding. The
-- convolution's value is what the batch norm's was, whose name becomes an alias of it. The old net is as it
-- was.
return function(net)
  local kept, renamed, outputs = {}, {}, { table.unpack(net.outputs) }
  local nodes, count, maker = derive.nodes(net), count_readers(net), {}
  for _, node in ipairs(nodes) do
    local from, to = node.outputs[1], node.inputs[1]
    local as_affine, before = affine[type(node.layer) == "userdata" and node.layer.kind], maker[to]
    if as_affine and before and is_foldable(before.layer) and count[to] == 1 then
      before.layer = folded(before.layer, as_affine(node.layer))
      renamed[from], count[to] = to, count[from]
      rename(nodes, outputs, from, to)
    else
      kept[#kept + 1] = node
      for _, value in ipairs(node.outputs) do maker[value] = node end
    end
  end
  return derive.net(net, kept, { outputs = outputs, aliases = renamed_aliases(net, renamed) })
end
