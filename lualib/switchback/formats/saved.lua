-- Whole networks as safetensors files: the tensors, and in the metadata, under "switchback.net", the graph as
-- JSON:
--   { format = 1, inputs = [{name, shape}], outputs = [name], aliases = {other name: value},
--     constants = {value: tensor}, preprocess = {...} (preprocess.lua), labels = [text], styles = [text],
--     nodes = [{name, kind, config = {parameter: value}, weights = {weight: tensor}, inputs, outputs}] }
-- in which a tensor is its name in the file. Weights are named as PyTorch names them (fitting.lua), so other
-- programs can read them; a tensor that layers share is stored once. Infinities are "inf" and "-inf".
local about = require "switchback.formats.about"
local cjson = require "cjson.safe"
local core = require "switchback.core"
local fitting = require "switchback.fitting"
local json = require "switchback.json"
local safetensors = require "switchback.formats.safetensors"
local sorted = require "switchback.keys"

local saved, is_list = {}, about.is_list

local KEY <const>, FORMAT <const> = "switchback.net", 1

-- ---- Writing -------------------------------------------------------------------------------------

-- Names for tensors, each once.
local function namer()
  local tensors, names = {}, {}
  return tensors, function(t, wanted)
    if not names[t] then
      while tensors[wanted] do wanted = wanted .. "'" end
      tensors[wanted], names[t] = t, wanted
    end
    return names[t]
  end
end

local function finite(value)
  if type(value) == "table" then
    local out = {}
    for key, v in pairs(value) do out[key] = finite(v) end
    return out
  end
  if value == math.huge then return "inf" end
  return value == -math.huge and "-inf" or value
end

local function node_table(node, layer, name_of)
  local weights = {}
  for key, t in pairs(layer.params) do weights[key] = name_of(t, fitting.weight_name(node.name, key)) end
  return { name = node.name, kind = layer.kind, config = finite(layer.config), weights = weights,
           inputs = node.inputs, outputs = node.outputs }
end

-- The graph as a table, and { [name] = tensor }.
local function graph_of(net, layers)
  local tensors, name_of = namer()
  local g = about.of(net)
  g.format, g.inputs, g.outputs, g.aliases = FORMAT, net.inputs, net.outputs, net.aliases
  g.nodes, g.constants = {}, {}
  for i, node in ipairs(net.order) do g.nodes[i] = node_table(node, layers[node], name_of) end
  for _, value in ipairs(sorted(net.constants)) do
    g.constants[value] = name_of(net.constants[value], "constant/" .. value)
  end
  return g, tensors
end

-- Matrices and kernels as halves; vectors (biases, statistics) take little room and stay as they are.
local function as_stored(name, t, half)
  if core.half.is(t) then return half and t or t:float() end
  if not half or #t:size() < 2 then return t end
  local ok, h = pcall(core.half.new, t)
  return ok and h or error(("'%s' cannot be stored as halves: %s"):format(name, h), 0)
end

-- The layers of all nodes: those that an importer makes for each run are taken as they are for `shape`.
local function layers_of(net, shape)
  local layers = {}
  for _, node in ipairs(net.order) do
    if type(node.layer) == "function" then return select(2, net:shapes(shape)) end
    layers[node] = node.layer
  end
  return layers
end

-- save(path, net [, options]) --> true; or nil, message. Options:
--   half      false; true stores weights of 2 and more dimensions as 16-bit floats
--   metadata  { string = string } to keep beside the network
--   shape     of the first input, for layers that depend on it (default as of net:shapes); the file then only
--             holds the network for that shape
-- The file appears whole or not at all.
function saved.save(path, net, options)
  local g, tensors = graph_of(net, layers_of(net, options.shape))
  local metadata = { [KEY] = json.encode(g, 17) }
  for key, value in pairs(options.metadata or {}) do metadata[key] = value end
  for name, t in pairs(tensors) do tensors[name] = as_stored(name, t, options.half) end
  return safetensors.save(path, tensors, metadata)
end

-- ---- Reading -------------------------------------------------------------------------------------

local function fail(format, ...) error(format:format(...), 0) end

