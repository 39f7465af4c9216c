-- Long loops do not grow: 1,000 forward and backward passes of SqueezeNet.
local lu = require "luaunit"
local h = require "helper"
local process_memory = require "process_memory"
local sb = require "switchback"

local T = {}

-- Resident memory in KiB.
local function resident() return process_memory "VmRSS" end

-- The largest resident size seen in passes first..last.
local function peak(net, x, first, last)
  local most = 0
  for i = first, last do
    net:forward(x):backward { class = 1 + i % 1000 }
    if i % 10 == 0 then most = math.max(most, resident()) end
  end
  return most
end

-- Of the last 900 passes, the second half peaks within 1 % of the first.
function T.test_a_thousand_passes_do_not_grow()
  local net = sb.load(h.shared "models/squeezenet1_1/squeezenet1_1.onnx")
  local x = sb.randn(sb.rng(1), 1, 3, 96, 96)
  peak(net, x, 1, 100)
  local earlier, later = peak(net, x, 101, 550), peak(net, x, 551, 1000)
  lu.assertTrue(later < 1.01 * earlier, ("grew from %d to %d KiB"):format(earlier, later))
end

-- Pages that the system had to find for this process so far: field 10 of proc(5)'s stat.
local function page_faults()
  local file = assert(io.open "/proc/self/stat")
  local fields = file:read("a"):match "^.*%) (.*)$"
  file:close()
  return tonumber(fields:match("%S+ " .. ("%S+ "):rep(6) .. "(%d+)"))
end

-- Runs step 60 times (or `first`), then 20 times more, which may touch 256 KiB that the process did not have
-- yet, where a step itself takes many times that. What the C library gave back to the system would be
-- faulted in again.
local function check_steady(step, first)
  h.needs_own_memory()
  for i = 1, first or 60 do step(i) end
  local before = page_faults()
  for i = 1, 20 do step(i) end
  local faults = page_faults() - before
  lu.assertTrue(faults <= 64, ("%d pages were new in 20 steps"):format(faults))
end

function T.test_a_steady_pass_takes_nothing_from_the_system()
  local net = sb.load("squeezenet1_1", { untrained = true })
  local x = sb.randn(sb.rng(1), 1, 3, 112, 112)
  check_steady(function(i) net:forward(x):backward { class = i } end)
end

-- Larger than what the C library maps and unmaps by itself.
function T.test_large_tensors_take_nothing_from_the_system()
  local x = sb.zeros(1, 12, 1024, 1024)
  check_steady(function() return x + 1 end, 4)
end

-- Weights change at each step, and what was prepared from them with it.
function T.test_a_steady_training_step_takes_nothing_from_the_system()
  local net = sb.load("lenet5", { untrained = true })
  local x = sb.randn(sb.rng(2), 16, 1, 28, 28)
  check_steady(function()
    local pass = net:forward(x, { training = true })
    pass:backward { seeds = { [net:logits()] = pass:scores() / 100 }, weights = true, to = {} }
    for _, node in ipairs(net.order) do
      for name, gradient in pairs(node.layer.grads or {}) do
        node.layer.params[name]:addmul_(-1e-3, gradient)
        gradient:fill_(0)
      end
    end
  end)
end

function T.test_released_memory_is_used_again()
  local before = sb.zeros(1000, 1000)
  before:release()
  lu.assertEquals(before:count(), 0)
  collectgarbage "stop"
  local size = collectgarbage "count"
  for _ = 1, 100 do sb.zeros(1000, 1000):release() end
  lu.assertTrue(collectgarbage "count" - size < 5000)
  collectgarbage "restart"
end

function T.test_what_others_look_into_is_not_released()
  local t = sb.full(7, 2000)
  local view = t:reshape(2, 1000)
  t:release()
  lu.assertEquals(view[{ 2, 1000 }], 7)
  local layer, x = sb.layer.sigmoid {}, sb.full(0, 2000)
  local y, tape = layer:forward(x)
  y:release()
  lu.assertAlmostEquals(layer:backward(tape, x + 1)[1], 0.25, 1e-6)
end

return T
