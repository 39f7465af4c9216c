-- The walk back down: from the gradients of some values of a pass to those of others.
local graph = require "switchback.graph"
local rules = require "switchback.rules"

local walk = {}

-- ---- The path ----------------------------------------------------------------------------------

local function keys(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  return list
end

local function check_reachable(start, targets, above)
  for _, value in ipairs(targets) do
    local found = start[value] ~= nil
    for node in pairs(above) do
      for _, input in ipairs(node.inputs) do found = found or input == value end
    end
    if not found then
      local from = keys(start)
      table.sort(from)
      error(("backward: no path leads from '%s' to '%s'"):format(value, table.concat(from, "', '")), 0)
    end
  end
end

-- For graph.descendants: whether a node of the pass has weights whose gradients are wanted: all, unless its
-- table of gradients is there and names none.
local function weighted(pass)
  local has = {}
  for _, step in ipairs(pass.steps) do
    local layer = pass.layers[step]
    has[step.nodes[1]] = next(layer.grads or layer.params) ~= nil
  end
  return function(node) return has[node] end
end

-- The steps to visit, last first: those on a path from a target, or without targets from weights, to a start.
-- Second result: the set of values that depend on those.
local function path(pass, start, targets)
  local above = graph.ancestors(pass.net.made, keys(start))
  local below, reached = graph.descendants(pass.net.order, targets, #targets == 0 and weighted(pass) or nil)
  check_reachable(start, targets, above)
  local steps = {}
  for i = #pass.steps, 1, -1 do
    local last = pass.steps[i].nodes[#pass.steps[i].nodes]
    if above[last] and below[last] then steps[#steps + 1] = pass.steps[i] end
  end
  return steps, reached
end

-- ---- Gradients under way -------------------------------------------------------------------------

-- Gradients by value. `own` marks those that this walk made and nobody else holds, which may be added
-- to in place and given back.
local Gradients = {}
Gradients.__index = Gradients

local function gradients(start, wanted)
  local self = setmetatable({ at = {}, own = {}, wanted = wanted }, Gradients)
  for value, t in pairs(start) do self.at[value] = t end
  return self
end

-- owned: t was made for this walk, and looks into nobody else's memory.
function Gradients:add(value, t, owned)
  if not self.at[value] then
    self.at[value], self.own[value] = t, owned
  elseif self.own[value] and not self.wanted[value] then
    self.at[value]:add_(t)
    if owned then t:release() end
  elseif owned and not self.wanted[value] then
    self.at[value], self.own[value] = t:add_(self.at[value]), true
  else
    self.at[value], self.own[value] = self.at[value] + t, true
  end
end

-- Hands a gradient on to another value as it is.
function Gradients:move(from, to)
  local t, owned = self.at[from], self.own[from]
  self.at[from] = nil
  self:add(to, t, owned)
end

-- The gradient has been used: its memory may serve the next one.
function Gradients:done(value)
  local t = self.at[value]
  if t and self.own[value] and not self.wanted[value] then
    self.at[value] = nil
    t:release()
  end
end

-- ---- One step ------------------------------------------------------------------------------------

local function outgoing(pass, step, grads)
  local dy, any = {}, false
  for i, value in ipairs(step.outputs) do
    dy[i] = grads.at[value]
    any = any or dy[i]
  end
  if not any then return nil end
  for i, value in ipairs(step.outputs) do
    dy[i] = dy[i] or pass.values[value] * 0
  end
  return dy
end

-- The redirected rule at a ReLU: dx, or of the images of which it let nothing through, what in dy would raise
-- inputs that are all below 0 when descended.
local function redirected(dx, dy)
  for n = 1, dx:size(1) do
    if dx[n]:norm() == 0 then dx[n] = dy[n]:minimum(0) end
  end
  return dx
end

-- A fused step's ReLU, from the step's value alone.
local function through_relu(pass, step, dy, rule)
  local relu = pass.net.layer_of(step.relu)
  local dx = relu:backward(relu:recall(pass.values[step.outputs[1]]), dy, rule)
  return rule.redirect and redirected(dx, dy) or dx
end

-- If the value that a step reads is a ReLU's that no other step of this walk reads, the ReLU's rule can be
-- applied to dx as it is written. Answers the options for that: relu, mask.
local function finish_for(pass, step, single)
  local value = step.inputs[1]
  local maker = single[value]
  if not (maker and pass.layers[step].finishes and #step.inputs == 1) then return nil end
  local rule = maker.rule.rectifier
  maker.passed = true
  return rule ~= "gradient", rule ~= "deconv" and pass.values[value] or nil
end

-- The node of a step whose value is a ReLU's.
local function relu_node(pass, step)
  return step.relu or pass.layers[step].kind == "relu" and step.nodes[1]
end

-- { [value] = { step, rule } } of the ReLU values that exactly one step of the walk reads and nobody asked
-- the gradient of.
local function single_readers(pass, steps, start, wanted, rule_of)
  local single, count = {}, {}
  for _, step in ipairs(steps) do
    for _, value in ipairs(step.inputs) do count[value] = (count[value] or 0) + 1 end
  end
  for _, step in ipairs(steps) do
    local value = step.outputs[1]
    local node = relu_node(pass, step)
    if node and count[value] == 1 and not wanted[value] and not start[value] then
      local rule = rule_of(node)
      single[value] = not rule.redirect and { rule = rule } or nil
    end
  end
  return single
end

local function step_options(rule, relu, mask)
  return { rectifier = rule.rectifier, lrn = rule.lrn, overlap = rule.overlap, weights = rule.weights,
           relu = relu, mask = mask }
end

-- Whether the walk goes on from a step to what it read.
local function goes_on(step, reached)
  for _, value in ipairs(step.inputs) do
    if reached[value] then return true end
  end
  return false
end

-- dx of a step, for each of its inputs, if they are wanted. gone: its ReLU has been gone through already.
local function step_back(pass, step, dy, gone, inputs, rule_of, single)
  local tape, n = pass.tapes[step], #dy
  if not tape then error("backward: this pass kept no tapes (record = false)", 0) end
  local through = step.relu and not gone
  if through then dy[1] = through_relu(pass, step, dy[1], rule_of(step.relu)) end
  local relu, mask = finish_for(pass, step, single)
  local rule = rule_of(step.nodes[1])
  dy[n + 1] = step_options(rule, relu, mask)
  dy[n + 1].inputs = inputs
  local dx = { pass.layers[step]:backward(tape, table.unpack(dy)) }
  if rule.redirect and inputs and pass.layers[step].kind == "relu" then redirected(dx[1], dy[1]) end
  if through then dy[1]:release() end
  return dx
end

local function visit(pass, step, grads, reached, rule_of, single)
  local dy = outgoing(pass, step, grads)
  if not dy then return end
  local maker = single[step.outputs[1]]
  local gone = maker and maker.passed
  if gone and not step.relu then return grads:move(step.outputs[1], step.inputs[1]) end
  local dx = step_back(pass, step, dy, gone, goes_on(step, reached), rule_of, single)
  for i, value in ipairs(step.inputs) do
    if reached[value] and dx[i] then grads:add(value, dx[i], not pass.layers[step].is_alias) end
  end
  for _, value in ipairs(step.outputs) do grads:done(value) end
end

-- run(pass, start, targets, options) --> { [value] = gradient } that holds every target the walk reached.
-- Without targets it reaches down to the lowest weights.
-- start: { [value] = gradient }; targets: list of values; options as of pass:backward.
function walk.run(pass, start, targets, options)
  local rule_of, wanted = rules.per_node(options), {}
  for _, value in ipairs(targets) do wanted[value] = true end
  local steps, reached = path(pass, start, targets)
  local single = options.weights and {} or single_readers(pass, steps, start, wanted, rule_of)
  local grads = gradients(start, wanted)
  for _, step in ipairs(steps) do visit(pass, step, grads, reached, rule_of, single) end
  return grads.at
end

return walk
