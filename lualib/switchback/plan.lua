-- net:plan: the memory and the operations that a run will take, found by doing it with a sketch of the net.
local check = require "switchback.check"
local count = require("switchback.shape").count
local pass = require "switchback.pass"
local sketch = require "switchback.sketch"

local plan = {}

local OPTIONS = { upto = false, record = "both", keep = {}, weights = false, training = false,
                  class = false, from = false, to = false, rule = "gradient", lrn = false, overlap = false }

-- ---- Runs -----------------------------------------------------------------------------------------

local function forward(net, inputs, o, record)
  return pass.run(net, net:bind_inputs(inputs), { upto = o.upto or nil, keep = o.keep, record = record,
    weights = o.weights, training = o.training })
end

-- The values that a walk starts from.
local function starts(net, o)
  local from = o.from or not o.class and o.upto or net:logits()
  return type(from) == "table" and from or { from }
end

local function backward(run, net, o, blank)
  local seeds = {}
  for _, name in ipairs(starts(net, o)) do seeds[name] = blank(run.shapes[net:value(name)]) end
  run:backward { seeds = seeds, to = o.to or nil, rule = o.rule, lrn = o.lrn or nil,
                 overlap = o.overlap or nil, weights = o.weights }
end

-- What a sketched run came to.
local function bill(ledger)
  local result = { flop = ledger.flop, peak = ledger.peak }
  for _, purpose in ipairs(sketch.purposes) do result[purpose] = ledger.most[purpose] end
  return result
end

local function inputs_of(net, shapes, blank)
  local inputs = {}
  for _, input in ipairs(net.inputs) do inputs[input.name] = blank(shapes[input.name]) end
  return inputs
end

local function sketched(net, shapes, o, recorded)
  local copy, ledger, blank = sketch.net(net)
  local run = forward(copy, inputs_of(net, shapes, blank), o, recorded)
  if recorded then
    ledger.purpose = "gradients"
    backward(run, copy, o, blank)
  end
  return bill(ledger), run
end

-- ---- By layer --------------------------------------------------------------------------------------

-- One entry for each step of the run, fused ones named by their last value.
local function by_layer(run)
  local layers = {}
  for i, step in ipairs(run.steps) do
    local shapes = {}
    for k, value in ipairs(step.inputs) do shapes[k] = run.shapes[value] end
    local about, value = run.layers[step]:plan(table.unpack(shapes)), step.outputs[1]
    layers[i] = { name = value, kind = run.layers[step].kind, shape = run.shapes[value],
                  flop = 2 * about.products, bytes = 4 * count(run.shapes[value]),
                  packed = about.forward.packed, scratch = about.forward.scratch }
  end
  return layers
end

-- ---- As text ---------------------------------------------------------------------------------------

local function amount(bytes) return ("%.1f"):format(bytes / 2 ^ 20) end

local Plan = {}
Plan.__index = Plan

local function totals(self)
  local lines = {}
  local function line(name, f)
    local cells = {}
    for _, run in ipairs { "forward", "backward" } do
      if self[run] then cells[#cells + 1] = ("%14s"):format(f(self[run])) end
    end
    lines[#lines + 1] = ("%-24s%s"):format(name, table.concat(cells))
  end
  line("", function(run) return run == self.forward and "forward" or "and backward" end)
  for _, purpose in ipairs(sketch.purposes) do
    line(purpose .. ", MiB", function(run) return amount(run[purpose]) end)
  end
  line("peak, MiB", function(run) return amount(run.peak) end)
  line("GFLOP", function(run) return ("%.2f"):format(run.flop / 1e9) end)
  return lines
end

-- The layers that compute, and the totals.
function Plan:__tostring()
  local lines = { ("%-28s %-18s %-18s %10s %10s"):format("layer", "kind", "output", "GFLOP", "MiB") }
  for _, l in ipairs(self.layers) do
    if l.flop > 0 then
      lines[#lines + 1] = ("%-28s %-18s %-18s %10.3f %10s"):format(l.name, l.kind,
        table.concat(l.shape, "x"), l.flop / 1e9, amount(l.bytes))
    end
  end
  lines[#lines + 1] = ""
  for _, line in ipairs(totals(self)) do lines[#lines + 1] = line end
  return table.concat(lines, "\n")
end

-- plan.of(net [, shape] [, options]) --> what running the net takes at the present number of threads and
-- precision, as two bills: forward, of a run that records nothing, and backward, of one that is recorded and
-- walked back to the input. A bill has, in bytes,
--   weights    parameters, those into which batch normalisation was folded included
--   packed     weights rearranged for the convolutions, which a layer keeps for the next run (sb.memory)
--   values, tapes, gradients, scratch   the most of each that is held at once
--   other      5 MiB for what a process comes to need besides
--   peak       the most of all together; a loop that drops one run for the next may add 20 MiB
--              or, where that is more, a sixteenth
-- and flop, operations: those of convolutions, fully connected layers and matrix products, a multiply-add
-- counting as 2. layers lists the steps as they run, fused ones by their last value: { name, kind, shape, and
-- of a forward run flop, bytes of the value, packed, scratch }. tostring() makes tables of it all.
-- shape is that of the first input. options: upto, keep, weights and training as of net:forward; record: true
-- or false for one of the bills alone; from (default: upto, else the logits), to, rule, lrn and overlap as of
-- pass:backward, and class = anything: from the logits. Raises what the run would. Batch normalisation is
-- folded as it would be by the run.
function plan.of(net, shape, options)
  local o = check.options("plan", options, OPTIONS)
  local shapes, result = net:shapes(shape, o.upto), {}
  local run
  if o.record ~= true then result.forward, run = sketched(net, shapes, o, false) end
  if o.record ~= false then result.backward, run = sketched(net, shapes, o, true) end
  result.layers = by_layer(run)
  return setmetatable(result, Plan)
end

return plan
