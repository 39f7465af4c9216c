-- Long loops do not grow: 1,000 forward and backward passes of SqueezeNet.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- Resident memory in KiB.
local function resident()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s+(%d+)"
    if kib then return tonumber(kib) end
  end
end

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
