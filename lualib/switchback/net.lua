-- A network: a directed acyclic graph of named layers, its preprocessing and its labels.
local core = require "switchback.core"
local field = require "switchback.field"
local graph = require "switchback.graph"
local pass = require "switchback.pass"
local preprocess = require "switchback.preprocess"
local suggest = require "switchback.suggest"
local summary = require "switchback.summary"

local Net = {}
Net.__index = Net

-- Shapes as people write them.
local function shape_text(shape)
  local parts = {}
  for i, extent in ipairs(shape) do
    parts[i] = extent == 0 and "?" or string.format("%d", extent)
  end
  return table.concat(parts, "x")
end

-- net{ inputs = { {name =, shape = {0,3,224,224}}... } (0: any extent), nodes = { {name =, inputs = {..},
-- outputs = {name}, layer = layer | function(shape_of) -> layer}... }, outputs = {..}, constants = {},
-- aliases = { other_name = value }, preprocess =, labels = (of classes), styles = (names of a transform net's
-- styles), source = } --> net
-- Raises for unknown or doubled names and for cycles.
local function new(description)
  local net = setmetatable({}, Net)
  for key, value in pairs(description) do net[key] = value end
  net.constants, net.aliases = net.constants or {}, net.aliases or {}
  net.made = graph.producers(net)
  net.order = graph.sorted(net.nodes, net.made)
  net.by_name = {}
  for _, node in ipairs(net.order) do net.by_name[node.name] = node end
  net.outputs = net.outputs or net.order[#net.order].outputs
  return net
end

-- net:names([pattern]) --> list of the names of all values in running order; those that match the Lua
-- pattern, or contain it as plain text.
function Net:names(pattern)
  local names = {}
  for _, node in ipairs(self.order) do
    for _, value in ipairs(node.outputs) do
      if not pattern or value:find(pattern, 1, true) or value:find(pattern) then
        names[#names + 1] = value
      end
    end
  end
  return names
end

local function known_names(net)
  local names = net:names()
  for _, input in ipairs(net.inputs) do names[#names + 1] = input.name end
  for alias in pairs(net.aliases) do names[#names + 1] = alias end
  return names
end

-- net:value(name) --> the value that a layer, value or alias name stands for. Raises, with near
-- matches, if there is none.
function Net:value(name)
  local value = name
  if self.aliases[name] then value = self.aliases[name] end
  if self.made[value] ~= nil then return value end
  if self.by_name[name] then return self.by_name[name].outputs[1] end
  error(("no layer is called '%s'%s"):format(tostring(name),
    suggest.hint(tostring(name), known_names(self))), 2)
end

-- net:node(name) --> the node that makes that value.
function Net:node(name)
  local node = self.made[self:value(name)]
  if not node then error(("'%s' is an input, not a layer"):format(name), 2) end
  return node
end

local steps_over = { softmax = true, log_softmax = true, identity = true, dropout = true,
                     flatten = true, reshape = true, squeeze = true }

-- net:logits() --> name of the value that classes are channels of: the first output, before softmax
-- and what only reshapes it.
function Net:logits()
  local value, found = self.outputs[1], nil
  while true do
    local node = self.made[value]
    if not node or type(node.layer) == "function" or not steps_over[node.layer.kind] then break end
    value = node.inputs[1]
    if node.layer.kind:find("softmax") then found = value end
  end
  return found or self.outputs[1]
end

-- net:class(which) --> index (1-based). `which` is an index, a label, or the start of a label or of one
-- of its comma-separated names.
function Net:class(which)
  local index = math.tointeger(which)
  if index then
    local most = self.labels and #self.labels or math.huge
    if index < 1 or index > most then
      error(("class %d is out of range: the net has %s"):format(index, most), 2)
    end
    return index
  end
  local wanted = tostring(which):lower()
  for i, label in ipairs(self.labels or {}) do
    if label:lower() == wanted then return i end
  end
  for i, label in ipairs(self.labels or {}) do
    if (", " .. label:lower()):find(", " .. wanted, 1, true) then return i end
  end
  error(("no class is called '%s'%s"):format(which, suggest.hint(which, self.labels or {})), 2)
end

-- net:label(index) --> the class's label, or "class N" for a net without labels.
function Net:label(index) return self.labels and self.labels[index] or "class " .. index end

local function check_input(input, x)
  local got = x:size()
  local fits = #got == #input.shape
  for i, extent in ipairs(input.shape) do
    fits = fits and (extent == 0 or extent == got[i])
  end
  if not fits then
    error(("net: input '%s' is %s, expected %s")
      :format(input.name, shape_text(got), shape_text(input.shape)), 0)
  end
end

-- net:bind_inputs(x) --> { [input name] = tensor }; x is a tensor for a net of one input, or such a table.
function Net:bind_inputs(x)
  if type(x) == "userdata" then x = { [self.inputs[1].name] = x } end
  for _, input in ipairs(self.inputs) do
    if not x[input.name] then error(("net: no tensor for input '%s'"):format(input.name), 0) end
    check_input(input, x[input.name])
  end
  return x
end

local function preprocessing(net)
  return net.preprocess or error("this net has no preprocessing: give sb.load one, or the input itself", 3)
end

-- net:prepare(image or list of images) --> input (N,C,H,W); see preprocess.lua.
function Net:prepare(image) return preprocess.prepare(preprocessing(self), image) end

-- net:to_image(x) --> the image, RGB in [0,1], that an input (1,C,H,W) shows.
function Net:to_image(x) return preprocess.to_image(preprocessing(self), x) end

-- net:gradient_to_image(g) --> a map like the input as (C,H,W) with the channels in RGB order.
function Net:gradient_to_image(g) return preprocess.gradient_to_image(preprocessing(self), g) end

-- net:input(pictures) --> input (N,C,H,W) of pictures (N,3,H,W) or (3,H,W) of any size, not cropped or
-- resized; net:input_adjoint(g) --> the gradient (N,3,H,W) at the pictures, from g at that input; see
-- preprocess.lua. The input itself passes unchanged through a net without preprocessing.
function Net:input(pictures)
  if self.preprocess then return preprocess.apply(self.preprocess, pictures) end
  return pictures:dim() == 3 and pictures:unsqueeze(1) or pictures
end
function Net:input_adjoint(g)
  return self.preprocess and preprocess.adjoint(self.preprocess, g) or g
end

-- net:forward(x [, options]) --> pass (see pass.lua).
function Net:forward(x, options) return pass.run(self, self:bind_inputs(x), options or {}) end

-- net:plan([shape] [, options]) --> what running the net would take, before it runs: see plan.lua.
-- shape: of the first input (default: one image of the preprocessing's size).
function Net:plan(shape, options) return require("switchback.plan").of(self, shape, options) end

-- The layer of a node: those that depend on run-time shapes are built by the importer's function.
function Net.layer_of(node, shape_of)
  if type(node.layer) ~= "function" then return node.layer end
  return node.layer(shape_of)
end

local function default_shapes(net, shape)
  local shapes = {}
  for _, input in ipairs(net.inputs) do shapes[input.name] = input.shape end
  if shape then shapes[net.inputs[1].name] = shape end
  for name, t in pairs(net.constants) do shapes[name] = t:size() end
  return shapes
end

-- A shape with free extents filled: one image, and the size that the preprocessing makes.
local function concrete(net, shape)
  local size = net.preprocess and preprocess.complete(net.preprocess).size or { 224, 224 }
  local out = {}
  for i, extent in ipairs(shape) do
    out[i] = extent > 0 and extent or (#shape == 4 and i > 2 and size[i - 2]) or 1
  end
  return out
end

local function infer(node, layer, inputs)
  local results = table.pack(pcall(layer.infer, layer, table.unpack(inputs)))
  if not results[1] then error(("layer '%s': %s"):format(node.name, results[2]), 0) end
  return table.unpack(results, 2, results.n)
end

-- The set of nodes that a layer, or a list of them, needs; all nodes without one.
local function needed_by(net, upto)
  if upto then
    local values = {}
    for i, name in ipairs(type(upto) == "table" and upto or { upto }) do values[i] = net:value(name) end
    return graph.ancestors(net.made, values)
  end
  local all = {}
  for _, node in ipairs(net.order) do all[node] = true end
  return all
end

-- net:shapes([input_shape [, upto]]) --> { [value] = shape }, { [node] = layer }: the shape rules alone,
-- without running. Free extents of the declared input become 1 image of the preprocessing's size. upto: a
-- layer's name or a list of them; what these do not need, and may not fit the input, is left out.
function Net:shapes(input_shape, upto)
  local shapes, layers = default_shapes(self, input_shape), {}
  for _, input in ipairs(self.inputs) do
    shapes[input.name] = concrete(self, shapes[input.name])
  end
  local function shape_of(value) return shapes[value] end
  local needed = needed_by(self, upto)
  for _, node in ipairs(self.order) do
    if needed[node] then
      local inputs = {}
      for i, value in ipairs(node.inputs) do inputs[i] = shapes[value] end
      layers[node] = Net.layer_of(node, shape_of)
      local outputs = { infer(node, layers[node], inputs) }
      for i, value in ipairs(node.outputs) do shapes[value] = outputs[i] end
    end
  end
  return shapes, layers
end

-- net:fields() --> { [value] = field } (field.lua; false: sees the whole input).
function Net:fields()
  local fields, _, layers = {}, self:shapes()
  for _, input in ipairs(self.inputs) do fields[input.name] = field.start() end
  for _, node in ipairs(self.order) do
    local inputs = {}
    for i, value in ipairs(node.inputs) do inputs[i] = fields[value] end
    local f = field.through(inputs, layers[node])
    for _, value in ipairs(node.outputs) do fields[value] = f end
  end
  return fields
end

-- net:receptive_field(name) --> { size = {h, w}, stride = {h, w}, offset = {h, w} }, nil: whole input.
-- net:receptive_field(name, y, x) --> top, left, bottom, right in input pixels, not clipped.
function Net:receptive_field(name, y, x)
  local f = self:fields()[self:value(name)]
  if not y then return field.summary(f) end
  if f then return field.box(f, y, x) end
end

-- net:parameter_count() --> the number of weights, buffers included.
function Net:parameter_count()
  local total = 0
  for _, node in ipairs(self.order) do total = total + summary.parameters(node.layer) end
  return total
end

-- net:parameters() --> list of the weights that training changes; net:freeze([pattern]) and
-- net:unfreeze([pattern]) --> net, with those that match left out of it, or back: see trainable.lua.
function Net:parameters() return require("switchback.trainable").parameters(self) end
function Net:freeze(pattern) return require("switchback.trainable").freeze(self, pattern) end
function Net:unfreeze(pattern) return require("switchback.trainable").unfreeze(self, pattern) end

-- Nets made from this one, which stays as it is: net:clone(), net:upto(name), net:without(names [, options]),
-- net:replace(name, layer [, options]), net:head(n [, options]), net:reset([options]): see surgery.lua;
-- net:fold(), without batch norms: see fold.lua.
for _, name in ipairs { "clone", "upto", "without", "replace", "head", "reset" } do
  Net[name] = function(self, ...) return require("switchback.surgery")[name](self, ...) end
end
function Net:fold() return require "switchback.fold"(self) end

-- net:save(path [, options]) --> net, as a file that sb.load reads: see save.lua.
function Net:save(path, options) return require("switchback.save")(self, path, options) end

-- The names of the weights that a layer can take as halves.
local function halvable(layer)
  local names = {}
  for _, weight in ipairs(type(layer) == "userdata" and core.layer.about(layer.kind).weights or {}) do
    if weight.may_be_half and layer.params[weight.name] then names[#names + 1] = weight.name end
  end
  return names
end

-- net:half() --> net. From now on the weights of fully connected layers are kept as 16-bit floats (IEEE 754
-- binary16), which halves their memory and, at batch 1, their time. Each is the nearest such number, within
-- 2^-11 of its own size (2^-25 where that is below 2^-14), and sums are float32 as ever. VGG-16's scores
-- differ by 4e-4 (relative L2), its gradient to the input by 2e-2, since nearly tied rectifiers fall the
-- other way. Such weights have no gradient; layer.params.weight:float() is a tensor of them.
-- Raises, changing nothing in that layer, for a weight beyond 65504.
function Net:half()
  local made = {}
  for _, node in ipairs(self.order) do
    for _, name in ipairs(halvable(node.layer)) do
      local t = node.layer.params[name]
      if not core.half.is(t) then
        made[t] = made[t] or core.half.new(t)
        node.layer.params[name] = made[t]
      end
    end
  end
  collectgarbage()
  return self
end

Net.__tostring = summary.text

Net.shape_text = shape_text

return { new = new, Net = Net }
