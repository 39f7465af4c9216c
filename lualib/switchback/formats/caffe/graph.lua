-- The graph that a Caffe description becomes, layer by layer, in the order of the file.
local convert = require "switchback.formats.caffe.layers"
local schema = require "switchback.formats.caffe.schema"

-- Graph: nodes, inputs and constants of the description to be; sources { blob = shape or {} } of data;
-- blobs { blob = value it holds now }; shapes { value = shape } as far as the file tells.
local Graph = {}
Graph.__index = Graph

-- new(weights, rng) -> an empty graph; weights { layer name = blobs }, or nil for an untrained net whose
-- weights are drawn from rng.
function Graph.new(weights, rng)
  return setmetatable({ nodes = {}, inputs = {}, constants = {}, sources = {}, blobs = {}, used = {},
                        shapes = {}, read_values = {}, weights = weights, rng = rng }, Graph)
end

-- A name that no value or node has yet.
function Graph:claim(name)
  local free, n = name, 1
  while self.used[free] do
    n = n + 1
    free = ("%s#%d"):format(name, n)
  end
  self.used[free] = true
  return free
end

local function is_known(shape)
  for _, n in ipairs(shape) do
    if n < 1 then return false end
  end
  return #shape > 0
end

-- Batches and images may have any size; only the number of channels is fixed.
local function free_shape(shape)
  local out = { 0, table.unpack(shape, 2) }
  if #shape == 0 then return { 0, 0, 0, 0 } end
  if #shape == 4 then out[3], out[4] = 0, 0 end
  return out
end

-- The value that a blob holds; a blob of data becomes an input when it is first read.
function Graph:read(blob)
  local value = self.blobs[blob]
  if value then return value end
  local shape = self.sources[blob]
  if not shape then error(("reads '%s', which no layer before it makes"):format(blob), 0) end
  value = self:claim(blob)
  self.blobs[blob] = value
  self.inputs[#self.inputs + 1] = { name = value, shape = free_shape(shape), declared = shape }
  if is_known(shape) then self.shapes[value] = shape end
  return value
end

-- Runs the shape rule where the inputs' shapes are known, so that contradictions show when loading.
function Graph:infer(node)
  local inputs = {}
  for i, value in ipairs(node.inputs) do
    inputs[i] = self.shapes[value]
    if not inputs[i] then return end
  end
  local layer = node.layer
  if type(layer) == "function" then layer = layer(function(value) return self.shapes[value] end) end
  local shapes = { layer:infer(table.unpack(inputs)) }
  for i, value in ipairs(node.outputs) do self.shapes[value] = shapes[i] end
end

function Graph:add(node)
  self.nodes[#self.nodes + 1] = node
  for _, value in ipairs(node.inputs) do self.read_values[value] = true end
  self:infer(node)
end

-- ---- Converting a layer -----------------------------------------------------------------------

-- Step: a layer being converted; see layers.lua.
local Step = {}
Step.__index = Step

function Step:params(message) return schema.read(self.tree, message) end

-- The blob as a tensor of that shape; one extent may be false: what the blob's size leaves for it.
function Step:blob(index, shape)
  local t = self.blobs[index]
  if not t then error(("the weights have no blob %d for it"):format(index), 0) end
  local count, known, free = t:count(), 1, nil
  for i, n in ipairs(shape) do
    if n then known = known * n else free = i end
  end
  local fits = known > 0 and (free and count % known == 0 or count == known)
  if not fits then
    error(("blob %d has %d numbers, its parameters ask for %s%d"):format(index, count,
      free and "a multiple of " or "", known), 0)
  end
  local full = { table.unpack(shape) }
  if free then full[free] = count // known end
  return t:reshape(table.unpack(full))
end

-- The number of channels of the first input, for a net without weights.
function Step:channels()
  local shape = self.graph.shapes[self.inputs[1]]
  return shape and shape[2] or error("its weights are not given and its input's shape is not known", 0)
end

function Step:add(suffix, inputs, layer)
  local value = self.graph:claim(self.name .. "/" .. suffix)
  self.graph:add { name = value, inputs = inputs, outputs = { value }, layer = layer }
  return value
end

function Step:constant(suffix, t)
  local value = self.graph:claim(self.name .. "/" .. suffix)
  self.graph.constants[value], self.graph.shapes[value] = t, t:size()
  return value
end

-- One top: the value has the layer's name. Several: they keep the tops' names.
local function output_names(graph, name, tops)
  if #tops <= 1 then return { name } end
  local outputs = {}
  for i, top in ipairs(tops) do outputs[i] = graph:claim(top) end
  return outputs
end

-- convert(layer): adds the nodes that a layer of the description stands for.
function Graph:convert(l)
  local inputs = {}
  for i, blob in ipairs(l.bottoms) do inputs[i] = self:read(blob) end
  if #inputs == 0 then error("has no bottom", 0) end
  if l.type == "Split" then
    for _, top in ipairs(l.tops) do self.blobs[top] = inputs[1] end
    return
  end
  local name = self:claim(l.name)
  local step = setmetatable({
    graph = self, name = name, tree = l.tree, inputs = inputs, rng = self.rng,
    outputs = output_names(self, name, l.tops), blobs = self.weights and (self.weights[l.name] or {}),
  }, Step)
  local layer = convert[l.type](step)
  self:add { name = name, inputs = step.inputs, outputs = step.outputs, layer = layer }
  for i, top in ipairs(l.tops) do self.blobs[top] = step.outputs[i] end
end

-- outputs() -> the values that nothing reads, the deepest first.
function Graph:outputs()
  local outputs = {}
  for i = #self.nodes, 1, -1 do
    for _, value in ipairs(self.nodes[i].outputs) do
      if not self.read_values[value] then outputs[#outputs + 1] = value end
    end
  end
  return outputs
end

-- aliases() -> { blob = value } for blobs whose name no layer has.
function Graph:aliases()
  local aliases = {}
  for blob, value in pairs(self.blobs) do
    if not self.used[blob] then aliases[blob] = value end
  end
  return aliases
end

return Graph