local function is_map(t)
  if type(t) ~= "table" then return false end
  for key, value in pairs(t) do
    if type(key) ~= "string" or type(value) ~= "string" then return false end
  end
  return true
end

local infinities = { inf = math.huge, ["-inf"] = -math.huge }

local function parameter(value)
  if infinities[value] then return infinities[value] end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, v in pairs(value) do out[key] = parameter(v) end
  return out
end

-- Whether the layer would have no such weight, so that none need be given.
local function is_left_out(config, weight)
  return config[weight.name] == false or config.affine == false and not weight.is_buffer
end

-- All weights must be in the file: a layer would draw others, and a file of a few bytes could ask for any
-- size.
local function config_of(node, tensors)
  local config = parameter(node.config)
  for _, weight in ipairs(core.layer.about(node.kind).weights) do
    local t = tensors[node.weights[weight.name] or ""]
    if not t and not is_left_out(config, weight) then
      fail("layer '%s' has no tensor for its %s", node.name, weight.name)
    end
    config[weight.name] = t or config[weight.name]
  end
  return config
end

local kinds

local function layer_of(node, tensors)
  if not kinds then
    kinds = {}
    for _, kind in ipairs(core.layer.list()) do kinds[kind] = true end
  end
  if not kinds[node.kind] then fail("layer '%s' is of the unknown kind '%s'", node.name, node.kind) end
  local ok, layer = pcall(core.layer[node.kind], config_of(node, tensors))
  return ok and layer or fail("layer '%s': %s", node.name, layer)
end

local function read_node(node, tensors)
  local plain = type(node) == "table" and type(node.name) == "string" and type(node.kind) == "string"
    and type(node.config) == "table" and is_map(node.weights)
    and is_list(node.inputs, "string") and is_list(node.outputs, "string") and #node.outputs > 0
  if not plain then fail("a node has no name, kind, config, weights, inputs or outputs") end
  return { name = node.name, inputs = node.inputs, outputs = node.outputs, layer = layer_of(node, tensors) }
end

local function read_input(input)
  if type(input) ~= "table" or type(input.name) ~= "string" or not is_list(input.shape, "number") then
    fail("an input has no name or no shape")
  end
  local shape = {}
  for i, extent in ipairs(input.shape) do
    shape[i] = math.tointeger(extent)
    if not shape[i] or shape[i] < 0 then fail("input '%s' has the extent %s", input.name, extent) end
  end
  return { name = input.name, shape = shape }
end

local function check_graph(g)
  if type(g) ~= "table" or g.format ~= FORMAT then fail("the format is not %d", FORMAT) end
  local plain = is_list(g.inputs, "table") and is_list(g.nodes, "table") and is_list(g.outputs, "string")
    and #g.inputs > 0 and #g.nodes > 0 and #g.outputs > 0
  if not plain then fail("there are no inputs, nodes or outputs") end
  if not (is_map(g.aliases) and is_map(g.constants)) then fail("aliases or constants are no names") end
end

local function read_graph(g, tensors)
  check_graph(g)
  local d = { inputs = {}, nodes = {}, constants = {}, outputs = g.outputs, aliases = g.aliases }
  about.read(g, d)
  for i, input in ipairs(g.inputs) do d.inputs[i] = read_input(input) end
  for i, node in ipairs(g.nodes) do d.nodes[i] = read_node(node, tensors) end
  for value, name in pairs(g.constants) do
    d.constants[value] = tensors[name] or fail("there is no tensor '%s'", name)
  end
  return d
end

-- describe(path, tensors, metadata) --> the description (net.lua) of the network that save wrote into the
-- file of which these are the contents; nil if it holds tensors only. Raises, beginning with the path, if
-- the network is damaged.
function saved.describe(path, tensors, metadata)
  if not metadata[KEY] then return nil end
  local g, message = cjson.decode(metadata[KEY])
  local ok, d = pcall(read_graph, g or fail("%s: its network is damaged: %s", path, message), tensors)
  if not ok then fail("%s: its network is damaged: %s", path, d) end
  d.source = path
  return d
end

return saved
