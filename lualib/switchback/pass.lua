-- A pass: one forward run of a network, what it recorded, and the walk back down.
local rules = require "switchback.rules"
local seed = require "switchback.seed"
local graph = require "switchback.graph"
local top = require "switchback.top"

local Pass = {}

-- pass[name]: a method, or the value of that layer.
function Pass.__index(self, key)
  return rawget(Pass, key) or Pass.value(self, key)
end

-- ---- Forward ---------------------------------------------------------------------------------

local function wanted_values(net, upto)
  if not upto then return net.outputs end
  local values = {}
  for i, name in ipairs(type(upto) == "table" and upto or { upto }) do values[i] = net:value(name) end
  return values
end

-- How often each value will still be read; those to keep count once more.
local function count_readers(nodes, keep)
  local readers = {}
  for _, node in ipairs(nodes) do
    for _, value in ipairs(node.inputs) do readers[value] = (readers[value] or 0) + 1 end
  end
  for _, value in ipairs(keep) do readers[value] = (readers[value] or 0) + 1 end
  return readers
end

local function release_inputs(self, node, readers)
  for _, value in ipairs(node.inputs) do
    readers[value] = readers[value] - 1
    if readers[value] == 0 then self.values[value] = nil end
  end
end

-- The options of layer:forward for a whole run.
local function layer_options(options)
  return { training = options.training, rng = options.rng, tape = options.record ~= false,
           weights = options.training or options.weights or false }
end

local function run_node(self, node, settings)
  local layer = self.net.layer_of(node, self.shape_of)
  local inputs, n = {}, #node.inputs
  for i, value in ipairs(node.inputs) do inputs[i] = self.values[value] end
  inputs[n + 1] = settings
  local results = table.pack(pcall(layer.forward, layer, table.unpack(inputs, 1, n + 1)))
  if not results[1] then error(("layer '%s': %s"):format(node.name, results[2]), 0) end
  for i, value in ipairs(node.outputs) do
    self.values[value] = results[i + 1]
    self.shapes[value] = results[i + 1] and results[i + 1]:size()
  end
  self.layers[node] = layer
  if settings.tape then self.tapes[node] = results[results.n] end
end

local function new_pass(net, inputs)
  local self = { net = net, values = {}, shapes = {}, tapes = {}, layers = {}, ran = {} }
  for name, t in pairs(net.constants) do self.values[name], self.shapes[name] = t, t:size() end
  for name, t in pairs(inputs) do self.values[name], self.shapes[name] = t, t:size() end
  function self.shape_of(value) return self.shapes[value] end
  return setmetatable(self, Pass)
end

