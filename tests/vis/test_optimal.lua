-- Optimal stimuli: the closed form against search, and the ascent and curvatures of deeper units.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local tiny = require "tiny_model"

local T = {}

-- No picture of norm 1 does better, and gradient ascent on the sphere comes to the same.
function T.test_the_closed_form_is_the_best_of_its_norm()
  local net = tiny.loaded()
  local found = sb.vis.optimal(net, nil, { layer = "relu1" })
  lu.assertEquals({ found.closed, found.layer, #found.units }, { true, "conv1", 8 })
  local weight, rng = net:node("conv1").layer.params.weight, sb.rng(1)
  for _, unit in ipairs(found.units) do
    local w = weight:select(1, unit.channel)
    lu.assertAlmostEquals(unit.stimulus:norm(), 1, 1e-5)
    -- of a net of BGR pictures, back in its own order
    local own = sb.cat({ unit.stimulus:narrow(1, 3, 1), unit.stimulus:narrow(1, 2, 1),
                         unit.stimulus:narrow(1, 1, 1) }, 1)
    lu.assertAlmostEquals(own:dot(w), unit.value, 1e-5)
    lu.assertAlmostEquals(unit.norm, w:norm(), 1e-5)
    for _ = 1, 20 do
      local x = sb.randn(rng, table.unpack(w:size()))
      lu.assertTrue((x / x:norm()):dot(w) < unit.value)
    end
    local x = require("switchback.sphere").maximize(function(c) return c:dot(w), w end, own * 0 + 0.1,
      { steps = 100 })
    h.close(x / x:norm(), own, 1e-2)
  end
end

local function deeper(options)
  local all = { layer = "relu2", channels = { 3, 5 }, size = 32, steps = 15, lanczos = 6, frames = 5 }
  for key, value in pairs(options or {}) do all[key] = value end
  return sb.vis.optimal(sb.load(tiny.model(0)), nil, all)
end

function T.test_a_deeper_unit()
  local found = deeper()
  lu.assertEquals({ found.closed, #found.units }, { false, 2 })
  for _, unit in ipairs(found.units) do
    lu.assertEquals(unit.stimulus:size(), { 3, 32, 32 })
    lu.assertTrue(unit.mean > 0)
    lu.assertEquals(#unit.directions, 4)
    for i, d in ipairs(unit.directions) do
      lu.assertEquals({ #d.frames, d.most }, { 5, i <= 2 })
      lu.assertAlmostEquals(d.frames[3].value, unit.value, 1e-4 * unit.value) -- the middle is the stimulus
      h.close(d.frames[3].picture, unit.stimulus, 1e-4)
      if i > 1 then lu.assertTrue(d.eigenvalue <= unit.directions[i - 1].eigenvalue) end
    end
  end
end

-- More steps of ascent find pictures that the unit answers to more.
function T.test_the_ascent_rises()
  lu.assertTrue(deeper { steps = 30 }.units[1].mean > deeper { steps = 2 }.units[1].mean)
end

function T.test_seeds()
  local function bytes(seed) return deeper({ seed = seed, channels = { 3 } }).units[1].stimulus:bytes() end
  lu.assertTrue(bytes(1) == bytes(1))
  lu.assertFalse(bytes(1) == bytes(2))
end

function T.test_mistakes()
  h.error_has(deeper, "channel 9 is out of range: 'relu2' has 6", { channels = { 9 } })
  h.error_has(deeper, "did you mean 'relu2'", { layer = "rellu2" })
  h.error_has(sb.vis.optimal, "'fc' has no maps", tiny.loaded(), nil, { layer = "fc", size = 48 })
end

return T
