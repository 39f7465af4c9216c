-- slice: ONNX's rules for positions: counted from 0, half open, negative from the end, clamped.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local LINE = sb.tensor { 0, 1, 2, 3, 4, 5, 6 }

local function slice(starts, ends, steps, axes)
  return sb.layer.slice { starts = starts, ends = ends, steps = steps, axes = axes }
end

function T.test_positions_of_a_line()
  local big = math.maxinteger
  local cases = {
    { 1, 4, 1, { 1, 2, 3 } }, { 0, big, 1, { 0, 1, 2, 3, 4, 5, 6 } }, { -3, -1, 1, { 4, 5 } },
    { 0, 7, 3, { 0, 3, 6 } }, { 1, 7, 5, { 1, 6 } }, { 5, 2, 1, {} }, { 9, 20, 1, {} },
    { -1, -big, -1, { 6, 5, 4, 3, 2, 1, 0 } }, { 20, 0, -2, { 6, 4, 2 } }, { 4, 1, -1, { 4, 3, 2 } },
    { 2, -8, -1, { 2, 1, 0 } }, { 0, big, big, { 0 } }, { -1, math.mininteger, math.mininteger, { 6 } },
    { -100, 2, 1, { 0, 1 } }, { 3, 3, 1, {} },
  }
  for _, case in ipairs(cases) do
    local y = slice(case[1], case[2], case[3]):forward(LINE)
    lu.assertEquals(y:totable(), case[4], ("%d:%d:%d"):format(case[1], case[2], case[3]))
  end
end

function T.test_axes_are_counted_from_1()
  local x = sb.arange(1, 12):reshape(3, 4)
  h.close(slice({ 1 }, { 3 }, nil, { 2 }):forward(x), sb.tensor { { 2, 3 }, { 6, 7 }, { 10, 11 } }, 0)
  h.close(slice({ 1, -1 }, { 3, -5 }, { 1, -2 }, { 1, -1 }):forward(x), sb.tensor { { 8, 6 }, { 12, 10 } }, 0)
  h.close(slice({ 1, 0 }, { 2, 2 }):forward(x), sb.tensor { { 5, 6 } }, 0)
end

function T.test_backward_puts_gradients_back_in_place()
  local layer = slice(6, 0, -2)
  local _, tape = layer:forward(LINE)
  h.close(layer:backward(tape, sb.tensor { 1, 2, 3 }), sb.tensor { 0, 0, 3, 0, 2, 0, 1 }, 0)
  layer = slice(5, 2)
  _, tape = layer:forward(LINE)
  h.close(layer:backward(tape, sb.zeros(0)), sb.zeros(7), 0)
end

function T.test_mistakes_are_named()
  h.error_has(slice, "slice: 2 starts, but 1 ends", { 0, 0 }, { 1 })
  h.error_has(slice, "slice: 1 starts, but 2 axes", { 0 }, { 1 }, nil, { 1, 2 })
  h.error_has(slice, "slice: 1 starts, but 2 steps", { 0 }, { 1 }, { 1, 1 })
  h.error_has(slice, "slice: a step must not be 0", { 0 }, { 1 }, { 0 })
  h.error_has(function() slice({ 0, 0 }, { 1, 1 }):forward(LINE) end, "slice: 2 starts, but the input is 7")
  h.error_has(function() slice({ 0 }, { 1 }, nil, { 2 }):forward(LINE) end,
    "slice: axis 2 is out of range for the input 7")
end

function T.test_the_window_of_a_crop()
  local window = slice({ 2, 3 }, { 100, 100 }, { 1, 2 }, { 3, 4 }):window()
  lu.assertEquals(window, { extent = { 1, 1 }, stride = { 1, 2 }, pad = { -2, -3 } })
  lu.assertNil(slice({ -2 }, { 100 }, nil, { 3 }):window())
end

return T
