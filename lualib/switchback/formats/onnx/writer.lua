-- Networks as ONNX files, operator set 13: each layer becomes the nodes that writers/*.lua say.
local about = require "switchback.formats.about"
local core = require "switchback.core"
local file = require "switchback.file"
local fitting = require "switchback.fitting"
local json = require "switchback.json"
local writers = require "switchback.formats.onnx.writers"
local sorted = require "switchback.keys"

local writer = {}

local OPSET <const>, IR_VERSION <const> = 13, 7

-- What a layer's writer works with: node and layer, the parameters `config` and `params` (weights as
-- tensors), the shapes of its inputs, and methods that add to the model.
local Emitter = {}
Emitter.__index = Emitter

--- Refuses the layer: the whole file is then not written.
function Emitter:refuse(reason, ...)
  error(("layer '%s' (%s) %s"):format(self.node.name, self.layer.kind, reason:format(...)), 0)
end

-- A name of an initialiser that nothing has yet.
local function free_name(model, wanted)
  while model.taken[wanted] do wanted = wanted .. "'" end
  model.taken[wanted] = true
  return wanted
end

--- tensor(t, what) --> the name of a constant. t: a tensor, or a list of integers. A tensor that several
-- nodes use is stored once.
function Emitter:tensor(t, what)
  local model = self.model
  local name = model.stored[t]
  if not name then
    name = free_name(model, fitting.weight_name(self.node.name, what))
    model.stored[t] = name
    table.insert(model.initializers, { name = name, value = t })
  end
  return name
end

--- number(x, what) --> the name of a constant of rank 0.
function Emitter:number(x, what) return self:tensor(core.tensor.tensor { x }:reshape({}), what) end

local function sorted_attributes(attributes)
  local list = {}
  for name, value in pairs(attributes or {}) do list[#list + 1] = { name = name, value = value } end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

--- emit(op, inputs [, attributes [, outputs]]) adds a node from those values to the layer's outputs. An
-- attribute is an integer, a float (math.type), a string or a list of numbers.
function Emitter:emit(op, inputs, attributes, outputs)
  local name = outputs and outputs[1] or self.node.name
  table.insert(self.model.nodes, { op = op, name = name, inputs = inputs,
    outputs = outputs or self.node.outputs, attributes = sorted_attributes(attributes) })
end

--- step(what, op, inputs [, attributes]) --> the name of a value between the nodes that stand for one layer.
function Emitter:step(what, op, inputs, attributes)
  local name = free_name(self.model, self.node.outputs[1] .. "/" .. what)
  self:emit(op, inputs, attributes, { name })
  return name
end

--- weight(name) --> the layer's weight as the name of a constant, or nil if it has none.
function Emitter:weight(name)
  local t = self.params[name]
  return t and self:tensor(t, name)
end

-- ---- The graph -----------------------------------------------------------------------------------

-- Weights as tensors: halves are widened, once each.
local function widened(layer, floats)
  local params = {}
  for key, t in pairs(layer.params) do
    if core.half.is(t) then
      floats[t] = floats[t] or t:float()
      t = floats[t]
    end
    params[key] = t
  end
  return params
end

local function shapes_of(values, shapes)
  local list = {}
  for i, value in ipairs(values) do list[i] = shapes[value] end
  return list
end

local function write_node(model, node, layer, shapes)
  local self = setmetatable({ model = model, node = node, layer = layer, config = layer.config,
    shapes = shapes_of(node.inputs, shapes), output_shapes = shapes_of(node.outputs, shapes),
    params = widened(layer, model.floats) }, Emitter)
  local write = writers[layer.kind] or self:refuse "has no counterpart in ONNX"
  write(self, node.inputs)
end

local function infos(names, shapes, is_fixed)
  local list = {}
  for i, name in ipairs(names) do
    list[i] = { name = name, dims = {} }
    for d, extent in ipairs(shapes[name]) do list[i].dims[d] = is_fixed and extent or 0 end
  end
  return list
end

-- Whether a layer was made for these shapes alone.
local function has_made_for_shape(net)
  for _, node in ipairs(net.order) do
    if type(node.layer) == "function" then return true end
  end
  return false
end

local function add_inputs(model, net, shapes, is_fixed)
  for i, input in ipairs(net.inputs) do
    local dims = is_fixed and shapes[input.name] or input.shape
    model.inputs[i] = { name = input.name, dims = dims }
    model.taken[input.name] = true
  end
end

--- model(net [, shape]) --> the table that core.onnx.append writes. shape: of the first input, for layers
-- that depend on it (default as of net:shapes); a network that has such is written for that shape only.
-- Raises, naming the layer, for those that operator set 13 has nothing for.
function writer.model(net, shape)
  local shapes, layers = net:shapes(shape)
  local is_fixed = shape ~= nil or has_made_for_shape(net)
  local model = { ir_version = IR_VERSION, opset = OPSET, producer = "switchback", name = "net", inputs = {},
                  nodes = {}, initializers = {}, taken = {}, stored = {}, floats = {},
                  metadata = { { key = about.ONNX_KEY, value = json.encode(about.of(net), 17) } } }
  add_inputs(model, net, shapes, is_fixed)
  for _, name in ipairs(sorted(net.constants)) do
    model.taken[name] = true
    table.insert(model.initializers, { name = name, value = net.constants[name] })
  end
  for _, node in ipairs(net.order) do
    for _, value in ipairs(node.outputs) do model.taken[value] = true end
  end
  for _, node in ipairs(net.order) do write_node(model, node, layers[node], shapes) end
  model.outputs = infos(net.outputs, shapes, is_fixed)
  return model
end

--- save(path, net, options) --> true; or nil, message. options.shape as above; half and metadata are for
-- other formats. The file appears whole or not at all.
function writer.save(path, net, options)
  if options.half or options.metadata then
    error("save: half and metadata are for .safetensors only", 0)
  end
  local model = writer.model(net, options.shape or nil)
  return file.write(path, function(f) return core.onnx.append(f, model) end)
end

return writer
