-- Removing layers: what read them reads what they read.
local suggest = require "switchback.suggest"

local goes_along = { batchnorm = true, instancenorm = true, scale = true, lrn = true, dropout = true,
                     relu = true, leaky_relu = true, prelu = true, elu = true, clip = true, tanh = true,
                     sigmoid = true }

local has_weights = { conv2d = true, conv2d_transpose = true, linear = true }

local function kind_of(node) return type(node.layer) == "userdata" and node.layer.kind end

local function readers(nodes, value)
  local list = {}
  for _, node in ipairs(nodes) do
    for _, input in ipairs(node.inputs) do
      if input == value then list[#list + 1] = node end
    end
  end
  return list
end

-- ---- Layers of a chain ---------------------------------------------------------------------------------

-- Marks the node and, after a layer with weights, the normalisation, rectifier and dropout that it feeds
-- alone: instead[value] is then what stands for its value.
local function mark(nodes, node, instead, follows)
  if #node.inputs ~= 1 or #node.outputs ~= 1 then
    error(("without: '%s' joins or splits values, and only layers of a chain can be removed")
      :format(node.name), 0)
  end
  instead[node.outputs[1]] = node.inputs[1]
  local after = readers(nodes, node.outputs[1])
  if #after == 1 and goes_along[kind_of(after[1])] and (follows or has_weights[kind_of(node)]) then
    mark(nodes, after[1], instead, true)
  end
end

-- ---- Blocks --------------------------------------------------------------------------------------------

-- The layers below a name, and that of the name: { [node] = true }; what they make: { [value] = true }.
local function members(nodes, name)
  local inside, made = {}, {}
  for _, node in ipairs(nodes) do
    local rest = node.name:sub(1, #name) == name and node.name:sub(#name + 1)
    if rest and (rest == "" or rest:find "^[./]") then
      inside[node] = true
      for _, value in ipairs(node.outputs) do made[value] = true end
    end
  end
  return inside, made
end

-- The values that a block reads, and those of it that others read.
local function ends(net, nodes, inside, made)
  local reads, gives, seen = {}, {}, {}
  local function add(list, value)
    if not seen[value] then list[#list + 1] = value end
    seen[value] = true
  end
  for _, node in ipairs(nodes) do
    for _, value in ipairs(node.inputs) do
      if inside[node] and not made[value] and not net.constants[value] then add(reads, value) end
      if not inside[node] and made[value] then add(gives, value) end
    end
  end
  for _, value in ipairs(net.outputs) do
    if made[value] then add(gives, value) end
  end
  return reads, gives
end

-- Every value of the block stands aside for what the block reads; others read its one output only.
local function mark_block(net, nodes, name, instead)
  local inside, made = members(nodes, name)
  if not next(inside) then
    error(("no layers are below '%s'%s"):format(name, suggest.hint(name, net:names())), 0)
  end
  local reads, gives = ends(net, nodes, inside, made)
  if #reads ~= 1 or #gives ~= 1 then
    error(("without: '%s.*' has %d inputs and %d outputs, and only blocks with one of each can be removed")
      :format(name, #reads, #gives), 0)
  end
  for value in pairs(made) do instead[value] = reads[1] end
end

-- bypass(net, names, nodes) --> the nodes that are left of `nodes` (derive.nodes(net)), reading what they now
-- read; the net's outputs. See surgery.without.
return function(net, names, nodes)
  local instead, kept, outputs = {}, {}, {}
  for _, name in ipairs(names) do
    local block = name:match "^(.*)[./]%*$"
    if block then mark_block(net, nodes, block, instead) else mark(nodes, net:node(name), instead) end
  end
  local function stand_in(value)
    while instead[value] do value = instead[value] end
    return value
  end
  for _, node in ipairs(nodes) do
    if not instead[node.outputs[1]] then kept[#kept + 1] = node end
    for i, value in ipairs(node.inputs) do node.inputs[i] = stand_in(value) end
  end
  for i, value in ipairs(net.outputs) do outputs[i] = stand_in(value) end
  if #kept == 0 then error("without: no layer would be left", 0) end
  return kept, outputs
end
