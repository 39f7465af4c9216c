-- A sketch of a network: nodes as they are, but layers that only compute shapes, for tensors that have no
-- elements. The code that runs and walks back through networks runs over it unchanged, and a ledger tells
-- what the real thing would have allocated.
local core = require "switchback.core"
local Net = require("switchback.net").Net
local elements = require("switchback.shape").count

local sketch = {}

local FLOAT <const>, HALF <const> = 4, 2 -- bytes
local SMALLEST_RECYCLED <const> = 1024 -- floats: ltensor.c lets smaller ones to the collector

-- ---- The ledger ----------------------------------------------------------------------------------

-- What ltensor.c does with memory. A buffer that is given back serves the next tensor of just that size,
-- until the collector runs, as it does whenever new buffers have come to GARBAGE bytes. Here too it is Lua's
-- collector that finds what nothing reaches any more. bytes: now, by purpose; peak: the most that they came
-- to together; most: the most for each purpose.
local Ledger = {}
Ledger.__index = Ledger

local GARBAGE <const> = 8 << 20
local OTHER <const> = 5 << 20 -- measured: code as it is first used, stacks of threads, gaps between buffers

sketch.purposes = { "weights", "packed", "values", "tapes", "gradients", "scratch", "other" }

local function new_ledger()
  local self = setmetatable({ purpose = "values", free = {}, seen = {}, flop = 0, fresh = 0, total = 0,
                              peak = 0, bytes = {}, most = {} }, Ledger)
  for _, purpose in ipairs(sketch.purposes) do self.bytes[purpose], self.most[purpose] = 0, 0 end
  self:add("other", OTHER)
  return self
end

function Ledger:add(purpose, bytes)
  self.bytes[purpose], self.total = self.bytes[purpose] + bytes, self.total + bytes
  self.most[purpose] = math.max(self.most[purpose], self.bytes[purpose])
  self.peak = math.max(self.peak, self.total)
end

-- Counts bytes that the process asks for while it runs.
function Ledger:allocate(purpose, bytes)
  self.fresh = self.fresh + bytes
  if self.fresh >= GARBAGE then
    self.fresh, self.free = bytes, {}
    collectgarbage()
  end
  self:add(purpose, bytes)
end

local Buffer = {}

function Buffer:__gc() self.ledger:add(self.purpose, -FLOAT * self.count) end

function Ledger:new_buffer(count, purpose)
  self:allocate(purpose, FLOAT * count)
  return setmetatable({ count = count, ledger = self, purpose = purpose }, Buffer)
end

-- A buffer of `count` floats, new or given back.
function Ledger:take(count, purpose)
  local free = self.free[count]
  if not free or #free == 0 then return self:new_buffer(count, purpose) end
  local buffer = table.remove(free)
  self:add(buffer.purpose, -FLOAT * count)
  self:add(purpose, FLOAT * count)
  buffer.purpose = purpose
  return buffer
end

