-- The weights of a net that training changes: which they are, whose memory they are in, which are frozen.
local core = require "switchback.core"
local suggest = require "switchback.suggest"

local trainable = {}

-- Which net a tensor's memory belongs to alone: one that this module made for it.
local owner = setmetatable({}, { __mode = "k" })

local function stored_layers(net)
  local at = 0
  return function()
    repeat at = at + 1 until not net.order[at] or type(net.order[at].layer) == "userdata"
    local node = net.order[at]
    if node then return node, core.layer.about(node.layer.kind).weights end
  end
end

-- t as a tensor that no file and no other net looks into; `copies` keeps weights shared that layers share.
local function own_copy(net, t, copies)
  if owner[t] == net then return t end
  if not copies[t] then
    copies[t] = core.half.is(t) and t:float() or t:clone()
    owner[copies[t]] = net
  end
  return copies[t]
end

-- shared(t) --> the tensor (or halves) for another net to use: itself, or a copy while a net trains it.
function trainable.shared(t) return owner[t] and t:clone() or t end

-- Weights and buffers in memory of the net's own.
local function take_over(net)
  local copies = {}
  for node, weights in stored_layers(net) do
    local params = node.layer.params
    for _, weight in ipairs(weights) do
      if params[weight.name] then params[weight.name] = own_copy(net, params[weight.name], copies) end
    end
  end
end

-- The gradient of a weight, summed over the layers that share it; nil before any was computed.
local function gradient_of(p)
  local sum
  for i, layer in ipairs(p.layers) do
    local g = layer.grads and layer.grads[p.keys[i]]
    sum = sum and g and sum + g or sum or g
  end
  return sum
end

local function entry(node, key)
  local p = { name = node.name .. "." .. key, layer = node.layer, key = key,
              value = node.layer.params[key], layers = { node.layer }, keys = { key } }
  function p.gradient() return gradient_of(p) end
  return p
end

-- All weights but buffers, frozen ones too; one that layers share comes once.
local function all(net)
  local list, by_tensor = {}, {}
  for node, weights in stored_layers(net) do
    for _, weight in ipairs(weights) do
      local t = not weight.is_buffer and node.layer.params[weight.name]
      if t and by_tensor[t] then
        table.insert(by_tensor[t].layers, node.layer)
        table.insert(by_tensor[t].keys, weight.name)
      elseif t then
        by_tensor[t] = entry(node, weight.name)
        list[#list + 1] = by_tensor[t]
      end
    end
  end
  return list
end

-- count(net) --> how many numbers parameters(net) has with nothing frozen, without making copies.
function trainable.count(net)
  local total = 0
  for _, p in ipairs(all(net)) do total = total + p.value:count() end
  return total
end

-- parameters(net) --> list of the weights that training changes, in running order, frozen ones and running
-- statistics (batch norm's mean and variance) left out:
--   { name = "features.0.weight", layer =, key = "weight", value = tensor, gradient = function }
-- gradient() is the sum of what backward walks with weights = true added since layer:zero_grads(), or nil.
-- The first call gives the net memory of its own for all weights and statistics: changing a value changes
-- neither a file, nor a net that this one was made from or that was made from it. Weights kept as halves
-- become floats. Layers that an importer makes anew for other input sizes (strided convolutions with
-- auto_pad = SAME) are not trained. `value` stays the layer's tensor until a method of the net replaces the
-- layer.
function trainable.parameters(net)
  take_over(net)
  local list = {}
  for _, p in ipairs(all(net)) do
    if not (net.frozen and net.frozen[p.name]) then list[#list + 1] = p end
  end
  return list
end

-- The weights whose names (LAYER.KEY) contain `pattern` as plain text, or match it as a Lua pattern, in the
-- layers' other names too.
local function matching(net, pattern)
  local found, names, aliases = {}, {}, {}
  for alias, value in pairs(net.aliases) do aliases[value] = alias end
  for _, p in ipairs(all(net)) do
    local layer = p.name:sub(1, -#p.key - 2)
    for _, name in ipairs { p.name, aliases[layer] and aliases[layer] .. "." .. p.key } do
      names[#names + 1] = name
      if name:find(pattern, 1, true) or name:find(pattern) then found[p.name] = true end
    end
  end
  if next(found) == nil then
    error(("no weight is called '%s'%s"):format(pattern, suggest.hint(pattern, names)), 3)
  end
  return found
end

-- freeze(net [, pattern]) --> net. The weights that match, all without a pattern, are left out of parameters
-- from now on. Raises when none matches. A frozen batch norm still collects statistics in training form.
function trainable.freeze(net, pattern)
  net.frozen = net.frozen or {}
  for name in pairs(matching(net, pattern or "")) do net.frozen[name] = true end
  return net
end

-- unfreeze(net [, pattern]) --> net, with those weights trained again.
function trainable.unfreeze(net, pattern)
  for name in pairs(matching(net, pattern or "")) do
    if net.frozen then net.frozen[name] = nil end
  end
  return net
end

return trainable
