-- One node of an ONNX graph as its operator (operators/*.lua) sees it: attributes, inputs, and
-- `emit`, which adds layers to the network that is being built.
--
-- A node has op, name, domain, inputs, outputs, attributes (as core.onnx reads them), opset and graph.
-- Its inputs are values of the graph: { kind = "runtime" } is a tensor computed by the network,
-- { kind = "constant", data = tensor or array }, and { kind = "shape", eval = f(run) } is an array
-- (array.lua) computed from the shapes of run-time values. Whatever depends on such shapes is asked
-- for with a `run`; before the network runs, asking is answered by raising Node.UNKNOWN_SHAPE.
local array = require "switchback.formats.onnx.array"
local layers = require("switchback.core").layer

local Node = {}
Node.__index = Node

--- Raised by shape_of while no network runs.
Node.UNKNOWN_SHAPE = setmetatable({}, { __tostring = function() return "the shape is not known yet" end })

--- A run is { shape_of = f(value name) --> shape, memo = {} }; this one is before all others.
function Node.before_run()
  return { shape_of = function() error(Node.UNKNOWN_SHAPE, 0) end, memo = {} }
end

--- Refuses the node for that reason ("3-D convolution").
function Node.refuse(_, reason, ...)
  error({ reason = reason:format(...) }, 0)
end

-- How messages of Lua itself begin.
local LUA_STUMBLES <const> = { "^[^\n]*%.lua:%d+: ", "^attempt to ", "^bad argument " }

--- Why a node was refused: reason(what was raised) --> reason, detail. Where the shape of a node made
-- Lua itself stumble (an input is missing, a list too short), that is the file's fault: the reason
-- says so, and only the detail tells where.
function Node.reason(raised)
  if type(raised) == "table" then return raised.reason end
  for _, pattern in ipairs(LUA_STUMBLES) do
    if tostring(raised):find(pattern) then return "has inputs or attributes that do not fit it", raised end
  end
  return tostring(raised)
end

-- ---- Attributes and inputs ----------------------------------------------------------------------

--- The attribute, or the default; refuses a value of another type than the default has.
function Node:attribute(name, default)
  local value = self.attributes[name]
  if value == nil then return default end
  if default ~= nil and type(value) ~= type(default) then
    self:refuse("attribute '%s' is a %s", name, type(value))
  end
  return value
end

--- Whether the optional input i is given.
function Node:has(i)
  return (self.inputs[i] or "") ~= ""
end

--- Whether the optional output i is given and somebody reads it.
function Node:output_used(i)
  return self.graph.used[self.outputs[i] or ""] or false
end

--- The value of input i.
function Node:value(i)
  if not self:has(i) then self:refuse("input %d is missing", i) end
  return self.graph.values[self.inputs[i]]
end

--- Whether input i is a constant.
function Node:is_constant(i)
  return self:has(i) and self:value(i).kind == "constant"
end

--- A constant value as a tensor.
function Node.tensor_of(value)
  if type(value.data) ~= "table" then return value.data end
  value.tensor = value.tensor or array.to_tensor(array.readable(value.data))
  return value.tensor
end

--- The constant input i as a tensor; refuses the node if the network would compute it.
function Node:tensor(i)
  local value = self:value(i)
  if value.kind ~= "constant" then self:refuse("input %d is not a constant", i) end
  return Node.tensor_of(value)
end

--- The single element of the constant input i, or the default if it is not given.
function Node:scalar(i, default)
  if not self:has(i) then return default end
  local t = self:tensor(i)
  if t:count() ~= 1 then self:refuse("input %d is not a single number", i) end
  return t:item()
end

--- The elements of input i as an array: of a constant, or computed from shapes during a run.
function Node:array(i, run)
  local value = self:value(i)
  if value.kind == "runtime" then self:refuse("input %d is computed from activations", i) end
  return self.graph.evaluate(value, run)
end

--- The list given as the attribute `name` or, in newer operator sets, as input i; nil if neither.
function Node:list(name, i, run)
  if self:has(i) then return self:array(i, run) end
  return self:attribute(name)
end

--- The shape of input i during a run.
function Node:shape(i, run)
  local value = self:value(i)
  if value.kind == "runtime" then return run.shape_of(self.inputs[i]) end
  if value.kind == "constant" and type(value.data) ~= "table" then return value.data:size() end
  return self.graph.evaluate(value, run).shape
end

--- Accounts for n elements of constants to be computed at import; refuses the node when the graph wants
-- more than what its file holds can justify.
function Node:spend(n)
  self.graph.budget = self.graph.budget - n
  if self.graph.budget < 0 then self:refuse("computes constants out of proportion to the file") end
end

--- The number of dimensions of input i, or nil where it cannot be told before a run.
function Node:rank(i)
  local shape = self.graph.nominal[self.inputs[i]]
  if self:is_constant(i) then shape = self:shape(i) end
  return shape and #shape
end

-- ---- Emission -----------------------------------------------------------------------------------

--- A new name for a value between the layers that stand for one node.
function Node:between(what)
  local name = self.outputs[1] .. "/" .. what
  while self.graph.taken[name] do name = name .. "'" end
  self.graph.taken[name] = true
  return name
end

-- A configuration as text, to tell whether a layer made for the last run fits this one.
local function signature(config)
  local parts = {}
  for key, value in pairs(config) do
    local text = type(value) == "table" and table.concat(value, ",") or tostring(value)
    parts[#parts + 1] = key .. "=" .. text
  end
  table.sort(parts)
  return table.concat(parts, ";")
end

-- A function(shape_of) -> layer that makes a new layer only when the configuration changes.
local function deferred(node, kind, configure)
  local last, layer
  return function(shape_of)
    local ok, config = pcall(configure, { shape_of = shape_of, memo = {} })
    if not ok then error(("%s (node '%s') %s"):format(node.op, node.outputs[1], Node.reason(config)), 0) end
    local now = signature(config)
    if now ~= last then
      layer, last = layers[kind](config), now
    end
    return layer
  end
end

-- The layer, or a function of shapes if its configuration cannot be told yet.
local function make_layer(node, kind, config)
  if type(config) ~= "function" then return layers[kind](config) end
  local ok, result = pcall(config, Node.before_run())
  if ok then return layers[kind](result) end
  if result ~= Node.UNKNOWN_SHAPE then error(result, 0) end
  return deferred(node, kind, config)
end

-- The constants of these names as tensors, or nil if one is no constant.
local function constant_tensors(graph, names)
  local tensors = {}
  for i, name in ipairs(names) do
    local value = graph.values[name]
    if value.kind ~= "constant" then return nil end
    tensors[i] = Node.tensor_of(value)
  end
  return tensors
end

local function elements(shape)
  local n = 1.0
  for _, extent in ipairs(shape) do n = n * extent end
  return n
end

-- Runs the layer on constants.
local function fold(self, layer, tensors, outputs)
  local shapes = {}
  for i, t in ipairs(tensors) do shapes[i] = t:size() end
  for _, shape in ipairs { layer:infer(table.unpack(shapes)) } do self:spend(elements(shape)) end
  tensors[#tensors + 1] = { tape = false }
  local results = { layer:forward(table.unpack(tensors)) }
  for i, name in ipairs(outputs) do self.graph.values[name] = { kind = "constant", data = results[i] } end
end

--- Adds a layer: emit(kind [, config [, wiring]]) --> the name of its first output.
-- config: the layer's parameters, or a function(run) --> parameters that may ask for shapes.
-- wiring: { inputs = { names }, outputs = { names } }; default: the node's first input and output.
-- A layer whose inputs are all constants runs at once, and its outputs are constants.
function Node:emit(kind, config, wiring)
  wiring = wiring or {}
  local inputs, outputs = wiring.inputs or { self.inputs[1] }, wiring.outputs or { self.outputs[1] }
  if not layers[kind] then self:refuse("there is no layer '%s'", kind) end
  local layer, tensors = make_layer(self, kind, config or {}), constant_tensors(self.graph, inputs)
  if tensors and type(layer) ~= "function" then
    fold(self, layer, tensors, outputs)
  else
    self.graph:add(self, layer, inputs, outputs)
  end
  return outputs[1]
end

--- Makes a constant (a tensor or an array) a value of the graph; answers its name.
function Node:define(name, data)
  self.graph.values[name] = { kind = "constant", data = data }
  return name
end

--- Makes a number a constant of the graph, as an input of arithmetic layers; answers its name.
function Node:number(what, value)
  return self:define(self:between(what), array.to_tensor { shape = { 1 }, value })
end

return Node
