-- What an occlusion sweep of a net has to do: which steps run on rectangles (the head), and which on whole
-- maps (the tail), because one of their inputs is mixed there or came out of such a step.
local count = require("switchback.shape").count
local pass = require "switchback.pass"
local rules = require "switchback.occlude.rules"

local Plan = {}
Plan.__index = Plan

local function add_step(self, step, base)
  local inputs, outputs, changes, whole = {}, {}, false, false
  for i, value in ipairs(step.inputs) do
    inputs[i] = { shape = base.shapes[value], reach = self.reach[value] }
    whole = whole or self.whole[value]
    changes = changes or whole or self.reach[value] ~= nil
  end
  if not changes then return end
  for i, value in ipairs(step.outputs) do outputs[i] = base.shapes[value] end
  local rule = not whole and rules.of(base.layers[step], inputs, outputs)
  if rule and rule.kind ~= "whole" then
    self.head[#self.head + 1] = { step = step, layer = base.layers[step], rule = rule }
  else
    self.tail[#self.tail + 1] = step
  end
  for _, value in ipairs(step.outputs) do
    if rule and rule.reach then self.reach[value] = rule.reach else self.whole[value] = true end
  end
end

-- What the tail reads of the head: { value... }.
local function find_frontier(self, readers_of_whole)
  local seen = {}
  local function add(value)
    if self.reach[value] and not seen[value] then
      seen[value] = true
      self.frontier[#self.frontier + 1] = value
    end
  end
  for _, step in ipairs(self.tail) do
    for _, value in ipairs(step.inputs) do add(value) end
  end
  for _, value in ipairs(readers_of_whole) do add(value) end
end

-- The net from the frontier on, as something that pass.run takes; it ends early, but its logits are the
-- net's.
local function tail_net(net, base, self)
  local tail = { constants = {}, made = {}, order = {} }
  function tail.logits() return net:logits() end
  for value, t in pairs(base.values) do
    if not self.reach[value] and not self.whole[value] then tail.constants[value] = t end
    tail.made[value] = false
  end
  for _, step in ipairs(self.tail) do
    for _, node in ipairs(step.nodes) do
      tail.order[#tail.order + 1] = node
      for _, value in ipairs(node.outputs) do tail.made[value] = node end
    end
  end
  return setmetatable(tail, { __index = net })
end

-- plan.new(net, base, value, r, wanted) --> plan. base: a pass of the input that is not occluded, r: the
-- reach of the patches in `value`, the input. wanted: list of values that are read as whole maps besides.
--   head      { step =, layer =, rule = }... in running order
--   reach     { [value] = reach } of the values that are known by rectangles
--   whole     set of the values that are computed as whole maps
--   frontier  those known by rectangles that are needed as whole maps too
--   tail_net  what computes the others, from the frontier
local function new(net, base, value, r, wanted)
  local self = setmetatable({ head = {}, tail = {}, frontier = {}, whole = {}, reach = { [value] = r },
                              base = base, input = value }, Plan)
  for _, step in ipairs(base.steps) do add_step(self, step, base) end
  find_frontier(self, wanted)
  self.tail_net = tail_net(net, base, self)
  return self
end

-- plan:changes(value) --> whether the patches can change it at all.
function Plan:changes(value) return self.reach[value] ~= nil or self.whole[value] ~= nil end

-- plan:run_tail(maps, wanted) --> pass. maps: { [value] = (n,C,H,W) } of the frontier.
function Plan:run_tail(maps, wanted)
  return pass.run(self.tail_net, maps, { upto = wanted, record = false })
end

-- The most that is held at once by `steps`, { inputs =, outputs = } each, in what size_of(value) and
-- extra(step) count. Values are let go when nothing reads them any more.
local function peak(steps, size_of, extra)
  local readers, held, most = {}, 0, 0
  for _, step in ipairs(steps) do
    for _, value in ipairs(step.inputs) do readers[value] = (readers[value] or 0) + 1 end
  end
  for _, step in ipairs(steps) do
    for _, value in ipairs(step.outputs) do held = held + size_of(value) end
    most = math.max(most, held + extra(step))
    for _, value in ipairs(step.inputs) do
      readers[value] = readers[value] - 1
      if readers[value] == 0 then held = held - size_of(value) end
    end
  end
  return most
end

-- plan:tail_floats() --> floats that the tail holds at most for each position, the frontier included.
function Plan:tail_floats()
  local kept, shapes = 0, self.base.shapes
  for _, value in ipairs(self.frontier) do kept = kept + count(shapes[value]) end
  local function size_of(value) return self.whole[value] and count(shapes[value]) or 0 end
  return kept + peak(self.tail, size_of, function() return 0 end)
end

-- plan:head_floats(area) --> floats that the head holds at most for each position, where area(value) is the
-- number of places of the value's rectangle.
function Plan:head_floats(area)
  local shapes, steps = self.base.shapes, {}
  local function size_of(value) return self.reach[value] and shapes[value][2] * area(value) or 0 end
  for i, item in ipairs(self.head) do steps[i] = item.step end
  -- The gathered regions: at most as large again as what is read and written, windows' edges included.
  local function extra(step)
    local n = 0
    for _, value in ipairs(step.inputs) do n = n + 2 * size_of(value) end
    return n
  end
  return size_of(self.input) + peak(steps, size_of, extra)
end

return { new = new }
