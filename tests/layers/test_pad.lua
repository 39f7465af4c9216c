-- pad: rows worked out by hand for each mode, cropping, and how wide a border may be.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local LINE = sb.tensor { 1, 2, 3, 4 }

local function pad(pads, mode, value) return sb.layer.pad { pads = pads, mode = mode, value = value } end

function T.test_lines_of_each_mode()
  local cases = {
    { "constant", { 2, 1 }, { 9, 9, 1, 2, 3, 4, 9 } },
    { "reflect", { 3, 2 }, { 4, 3, 2, 1, 2, 3, 4, 3, 2 } },
    { "edge", { 2, 3 }, { 1, 1, 1, 2, 3, 4, 4, 4, 4 } },
    { "wrap", { 2, 5 }, { 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1 } },
    { "constant", { -1, 2 }, { 2, 3, 4, 9, 9 } },
    { "edge", { 1, -3 }, { 1, 1 } },
    { "reflect", { 1, -1 }, { 2, 1, 2, 3 } },
    { "constant", { -3, -1 }, {} },
    { "constant", { 3, -5 }, { 9, 9 } }, -- what is left lies in the border alone
    { "constant", { -6, 4 }, { 9, 9 } },
  }
  for _, case in ipairs(cases) do
    local y = pad(case[2], case[1], 9):forward(LINE)
    lu.assertEquals(y:totable(), case[3], ("%s %d,%d"):format(case[1], case[2][1], case[2][2]))
  end
end

function T.test_one_number_two_or_one_for_each_side()
  local x = sb.zeros(2, 3, 4)
  lu.assertEquals(pad(1):infer(x:size()), { 2, 5, 6 })
  lu.assertEquals(pad { 1, 2 }:infer(x:size()), { 2, 5, 8 })
  lu.assertEquals(pad { 1, 2, 3, 4 }:infer(x:size()), { 2, 7, 10 })
  lu.assertEquals(pad { 1, 0, 0, 0, 1, 2 }:infer(x:size()), { 3, 4, 6 })
  lu.assertEquals(pad(2):infer { 3 }, { 7 })
end

function T.test_sides_are_top_left_bottom_right()
  local y = pad({ 1, 0, 0, 2 }, "constant", 5):forward(sb.tensor { { 1, 2 }, { 3, 4 } })
  h.close(y, sb.tensor { { 5, 5, 5, 5 }, { 1, 2, 5, 5 }, { 3, 4, 5, 5 } }, 0)
end

function T.test_corners_of_a_reflected_plane()
  local x = sb.tensor { { { 1, 2, 3 }, { 4, 5, 6 } } }
  local layer = pad(1, "reflect")
  local y, tape = layer:forward(x)
  h.close(y[1], sb.tensor { { 5, 4, 5, 6, 5 }, { 2, 1, 2, 3, 2 }, { 5, 4, 5, 6, 5 }, { 2, 1, 2, 3, 2 } }, 0)
  -- the adjoint: how often each pixel of x is shown
  h.close(layer:backward(tape, sb.full(1, 1, 4, 5))[1], sb.tensor { { 2, 6, 2 }, { 2, 6, 2 } }, 0)
end

-- <pad(x), y> without a constant is <x, adjoint(y)>, with a batch large enough for several threads.
function T.test_adjoint_identity()
  local rng = sb.rng(4)
  for _, mode in ipairs { "constant", "reflect", "edge", "wrap" } do
    local layer = pad({ 3, 1, 2, 5 }, mode)
    local x = sb.randn(rng, 4, 8, 40, 30)
    local y, tape = layer:forward(x)
    local dy = sb.randn(rng, y:size())
    lu.assertAlmostEquals((y * dy):sum(), (x * layer:backward(tape, dy)):sum(), 0.02) -- of about 40000 terms
  end
end

function T.test_borders_that_cannot_be_filled()
  local function refuse(text, pads, mode, ...)
    local layer = pad(pads, mode)
    h.error_has(layer.infer, text, layer, { ... })
  end
  refuse("pad: axis 2 of the input 5x3 is too short for a border of 3, mode reflect", { 0, 3, 0, 0 },
    "reflect", 5, 3)
  lu.assertEquals(pad({ 0, 2, 0, 2 }, "reflect"):infer { 5, 3 }, { 5, 7 })
  refuse("pad: axis 1 of the input 0x3 is too short for a border of 1, mode edge", 1, "edge", 0, 3)
  refuse("pad: pads -2 and -2 cut off more than axis 1 of the input 3x3 has", -2, "constant", 3, 3)
  refuse("pad: 4 pads are too many for the input 3", { 1, 1, 1, 1 }, "constant", 3)
  refuse("pad: 1 pads are too many for the input scalar", 1, "constant")
  h.error_has(pad, "pad: pads takes 1, 2, 4, ... or 12 values, got 3", { 1, 2, 3 })
  h.error_has(pad, "pad: pads takes", {})
  h.error_has(pad, "pad: a border of 4294967296 is too large", 1 << 32)
  h.error_has(pad, "pad: 'mode' must be one of constant, reflect, edge, wrap; got 'mirror'", 1, "mirror")
end

function T.test_window()
  lu.assertEquals(pad({ 1, 2, 3, 4 }):window().pad, { 1, 2 })
  lu.assertEquals(pad({ 0, 0, 5, 6, 0, 0, 7, 8 }):window().pad, { 5, 6 })
end

return T
