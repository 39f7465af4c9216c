-- concat and split: whole and parts along a dimension.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local A = sb.tensor { { 1, 2 }, { 3, 4 } }
local B = sb.tensor { { 5 }, { 6 } }
local WHOLE = sb.tensor { { 1, 2, 5 }, { 3, 4, 6 } }

function T.test_concat_joins_and_its_backward_cuts()
  local layer = sb.layer.concat {}
  local y, tape = layer:forward(A, B)
  h.close(y, WHOLE, 0)
  local da, db = layer:backward(tape, WHOLE * 10)
  h.close(da, A * 10, 0)
  h.close(db, B * 10, 0)
  h.close(sb.layer.concat { axis = 1 }:forward(A, A), sb.tensor { { 1, 2 }, { 3, 4 }, { 1, 2 }, { 3, 4 } }, 0)
end

function T.test_split_cuts_and_its_backward_joins()
  local layer = sb.layer.split { sizes = { 2, 1 } }
  local a, b, tape = layer:forward(WHOLE)
  h.close(a, A, 0)
  h.close(b, B, 0)
  h.close(layer:backward(tape, A * 10, B * 10), WHOLE * 10, 0)
end

function T.test_middle_dimensions()
  local x = sb.randn(sb.rng(1), 2, 5, 3, 4)
  for axis = 1, 4 do
    local parts = table.pack(sb.layer.split { axis = axis, parts = 2 }:forward(x))
    lu.assertEquals(parts.n, 3) -- two pieces and the tape
    h.close(sb.layer.concat { axis = axis - 5 }:forward(parts[1], parts[2]), x, 0)
  end
end

function T.test_up_to_64_of_them()
  local inputs = {}
  for i = 1, 64 do inputs[i] = sb.full(i, 1, 2) end
  local y = sb.layer.concat {}:forward(table.unpack(inputs))
  lu.assertEquals(y:size(), { 1, 128 })
  local outputs = table.pack(sb.layer.split { parts = 64 }:forward(y))
  lu.assertEquals(outputs.n, 65)
  h.close(outputs[64], inputs[64], 0)
  lu.assertErrorMsgContains("concat:", sb.layer.concat {}.forward, sb.layer.concat {},
    sb.zeros(1, 2), table.unpack(inputs))
  h.error_has(sb.layer.split, "split: give sizes, or parts from 1 to 64 (got 65)", { parts = 65 })
end

function T.test_unequal_parts_are_rounded_up()
  local function sizes(extent, parts)
    local shapes = { sb.layer.split { axis = 1, parts = parts }:infer { extent } }
    for i, s in ipairs(shapes) do shapes[i] = s[1] end
    return shapes
  end
  lu.assertEquals(sizes(7, 3), { 3, 3, 1 })
  lu.assertEquals(sizes(6, 3), { 2, 2, 2 })
  h.error_has(sizes, "split: 4 pieces do not fit axis 1 of the input 5", 5, 4)
end

function T.test_mistakes_are_named()
  h.error_has(function() sb.layer.concat {}:forward(A, sb.zeros(3, 2)) end,
    "concat: inputs 1 and 2 differ beside axis 2: 2x2 and 3x2")
  h.error_has(function() sb.layer.concat {}:forward(A, sb.zeros(2, 2, 1)) end,
    "concat: inputs 1 and 2 differ beside axis 2: 2x2 and 2x2x1")
  h.error_has(function() sb.layer.split { sizes = { 1, 1 } }:forward(WHOLE) end,
    "split: the sizes leave 1 of axis 2 of the input 2x3")
  h.error_has(function() sb.layer.split { sizes = { 2, 2 } }:forward(WHOLE) end,
    "split: 2 pieces do not fit axis 2 of the input 2x3")
  h.error_has(sb.layer.split, "split: parts is 3, but there are 2 sizes", { parts = 3, sizes = { 1, 2 } })
  h.error_has(sb.layer.split, "split: give sizes, or parts", {})
end

return T