-- run(net, inputs, options) --> pass. options:
--   upto     a layer's name or a list of them: run only what these need (default: the outputs)
--   record   true; false keeps no tapes, so no walk back, and drops values once nothing reads them
--   keep     with record = false: names of values to keep besides those of upto
--   training false; true uses batch statistics and dropout, and keeps what weight gradients need
--   rng      generator for dropout
local function run(net, inputs, options)
  local self = new_pass(net, inputs)
  local wanted = wanted_values(net, options.upto)
  local needed, nodes = graph.ancestors(net.made, wanted), {}
  for _, node in ipairs(net.order) do
    if needed[node] then nodes[#nodes + 1] = node end
  end
  local keep = table.move(wanted, 1, #wanted, 1, {})
  for _, name in ipairs(options.keep or {}) do keep[#keep + 1] = net:value(name) end
  local readers = options.record == false and count_readers(nodes, keep)
  local settings = layer_options(options)
  for _, node in ipairs(nodes) do
    run_node(self, node, settings)
    if readers then release_inputs(self, node, readers) end
  end
  self.ran = nodes
  return self
end

-- ---- What it found -----------------------------------------------------------------------------

-- pass:value(name) --> the tensor of that layer. Raises for unknown names and for values that this run
-- did not compute or keep.
function Pass:value(name)
  local value = self.net:value(name)
  local t = self.values[value]
  if not t then error(("'%s' was not computed or kept by this pass"):format(name), 2) end
  return t
end

-- pass:logits() --> scores before softmax, (N, classes).
function Pass:logits()
  local t = self:value(self.net:logits())
  return t:reshape(t:size(1), -1)
end

-- pass:probabilities() --> softmax of the logits, (N, classes).
function Pass:probabilities()
  local logits = self:logits()
  local shifted = (logits - logits:max(2, true)):exp()
  return shifted / shifted:sum(2, true)
end

-- pass:top(k [, n]) --> the k (default 5) most probable classes of image n (default 1), best first:
-- { {index =, label =, p =}... }, which prints as a list.
function Pass:top(k, n)
  return top.classes(self:probabilities():select(1, n or 1), k or 5, self.net)
end

-- ---- Backward ----------------------------------------------------------------------------------

-- { [value] = gradient } that the walk starts from.
local function starting_gradients(self, options)
  local start = {}
  for name, t in pairs(options.seeds or {}) do start[self.net:value(name)] = t end
  if options.class then
    local logits = self.net:logits()
    start[logits] = seed.class(self:value(logits), self.net:class(options.class))
  end
  local from = options.from
  for _, name in ipairs(type(from) == "table" and from or { from }) do
    start[self.net:value(name)] = seed.activation(self:value(name), options)
  end
  if next(start) == nil then
    error("backward: say where to start: from = layer, class = index or seeds = { layer = tensor }", 0)
  end
  return start
end

local function check_seeds(self, start)
  for value, t in pairs(start) do
    local want, got = self.net.shape_text(self.shapes[value] or {}), self.net.shape_text(t:size())
    if want ~= got then
      error(("backward: the seed for '%s' is %s, the layer is %s"):format(value, got, want), 0)
    end
  end
end

-- Adds a gradient to what has arrived at a value. A tensor is only added to in place once it is our
-- own sum: layers may answer views of what they were given.
local function deposit(grads, own, value, t)
  if not grads[value] then
    grads[value] = t
  elseif own[value] then
    grads[value]:add_(t)
  else
    grads[value], own[value] = grads[value] + t, true
  end
end

local function outgoing(self, node, grads)
  local dy, any = {}, false
  for i, value in ipairs(node.outputs) do
    dy[i] = grads[value]
    any = any or dy[i]
  end
  if not any then return nil end
  for i, value in ipairs(node.outputs) do
    dy[i] = dy[i] or self.values[value] * 0
  end
  return dy
end

local function step_back(self, node, dy, options)
  local tape = self.tapes[node]
  if not tape then error("backward: this pass kept no tapes (record = false)", 0) end
  dy[#dy + 1] = options
  return { self.layers[node]:backward(tape, table.unpack(dy)) }
end

-- The nodes to visit, last first: those on a path from a target to a start.
local function path(self, start, targets)
  local from = {}
  for value in pairs(start) do from[#from + 1] = value end
  local above = graph.ancestors(self.net.made, from)
  local below, reached = graph.descendants(self.ran, targets)
  for _, value in ipairs(targets) do
    local found = start[value] ~= nil
    for node in pairs(above) do
      for _, input in ipairs(node.inputs) do found = found or input == value end
    end
    if not found then
      error(("backward: no path leads from '%s' to '%s'"):format(value, table.concat(from, "', '")), 0)
    end
  end
  local nodes = {}
  for i = #self.ran, 1, -1 do
    local node = self.ran[i]
    if above[node] and below[node] then nodes[#nodes + 1] = node end
  end
  return nodes, reached
end

local function walk(self, start, targets, options)
  local rule_of = rules.per_node(options)
  local grads, own = {}, {}
  for value, t in pairs(start) do grads[value] = t end
  local nodes, reached = path(self, start, targets)
  for _, node in ipairs(nodes) do
    local dy = outgoing(self, node, grads)
    if dy then
      local dx = step_back(self, node, dy, rule_of(node))
      for i, value in ipairs(node.inputs) do
        if reached[value] and dx[i] then deposit(grads, own, value, dx[i]) end
      end
    end
  end
  return grads
end

-- pass:backward{ from = layer(s) | class = index or label | seeds = { [layer] = tensor }, channel =,
--   keep = "max", seed = "activation", rule = "gradient", lrn =, overlap = "sum", to = layer(s),
--   weights = false } --> a tensor like each value of `to` (default: the first input).
-- from, channel, keep and seed choose what the walk starts with (seed.lua), rule, lrn and overlap how it
-- passes each layer (rules.lua; rule may be a function of the node). The seed goes back through the
-- layer that made the value as well. class steps over a softmax: the seed is at the logit.
-- weights = true adds to the layers' weight gradients (of a pass run with training or weights = true).
function Pass:backward(options)
  local to = options.to or self.net.inputs[1].name
  local targets = {}
  for i, name in ipairs(type(to) == "table" and to or { to }) do targets[i] = self.net:value(name) end
  local start = starting_gradients(self, options)
  check_seeds(self, start)
  local grads = walk(self, start, targets, options)
  local results = {}
  for i, value in ipairs(targets) do results[i] = grads[value] or self.values[value] * 0 end
  return table.unpack(results)
end

return { run = run, Pass = Pass }