function Ledger:give(buffer)
  if buffer.shared or buffer.count < SMALLEST_RECYCLED then return end
  local free = self.free[buffer.count] or {}
  self.free[buffer.count] = free
  free[#free + 1] = buffer
end

-- Whether a key is new.
function Ledger:first(key)
  if self.seen[key] then return false end
  self.seen[key] = true
  return true
end

-- Counts the parameters of a layer; tensors that several layers share, once.
function Ledger:weights(layer)
  for _, t in pairs(layer.params) do
    if self:first(t) then self:add("weights", (core.half.is(t) and HALF or FLOAT) * t:count()) end
  end
end

-- The one scratch buffer grows as needed.
function Ledger:scratch(bytes)
  if bytes > self.bytes.scratch then self:allocate("scratch", bytes - self.bytes.scratch) end
end

-- ---- Tensors without elements ----------------------------------------------------------------------

local Blank = {}
Blank.__index = Blank

local function blank(ledger, shape, purpose)
  purpose = purpose or ledger.purpose
  local buffer = ledger:take(elements(shape), purpose)
  return setmetatable({ ledger = ledger, shape = shape, buffer = buffer }, Blank)
end

local function view(t, shape)
  t.buffer.shared = true
  return setmetatable({ ledger = t.ledger, shape = shape, buffer = t.buffer }, Blank)
end

function Blank:size() return self.shape end

function Blank:release()
  self.ledger:give(self.buffer)
  if not self.buffer.shared then self.buffer = nil end
end

function Blank:add_() return self end

local function like(a, b)
  local t = getmetatable(a) == Blank and a or b
  return blank(t.ledger, t.shape)
end
Blank.__add, Blank.__mul = like, like

-- ---- Layers that only compute shapes -----------------------------------------------------------------

local Layer = {}

-- What a sketch has not, the layer answers.
function Layer.__index(self, key) return Layer[key] or self.real[key] end

local function new_layer(ledger, real)
  ledger:weights(real)
  local scarce = core.system.memory() == "scarce"
  return setmetatable({ ledger = ledger, real = real, packed = {}, scarce = scarce }, Layer)
end

function Layer:plan(...) return self.real:plan(...) end

-- What a run in that direction needs beside its tensors. Packed weights are kept, if memory is scarce for one
-- direction; they are buffers that the collector may have, like the real ones.
local function prepare(self, about)
  local kept, backward = self.packed, about.arrangement % 2
  if about.packed > 0 and not kept[about.arrangement] then
    for arrangement in pairs(kept) do
      if self.scarce and arrangement % 2 ~= backward then kept[arrangement] = nil end
    end
    kept[about.arrangement] = self.ledger:new_buffer(about.packed // FLOAT, "packed")
  end
  self.ledger:scratch(about.scratch)
end

-- Holds what the real tape would hold, and the shapes of the inputs.
local function new_tape(self, plan, inputs, outputs, settings)
  local tape = { plan = plan, shapes = {}, kept = {} }
  local keeps_inputs = plan.keeps_inputs or settings.weights and next(self.real.params) ~= nil
  local function keep(t)
    if getmetatable(t) == Blank then t.buffer.shared = true end -- else a constant of the net
    tape.kept[#tape.kept + 1] = t
  end
  for i, t in ipairs(inputs) do tape.shapes[i] = t:size() end
  for _, t in ipairs(keeps_inputs and inputs or {}) do keep(t) end
  for _, t in ipairs(plan.keeps_outputs and outputs or {}) do keep(t) end
  for _, shape in ipairs(plan.tape) do keep(blank(self.ledger, shape, "tapes")) end
  return tape
end

-- layer:forward(x..., settings) --> y..., tape, as of layers.
function Layer:forward(...)
  local inputs, shapes = { ... }, {}
  local settings = table.remove(inputs)
  for i, t in ipairs(inputs) do shapes[i] = t:size() end
  local plan = self.real:plan(table.unpack(shapes))
  local outputs = {}
  for i, shape in ipairs(plan.outputs) do
    outputs[i] = self.real.is_alias and getmetatable(inputs[1]) == Blank and view(inputs[1], shape) or
      blank(self.ledger, shape)
  end
  prepare(self, plan.forward)
  self.ledger.flop = self.ledger.flop + 2 * plan.products
  if settings.tape then outputs[#outputs + 1] = new_tape(self, plan, inputs, outputs, settings) end
  return table.unpack(outputs)
end

-- layer:recall(y) --> tape, as of layers; of those whose result is shaped like their input.
function Layer:recall(y)
  y.buffer.shared = true
  return { plan = self.real:plan(y:size()), shapes = { y:size() }, kept = { y } }
end

-- layer:backward(tape, dy..., options) --> dx..., as of layers.
function Layer:backward(tape, ...)
  local dy, dx = { ... }, {}
  local weights = table.remove(dy).weights
  for i, shape in ipairs(tape.shapes) do
    dx[i] = self.real.is_alias and view(dy[1], shape) or blank(self.ledger, shape)
  end
  prepare(self, tape.plan.backward)
  if weights then self:count_gradients() end
  self.ledger.flop = self.ledger.flop + 2 * tape.plan.products * (#dx + (weights and 1 or 0))
  return table.unpack(dx)
end

-- The gradients of the weights, which a layer keeps; what is_buffer has none.
function Layer:count_gradients()
  local real, bytes = self.real, 0
  if not self.ledger:first(("%p gradients"):format(real)) then return end
  for _, weight in ipairs(core.layer.about(real.kind).weights) do
    local t = not weight.is_buffer and real.params[weight.name]
    if t then bytes = bytes + FLOAT * t:count() end
  end
  self.ledger:allocate("gradients", bytes)
end

-- ---- The network ---------------------------------------------------------------------------------

-- sketch.net(net) --> a net that runs as `net` does, but with layers that compute shapes alone; its ledger
-- (total, peak, most = { [purpose] = bytes }, flop); and blank(shape), which makes tensors for it.
function sketch.net(net)
  local ledger, made = new_ledger(), {}
  for _, node in ipairs(net.order) do
    if type(node.layer) ~= "function" then ledger:weights(node.layer) end
  end
  local function layer_of(node, shape_of)
    local real = Net.layer_of(node, shape_of)
    made[real] = made[real] or new_layer(ledger, real)
    return made[real]
  end
  local copy = setmetatable({ layer_of = layer_of }, { __index = net })
  return copy, ledger, function(shape) return blank(ledger, shape) end
end

return sketch
