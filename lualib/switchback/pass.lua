-- A pass: one forward run of a network, what it recorded, and the walk back down.
local fuse = require "switchback.fuse"
local graph = require "switchback.graph"
local seed = require "switchback.seed"
local top = require "switchback.top"
local walk = require "switchback.walk"

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
local function count_readers(steps, keep)
  local readers = {}
  for _, step in ipairs(steps) do
    for _, value in ipairs(step.inputs) do readers[value] = (readers[value] or 0) + 1 end
  end
  for value in pairs(keep) do readers[value] = (readers[value] or 0) + 1 end
  return readers
end

-- Gives back the memory of values that nothing reads any more.
local function release_inputs(self, step, readers)
  for _, value in ipairs(step.inputs) do
    readers[value] = readers[value] - 1
    if readers[value] == 0 and self.net.made[value] then
      self.values[value]:release()
      self.values[value] = nil
    end
  end
end

local function run_step(self, step, settings)
  local layer = self.net.layer_of(step, self.shape_of)
  local inputs, n = {}, #step.inputs
  for i, value in ipairs(step.inputs) do inputs[i] = self.values[value] end
  settings.relu = step.relu ~= nil
  inputs[n + 1] = settings
  local results = table.pack(pcall(layer.forward, layer, table.unpack(inputs, 1, n + 1)))
  if not results[1] then error(("layer '%s': %s"):format(step.nodes[1].name, results[2]), 0) end
  for i, value in ipairs(step.outputs) do
    self.values[value] = results[i + 1]
    self.shapes[value] = results[i + 1]:size()
  end
  for _, value in ipairs(step.hidden) do self.shapes[value] = self.shapes[step.outputs[1]] end
  self.layers[step] = layer
  if settings.tape then self.tapes[step] = results[results.n] end
end

local function new_pass(net, inputs, options)
  local self = { net = net, values = {}, shapes = {}, tapes = {}, layers = {}, steps = {} }
  for name, t in pairs(net.constants) do self.values[name], self.shapes[name] = t, t:size() end
  for name, t in pairs(inputs) do self.values[name], self.shapes[name] = t, t:size() end
  function self.shape_of(value) return self.shapes[value] end
  self.settings = { training = options.training, rng = options.rng, tape = options.record ~= false,
                    weights = options.training or options.weights or false }
  return setmetatable(self, Pass)
end

-- The set of values that the caller will ask for.
local function visible_values(net, wanted, options)
  local visible = {}
  for _, value in ipairs(wanted) do visible[value] = true end
  local logits = not options.upto and net:logits()
  if logits then visible[logits] = true end
  for _, name in ipairs(options.keep or {}) do visible[net:value(name)] = true end
  return visible
end

-- run(net, inputs, options) --> pass. options:
--   upto     a layer's name or a list of them: run only what these need (default: the outputs)
--   record   true; false keeps no tapes, so no walk back, and drops values once nothing reads them
--   keep     with record = false: names of values to keep besides those of upto
--   training false; true uses batch statistics and dropout, and keeps what weight gradients need
--   weights  false; true keeps what weight gradients need, in evaluation form
--   rng      generator for dropout
local function run(net, inputs, options)
  local self = new_pass(net, inputs, options)
  local wanted = wanted_values(net, options.upto)
  local needed, nodes = graph.ancestors(net.made, wanted), {}
  for _, node in ipairs(net.order) do
    if needed[node] then nodes[#nodes + 1] = node end
  end
  local visible = visible_values(net, wanted, options)
  self.steps = fuse.steps(nodes, visible, not self.settings.weights)
  local readers = options.record == false and count_readers(self.steps, visible)
  for _, step in ipairs(self.steps) do
    run_step(self, step, self.settings)
    if readers then release_inputs(self, step, readers) end
  end
  return self
end

-- Runs the nodes of a fused step one by one after all, so that what lies between can be looked at.
local function take_apart(self, at)
  local step = table.remove(self.steps, at)
  local value = self.values[step.outputs[1]]
  for i, part in ipairs(fuse.steps(step.nodes, {}, false)) do
    table.insert(self.steps, at + i - 1, part)
    run_step(self, part, self.settings)
  end
  self.values[step.outputs[1]] = value
end

-- Makes sure that a value which fusing skipped is there.
local function uncover(self, value)
  for at, step in ipairs(self.steps) do
    for _, hidden in ipairs(step.hidden) do
      if hidden == value and self.settings.tape then return take_apart(self, at) end
    end
  end
end

-- ---- What it found -----------------------------------------------------------------------------

-- pass:value(name) --> the tensor of that layer. Raises for unknown names and for values that this run
-- did not compute or keep.
function Pass:value(name)
  local value = self.net:value(name)
  if not self.values[value] then uncover(self, value) end
  local t = self.values[value]
  if not t then error(("'%s' was not computed or kept by this pass"):format(name), 2) end
  return t
end

-- pass:scores() --> scores before softmax, (N, classes).
function Pass:scores()
  local t = self:value(self.net:logits())
  return t:reshape(t:size(1), -1)
end

-- pass:probabilities() --> softmax of the logits, (N, classes).
function Pass:probabilities()
  local logits = self:scores()
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
  for name, t in pairs(options.seeds or {}) do
    local value = self.net:value(name)
    uncover(self, value)
    start[value] = t
  end
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

-- pass:backward{ from = layer(s) | class = index or label | seeds = { [layer] = tensor }, channel =,
--   keep = "max", seed = "activation", rule = "gradient", lrn =, overlap = "sum", to = layer(s),
--   weights = false } --> a tensor like each value of `to` (default: the first input).
-- from, channel, keep and seed choose what the walk starts with (seed.lua), rule, lrn and overlap how it
-- passes each layer (rules.lua; rule may be a function of the node). The seed goes back through the
-- layer that made the value as well. class steps over a softmax: the seed is at the logit.
-- weights = true adds to the weight gradients of the layers on the way (of a pass run with training or
-- weights = true); with to = {} those are all that the start depends on, and nothing is answered.
function Pass:backward(options)
  local to = options.to or self.net.inputs[1].name
  local targets = {}
  for i, name in ipairs(type(to) == "table" and to or { to }) do
    targets[i] = self.net:value(name)
    uncover(self, targets[i])
  end
  if #targets == 0 and not options.weights then
    error("backward: to = {} asks for no gradient, nor does weights", 0)
  end
  local start = starting_gradients(self, options)
  check_seeds(self, start)
  local grads = walk.run(self, start, targets, options)
  local results = {}
  for i, value in ipairs(targets) do results[i] = grads[value] or self.values[value] * 0 end
  return table.unpack(results)
end

return { run = run, Pass = Pass }
