-- Schedules: the factors at chosen moments.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

local function factors(s, epochs, ...)
  local list = {}
  for i, done in ipairs { ... } do list[i] = s:factor(done, epochs) end
  return list
end

local function near(got, want)
  lu.assertEquals(#got, #want)
  for i in ipairs(want) do lu.assertAlmostEquals(got[i], want[i], 1e-12) end
end

function T.test_constant_and_warm_up()
  near(factors(sb.schedule.constant {}, 10, 0, 3.5, 9), { 1, 1, 1 })
  near(factors(sb.schedule.constant { warmup = 2 }, 10, 0, 0.5, 1, 2, 9), { 0, 0.25, 0.5, 1, 1 })
end

function T.test_step()
  near(factors(sb.schedule.step { every = 3 }, 10, 0, 2.99, 3, 6.5, 9), { 1, 1, 0.1, 0.01, 0.001 })
  near(factors(sb.schedule.step { at = { 4, 8 }, decay = 0.5 }, 10, 3.9, 4, 8, 9.9), { 1, 0.5, 0.25, 0.25 })
end

-- 1 - share, share = a third and two thirds of half a cosine: 0.75 and 0.25.
function T.test_cosine()
  near(factors(sb.schedule.cosine {}, 9, 0, 3, 4.5, 6, 9), { 1, 0.75, 0.5, 0.25, 0 })
  near(factors(sb.schedule.cosine { warmup = 1, floor = 0.2 }, 10, 0, 0.5, 1, 4, 10), { 0, 0.5, 1, 0.8, 0.2 })
end

function T.test_plateau_waits_and_goes_on_from_its_state()
  local s = sb.schedule.plateau { patience = 1, decay = 0.5 }
  local function after(loss)
    s:observe(loss)
    return s:factor(1, 10)
  end
  near({ after(2), after(1.5), after(1.6), after(1.4999), after(1.4) }, { 1, 1, 1, 0.5, 0.5 })
  local again = sb.schedule.plateau { patience = 1, decay = 0.5 }
  again:restore(s:state())
  for _, x in ipairs { s, again } do
    x:observe(1.41)
    x:observe(1.42)
    near({ x:factor(6, 10) }, { 0.25 })
  end
end

function T.test_unknown_options_are_named()
  h.error_has(sb.schedule.cosine, "schedule.cosine: unknown option 'warm_up'; did you mean 'warmup'?",
    { warm_up = 1 })
end

return T
