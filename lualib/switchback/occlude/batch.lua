-- A batch of positions of the patch, run through the head of a plan: of each value only a rectangle is
-- computed for each position; outside it the value is that of the input without a patch.
local core = require "switchback.core"

local Batch = {}
Batch.__index = Batch

-- new(plan, y, x, members) --> batch. y, x: classes (classes.lua) of starts along the axes; members:
-- { {i, j}... }: position i of the class y and j of the class x each.
local function new(plan, y, x, members)
  return setmetatable({ plan = plan, y = y.places, x = x.places, members = members, patches = {} }, Batch)
end

-- The corners (n,2) of what lies at ys[i], xs[j] for each member.
local function corners(self, ys, xs)
  local list = {}
  for n, member in ipairs(self.members) do list[n] = { ys[member[1]], xs[member[2]] } end
  return core.tensor.tensor(list)
end

local function same(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local function is_place(place, at, size) return place.size == size and same(place.at, at) end

-- The h x w at ys, xs of a value of each member; the second result tells that it is a tensor of its own.
local function region(self, value, ys, xs, size, beyond, to)
  local base, patch = self.plan.base.values[value], self.patches[value]
  local at, y, x = nil, self.y[value], self.x[value]
  if patch and not to and is_place(y, ys, size[1]) and is_place(x, xs, size[2]) then return patch, false end
  if patch then at = corners(self, y.at, x.at) end
  return core.occlude.gather(base, corners(self, ys, xs), size, beyond, patch, at, to), true
end

-- batch:whole(value, to) writes the whole maps of a value into the tensor `to` (n,C,H,W).
function Batch:whole(value, to)
  local ones = {}
  for i = 1, math.max(#self.y[value].at, #self.x[value].at) do ones[i] = 1 end
  return region(self, value, ones, ones, { self.y[value].extent, self.x[value].extent }, 0, to)
end

-- batch:changes(value) --> (n,C): by how much the sum of each map of a value differs from the base's.
function Batch:changes(value)
  local at = corners(self, self.y[value].at, self.x[value].at)
  return core.occlude.changes(self.plan.base.values[value], self.patches[value], at)
end

local function forward(layer, inputs, relu)
  inputs[#inputs + 1] = { tape = false, relu = relu }
  return { layer:forward(table.unpack(inputs)) }
end

local function release(list)
  for _, t in ipairs(list) do t:release() end
end

-- Where the region that windows of the places look at lies along an axis.
local function looked_at(place, window, axis)
  local s, at = window.stride[axis], {}
  for i, o in ipairs(place.at) do at[i] = (o - 1) * s - window.pad[axis] + 1 end
  return at, (place.size - 1) * s + window.extent[axis]
end

local function is_whole(self, value)
  return self.y[value].size == self.y[value].extent and self.x[value].size == self.x[value].extent
end

-- Times rule.factor, at each member's place.
local function scaled(self, t, rule, output)
  local y, x = self.y[output], self.x[output]
  local factor = core.occlude.gather(rule.factor, corners(self, y.at, x.at), { y.size, x.size })
  local result = t * factor
  release { t, factor }
  return result
end

local function run_window(self, item)
  local rule, input, output = item.rule, item.step.inputs[1], item.step.outputs[1]
  local relu = item.step.relu ~= nil
  if is_whole(self, input) and is_whole(self, output) then
    return forward(item.layer, { self.patches[input] }, relu)
  end
  local ys, h = looked_at(self.y[output], rule.window, 1)
  local xs, w = looked_at(self.x[output], rule.window, 2)
  local seen, owned = region(self, input, ys, xs, { h, w }, rule.beyond)
  if not rule.layer then return { owned and seen or seen:clone() } end
  local results = forward(rule.layer, { seen }, relu)
  if owned then release { seen } end
  if rule.factor then results[1] = scaled(self, results[1], rule, output) end
  return results
end

local function run_local(self, item)
  local inputs, owned, shapes = {}, {}, self.plan.base.shapes
  local y, x = self.y[item.step.outputs[1]], self.x[item.step.outputs[1]]
  for i, value in ipairs(item.step.inputs) do
    local shape, own = shapes[value], false
    if #shape == 4 and shape[3] == y.extent and shape[4] == x.extent then
      inputs[i], own = region(self, value, y.at, x.at, { y.size, x.size }, 0)
    else
      inputs[i] = self.plan.base.values[value]
    end
    if own then owned[#owned + 1] = inputs[i] end
  end
  local results = forward(item.layer, inputs, item.step.relu ~= nil)
  release(owned)
  return results
end

local run_rule = { window = run_window, ["local"] = run_local }

-- Takes note of a value that has been computed, and lets it go if nothing reads it.
local function made(self, value, readers, visit)
  visit(self, value)
  if not readers[value] then self:drop(value) end
end

function Batch:drop(value)
  self.patches[value]:release()
  self.patches[value] = nil
end

-- How often the head reads each value.
local function count_readers(head)
  local readers = {}
  for _, item in ipairs(head) do
    for _, value in ipairs(item.step.inputs) do readers[value] = (readers[value] or 0) + 1 end
  end
  return readers
end

-- batch:run(filling, visit): filling (1,C,H,W) is what patches show; visit(batch, value) is called for each
-- value in turn, while its rectangles are known.
function Batch:run(filling, visit)
  local readers, input = count_readers(self.plan.head), self.plan.input
  local y, x = self.y[input], self.x[input]
  self.patches[input] = core.occlude.gather(filling, corners(self, y.at, x.at), { y.size, x.size })
  made(self, input, readers, visit)
  for _, item in ipairs(self.plan.head) do
    local results = run_rule[item.rule.kind](self, item)
    for i, value in ipairs(item.step.outputs) do
      self.patches[value] = results[i]
      made(self, value, readers, visit)
    end
    for _, value in ipairs(item.step.inputs) do
      readers[value] = readers[value] and readers[value] - 1
      if readers[value] == 0 and self.patches[value] then self:drop(value) end
    end
  end
end

return { new = new }
