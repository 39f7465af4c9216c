-- From the tables of an ONNX file to the description of a network.
--
-- The graph is walked once, in its order. Each node is evaluated on the host if it computes about
-- constants and shapes, or else turned into layers by its operator. Nodes that neither can take are
-- collected, so that one message names them all.
local fold = require "switchback.formats.onnx.fold"
local host = require "switchback.formats.onnx.host"
local Node = require "switchback.formats.onnx.node"
local operators = require "switchback.formats.onnx.operators"
local wellformed = require "switchback.formats.onnx.wellformed"

local Graph = {}
Graph.__index = Graph

local OLDEST_OPSET <const>, NEWEST_OPSET <const> = 1, 18

-- Elements that constants computed at import may have: this many, and in proportion to the file's own.
local FREE_ELEMENTS <const>, GROWTH <const> = 1 << 22, 4

-- What reads a refused node's outputs is not to blame: it is skipped in silence.
local SKIPPED <const> = "follows a refused node"

-- ---- Building the network -----------------------------------------------------------------------

-- What stands for free extents when a rank is worked out: one image of 224x224.
local function nominal_shape(dims)
  local shape = {}
  for i, extent in ipairs(dims) do shape[i] = extent > 0 and extent or (i > 2 and 224 or 1) end
  return shape
end

-- Records the outputs' shapes as far as they can be told before any run.
local function infer_nominal(self, layer, inputs, outputs)
  local shapes = {}
  for i, name in ipairs(inputs) do
    shapes[i] = self.nominal[name] or (self.constants[name] and self.constants[name]:size())
    if not shapes[i] then return end
  end
  local results = table.pack(pcall(function()
    if type(layer) == "function" then
      layer = layer(function(name) return self.nominal[name] or error(Node.UNKNOWN_SHAPE, 0) end)
    end
    return layer:infer(table.unpack(shapes))
  end))
  for i, name in ipairs(results[1] and outputs or {}) do self.nominal[name] = results[i + 1] end
end

