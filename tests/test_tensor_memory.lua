-- The memory behind tensors: who keeps it, what a failed allocation leaves.
local fail_alloc = require "fail_alloc"
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

function T.test_views_keep_their_memory_alive()
  local views = {}
  for i = 1, 50 do
    local owner = sb.full(i, 100, 100)
    views[i] = owner:reshape(10000):narrow(1, 5000, 100):reshape(10, 10)[10]
  end
  collectgarbage()
  for _ = 1, 50 do sb.full(-1, 100, 100) end -- would reuse freed memory
  collectgarbage()
  for i = 1, 50 do lu.assertEquals(views[i]:sum(), 10 * i) end
end

function T.test_dropped_tensors_are_collected()
  collectgarbage()
  local before = collectgarbage "count"
  for _ = 1, 200 do sb.zeros(1000, 250) end -- 1 MB each
  collectgarbage()
  lu.assertTrue(collectgarbage "count" - before < 2000)
end

-- ---- Allocations that fail -----------------------------------------------------------------------

local x, y = sb.randn(sb.rng(1), 6, 7), sb.randn(sb.rng(2), 6, 1)
local operations = {
  tensor = function() return sb.tensor { { 1, 2 }, { 3, 4 } } end,
  rand = function() return sb.rand(sb.rng(1), 9) end,
  index = function() return x[{ {}, { 2, 3 } }] end,
  narrow = function() return x:narrow(2, 1, 2) end,
  totable = function() return x:totable() end,
  tostring = function() return tostring(x) end,
  add = function() return x + y end,
  overlap = function() return x:clone():add_(x[1]) end,
  exp = function() return x:exp() end,
  map = function() return x:map(function(v) return v + 1 end) end,
  close = function() return select(2, x:close(y)) end,
  sum = function() return x:reshape(2, 3, 7):sum { 1, 3 } end,
  max = function() return select(2, x:max(1)) end,
  topk = function() return select(2, x:topk(2)) end,
  permute = function() return x:permute(2, 1) end,
  cat = function() return sb.cat { x, x } end,
  pad = function() return x:pad { 1, { 0, 2 } } end,
  tile = function() return x:tile(2, 2) end,
  take = function() return x:take { 2, 2, 5 } end,
  matmul = function() return x:matmul(x:transpose()) end,
}

-- Calls f with its 1st, 2nd, ... allocation and all later ones failing, until it gets by.
local function fail_each_allocation(f)
  for n = 1, 1000 do
    local triggered, ok, result = fail_alloc.run(n, f)
    if not triggered then return n, ok, result end
    lu.assertFalse(ok)
    lu.assertStrContains(tostring(result), "not enough memory")
  end
  error "never got by"
end

for name, f in pairs(operations) do
  T["test_" .. name .. "_survives_failed_allocations"] = function()
    local attempts, ok, result = fail_each_allocation(f)
    lu.assertTrue(ok)
    lu.assertTrue(attempts > 1)
    lu.assertEquals(result, f())
  end
end

return T
