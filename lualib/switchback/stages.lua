-- The stages of a net: the layers through which everything passes on its way to the output.

-- How often each value is read, constants left out.
local function readers(net)
  local count = {}
  for _, node in ipairs(net.order) do
    for _, value in ipairs(node.inputs) do
      if not net.constants[value] then count[value] = (count[value] or 0) + 1 end
    end
  end
  return count
end

-- Nodes after which one value alone is still to be read.
local function bottlenecks(net)
  local left, waiting, list = readers(net), {}, {}
  local function add(value)
    if (left[value] or 0) > 0 then waiting[value] = true end
  end
  for _, input in ipairs(net.inputs) do add(input.name) end
  for _, node in ipairs(net.order) do
    for _, value in ipairs(node.inputs) do
      if left[value] then left[value] = left[value] - 1 end
      if left[value] == 0 then waiting[value] = nil end
    end
    for _, value in ipairs(node.outputs) do add(value) end
    local value = next(waiting)
    if value == node.outputs[1] and next(waiting, value) == nil then list[#list + 1] = node end
  end
  return list
end

-- Kinds of layers whose answer tells as much as what they were given.
local says_the_same = { lrn = true, dropout = true, flatten = true, reshape = true, squeeze = true,
                        identity = true, softmax = true, log_softmax = true, batchnorm = true, pad = true }
-- Kinds that belong to the layer before them.
local completes = { relu = true, leaky_relu = true, prelu = true, batchnorm = true, elu = true }

local function kind(node) return type(node.layer) ~= "function" and node.layer.kind or nil end

-- stages(net) --> list of names of values, first to last: those that all later ones depend on alone, but for
-- layers that only reshape or normalise, and for what an activation function completes.
return function(net)
  local list, nodes = {}, bottlenecks(net)
  for i, node in ipairs(nodes) do
    local following = nodes[i + 1] and nodes[i + 1].inputs[1] == node.outputs[1] and kind(nodes[i + 1])
    if not says_the_same[kind(node)] and not completes[following] then list[#list + 1] = node.outputs[1] end
  end
  return list
end