--- Adds a node to the network; its constant inputs become constants of the network.
function Graph:add(node, layer, inputs, outputs)
  for i, name in ipairs(inputs) do
    local value = self.values[name] or node:refuse("input %d is missing", i)
    if value.kind == "constant" then self.constants[name] = Node.tensor_of(value) end
    if value.kind == "shape" then node:refuse("computes with input %d, which comes from shapes", i) end
  end
  infer_nominal(self, layer, inputs, outputs)
  for _, name in ipairs(outputs) do self.values[name] = { kind = "runtime" } end
  self.nodes[#self.nodes + 1] = { name = outputs[1], inputs = inputs, outputs = outputs, layer = layer }
end

-- ---- The walk -----------------------------------------------------------------------------------

local function check_node(self, node)
  if node.domain ~= "" and node.domain ~= "ai.onnx" then node:refuse("is of the domain '%s'", node.domain) end
  if #node.outputs == 0 then node:refuse("has no outputs") end
  for _, name in ipairs(node.outputs) do
    if self.values[name] then node:refuse("computes '%s', which exists already", name) end
  end
  for i, name in ipairs(node.inputs) do
    local value = self.values[name]
    if not value and name ~= "" then node:refuse("reads '%s', which nothing before it computes", name) end
    if value and value.kind == "refused" then node:refuse(value.reason, i) end
  end
end

local function import_node(self, node)
  check_node(self, node)
  if not (fold[node.op] or operators[node.op]) then node:refuse("is not supported") end
  wellformed.check(node)
  if host.takes(node) then
    host.run(node)
  elseif operators[node.op] then
    operators[node.op](node)
  else
    node:refuse("works on constants and shapes only")
  end
end

local function note_trouble(self, node, trouble)
  local reason, detail = Node.reason(trouble)
  if reason ~= SKIPPED then
    local name = node.name ~= "" and node.name or node.outputs[1] or "?"
    self.troubles[#self.troubles + 1] = { op = node.op, node = name, reason = reason, detail = detail }
  end
  for _, name in ipairs(node.outputs) do
    self.values[name] = self.values[name] or { kind = "refused", reason = SKIPPED }
  end
end

-- Outputs that are left out get names of their own, so that layers may write them.
local function name_outputs(node)
  for i, name in ipairs(node.outputs) do
    if name == "" then node.outputs[i] = node:between("unused_" .. i) end
  end
end

local function walk(self, model)
  for _, node in ipairs(model.nodes) do
    node.graph, node.opset = self, model.opsets[""] or 1
    setmetatable(node, Node)
    name_outputs(node)
    local ok, trouble = pcall(import_node, self, node)
    if not ok then note_trouble(self, node, trouble) end
  end
end

-- ---- Inputs and outputs of the graph ------------------------------------------------------------

local FLOATS <const> = { float32 = true, float16 = true, float64 = true, bfloat16 = true }

local function input_value(input)
  if not FLOATS[input.dtype] then
    return { kind = "refused", reason = "input %d is of type " .. input.dtype }
  end
  if not input.dims then return { kind = "refused", reason = "input %d is of unknown rank" } end
  return { kind = "runtime", dtype = input.dtype }
end

-- Graph inputs that are neither initialisers nor bound by options.constants are the network's.
local function declare_inputs(self, model, bound)
  local inputs = {}
  for name, data in pairs(model.initializers) do self.values[name] = { kind = "constant", data = data } end
  for _, input in ipairs(model.inputs) do
    local name = input.name
    if bound[name] then
      self.values[name] = { kind = "constant", data = bound[name], dtype = input.dtype }
    elseif not self.values[name] then
      self.values[name] = input_value(input)
      if self.values[name].kind == "runtime" then
        self.nominal[name] = nominal_shape(input.dims)
        inputs[#inputs + 1] = { name = name, shape = input.dims }
      end
    end
  end
  return inputs
end

local function check_bound(self, model, bound)
  local names = {}
  for _, input in ipairs(model.inputs) do names[input.name] = true end
  for name in pairs(bound) do
    if not names[name] then
      note_trouble(self, { op = "Constant", name = name, outputs = {} }, "is no input of the graph")
    end
  end
end

-- A constant that is an output becomes a constant of the network.
local function keep_constant(self, name, value)
  local ok, tensor = pcall(Node.tensor_of, value)
  if ok then
    self.constants[name] = tensor
  else
    note_trouble(self, { op = "Output", name = name, outputs = {} }, tensor)
  end
end

-- Names of the outputs that the network has as tensors: not those computed from shapes alone.
local function list_outputs(self, model)
  local names = {}
  for _, output in ipairs(model.outputs) do
    local value = self.values[output.name] or { kind = "refused" }
    if value.kind == "constant" then keep_constant(self, output.name, value) end
    if value.kind == "runtime" or value.kind == "constant" then names[#names + 1] = output.name end
  end
  return names
end

-- Layers can also be called by their ONNX node's name.
local function list_aliases(self, model)
  local aliases = {}
  for _, node in ipairs(model.nodes) do
    local value = self.values[node.outputs[1]]
    if not self.values[node.name] and value and value.kind == "runtime" then
      aliases[node.name] = node.outputs[1]
    end
  end
  aliases[""] = nil
  return aliases
end

-- The names that somebody reads, and all names.
local function list_names(model)
  local used, taken = {}, {}
  for _, node in ipairs(model.nodes) do
    for _, name in ipairs(node.inputs) do used[name], taken[name] = true, true end
    for _, name in ipairs(node.outputs) do taken[name] = true end
  end
  for _, output in ipairs(model.outputs) do used[output.name], taken[output.name] = true, true end
  used[""] = nil
  return used, taken
end

local function count_elements(model)
  local total = 0
  for _, value in pairs(model.initializers) do
    total = total + (type(value) == "table" and #value or value:count())
  end
  return total
end

local function new_graph(model)
  local used, taken = list_names(model)
  return setmetatable({
    values = {}, nominal = {}, nodes = {}, constants = {}, troubles = {}, used = used, taken = taken,
    budget = FREE_ELEMENTS + GROWTH * count_elements(model), evaluate = host.evaluate,
  }, Graph)
end

local importer = {}

--- describe(model [, constants]) --> description, graph; or nil, troubles.
-- model: what core.onnx.read answers (it is changed). constants: { [graph input] = tensor or array }
-- binds inputs of the graph that are no inputs of the network. The description is that of
-- switchback.net; graph.values and graph.evaluate tell what was computed about shapes.
-- troubles: { { op =, node =, reason =, detail = }, ... }, one for each node that cannot be had.
function importer.describe(model, constants)
  local opset = model.opsets[""] or 1
  if opset < OLDEST_OPSET or opset > NEWEST_OPSET then
    local reason = ("is of operator set %d, %d to %d are read"):format(opset, OLDEST_OPSET, NEWEST_OPSET)
    return nil, { { op = "Model", node = model.name, reason = reason } }
  end
  local self = new_graph(model)
  check_bound(self, model, constants or {})
  local inputs = declare_inputs(self, model, constants or {})
  walk(self, model)
  local outputs = list_outputs(self, model)
  if #self.troubles > 0 then return nil, self.troubles end
  return {
    inputs = inputs, nodes = self.nodes, constants = self.constants, outputs = outputs,
    aliases = list_aliases(self, model),
  }, self
end

return importer
