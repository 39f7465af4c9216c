-- Nets of Torch7's nn (and cudnn) modules as network descriptions (net.lua). A layer is called as the `name`
-- field of its module says (loadcaffe sets one), or by the numbers that lead to it: "3", "5.2.1".
local convert = require "switchback.formats.torch.modules"
local core = require "switchback.core"

local Graph = {}
Graph.__index = Graph

local nn = {}

local MOST <const>, DEEPEST <const> = 100000, 100 -- modules; containers inside of containers
local PLACES <const> = { "model", "net", "network" } -- where training scripts keep the net in what they save

-- class_of(object) --> "nn.Linear"; nil for what is no instance of a class.
local function class_of(object)
  local meta = type(object) == "table" and getmetatable(object)
  return meta and meta.__name and meta.__name:gsub("^cudnn%.", "nn.") or nil
end

local function fail(format, ...) error(format:format(...), 0) end

-- ---- Values and nodes -----------------------------------------------------------------------------------
-- A value is the name of one activation, or a list of values, where modules hand on tables.

-- A name that no other node has.
function Graph:unique(name)
  local free, n = name, 1
  while self.taken[free] do n, free = n + 1, name .. "_" .. n + 1 end
  self.taken[free] = true
  return free
end

function Graph:node(kind, name, inputs, config)
  local layer = core.layer[kind](config or {})
  for _, input in ipairs(inputs) do
    if type(input) ~= "string" then fail "it takes one activation, but is given a table" end
  end
  name = self:unique(name)
  table.insert(self.nodes, { name = name, inputs = inputs, layer = layer })
  return name
end

function Graph:constant(name, value)
  name = self:unique(name .. "/constant")
  self.constants[name] = core.tensor.full(value)
  return name
end

-- ---- Containers -----------------------------------------------------------------------------------------

local containers = {}

-- The value of a module; `path` is the list of the numbers that lead to it.
function Graph:module(module, input, path)
  local class = class_of(module) or fail("module '%s' is none", path)
  self.count = self.count + 1
  local _, depth = path:gsub("%.", "")
  if self.count > MOST or depth > DEEPEST then
    fail("has more than %d modules, or some nested more than %d deep", MOST, DEEPEST)
  end
  local name = type(module.name) == "string" and module.name or path
  local container = containers[class:match "^nn%.(.*)$" or ""]
  if container then return container(self, module, input, path, name) end
  local action = convert[class:match "^nn%.(.*)$" or ""]
  if action then
    local ok, value = pcall(action, self, module, input, name)
    return ok and value or fail("module '%s', %s: %s", name, class, value)
  end
  table.insert(self.unknown, ("%s (module '%s')"):format(class, name))
  return input
end

local function children(module, path)
  local list = {}
  for i, child in ipairs(type(module.modules) == "table" and module.modules or {}) do
    list[i] = { child, path == "" and tostring(i) or path .. "." .. i }
  end
  return list
end

function containers.Sequential(graph, module, input, path)
  for _, child in ipairs(children(module, path)) do input = graph:module(child[1], input, child[2]) end
  return input
end

local function branches(graph, module, input, path)
  local outputs = {}
  for i, child in ipairs(children(module, path)) do outputs[i] = graph:module(child[1], input, child[2]) end
  return outputs
end

containers.ConcatTable = branches

function containers.ParallelTable(graph, module, input, path)
  local outputs = {}
  for i, child in ipairs(children(module, path)) do
    outputs[i] = graph:module(child[1], input[i], child[2])
  end
  return outputs
end

-- Of a batch the channels are dimension 2, of a single example 1.
function containers.Concat(graph, module, input, path, name)
  return graph:node("concat", name == "" and "concat" or name, branches(graph, module, input, path),
    { axis = math.max(2, math.tointeger(module.dimension) or 2) })
end

containers.DepthConcat = containers.Concat

-- ---- Descriptions -----------------------------------------------------------------------------------------

-- The first module with a known number of inputs tells the shape of the net's input.
local function input_shape(module)
  if math.tointeger(module.nInputPlane) then return { 0, math.tointeger(module.nInputPlane), 0, 0 } end
  if class_of(module) == "nn.Linear" then return { 0, module.weight:size(2) } end
  for _, child in ipairs(children(module, "")) do
    local shape = class_of(child[1]) and input_shape(child[1])
    if shape then return shape end
  end
end

local function find_net(object)
  if class_of(object) then return object end
  for _, place in ipairs(PLACES) do
    if type(object) == "table" and class_of(object[place]) then return object[place] end
  end
  fail "holds no net of nn modules; sb.torch.load reads what it holds"
end

--- describe(object) --> description for sb.net of an nn module as t7.lua reads it, or of a table that has one
-- under `model`, `net` or `network`. Raises, listing them all, for modules that no layer here stands for.
function nn.describe(object)
  local net = find_net(object)
  local graph = setmetatable({ nodes = {}, taken = { input = true }, constants = {}, unknown = {},
                               count = 0 }, Graph)
  local output = graph:module(net, "input", class_of(net) == "nn.Sequential" and "" or "1")
  if #graph.unknown > 0 then
    fail("has modules that no layer stands for: %s", table.concat(graph.unknown, ", "))
  end
  if #graph.nodes == 0 then fail "has no modules that compute" end
  return { inputs = { { name = "input", shape = input_shape(net) or { 0, 3, 0, 0 } } }, nodes = graph.nodes,
           outputs = type(output) == "table" and output or { output }, constants = graph.constants,
           aliases = {} }
end

return nn
