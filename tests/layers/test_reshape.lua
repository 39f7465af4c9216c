-- reshape, flatten, squeeze, unsqueeze, identity: the same values under another shape, never copied.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local function shape_of(name, config, ...) return sb.layer[name](config):infer { ... } end

function T.test_shapes()
  lu.assertEquals(shape_of("reshape", { shape = { 4, -1 } }, 2, 3, 4), { 4, 6 })
  lu.assertEquals(shape_of("reshape", { shape = { 0, -1, 2 } }, 2, 3, 4), { 2, 6, 2 })
  lu.assertEquals(shape_of("reshape", { shape = {} }, 1, 1), {})
  lu.assertEquals(shape_of("reshape", { shape = { 0, 4 }, allow_zero = true }, 3, 0), { 0, 4 })
  lu.assertEquals(shape_of("flatten", {}, 2, 3, 4, 5), { 2, 60 })
  lu.assertEquals(shape_of("flatten", { axis = 1 }, 2, 3), { 1, 6 })
  lu.assertEquals(shape_of("flatten", { axis = 3 }, 2, 3), { 6, 1 })
  lu.assertEquals(shape_of("flatten", { axis = -1 }, 2, 3, 4), { 6, 4 })
  lu.assertEquals(shape_of("squeeze", {}, 1, 3, 1, 2), { 3, 2 })
  lu.assertEquals(shape_of("squeeze", { axes = { 1 } }, 1, 3, 1, 2), { 3, 1, 2 })
  lu.assertEquals(shape_of("unsqueeze", { axes = { 1, -1 } }, 3, 2), { 1, 3, 2, 1 })
  lu.assertEquals(shape_of("unsqueeze", { axes = { 4, 1 } }, 3, 2), { 1, 3, 2, 1 })
  lu.assertEquals(shape_of("identity", {}, 3, 2), { 3, 2 })
end

function T.test_values_are_shared_not_copied()
  local x = sb.arange(1, 6)
  for _, layer in ipairs { sb.layer.reshape { shape = { 2, 3 } }, sb.layer.flatten { axis = 1 },
    sb.layer.unsqueeze { axes = 1 }, sb.layer.squeeze {}, sb.layer.identity {} } do
    local y, tape = layer:forward(x)
    x[6] = x[6] + 1
    lu.assertEquals(y:reshape(-1)[6], x[6])
    local dy = y * 2
    lu.assertEquals(layer:backward(tape, dy):size(), { 6 })
    h.close(layer:backward(tape, dy), x * 2, 0)
  end
end

function T.test_reshape_explains_what_cannot_be()
  local function refuse(text, shape, ...) h.error_has(shape_of, text, "reshape", { shape = shape }, ...) end
  refuse("reshape: the input 2x3 cannot become {4, -1}", { 4, -1 }, 2, 3)
  refuse("reshape: the input 2x3 cannot become {7}", { 7 }, 2, 3)
  refuse("reshape: the input 2 cannot become {1, 0}", { 1, 0 }, 2)
  refuse("reshape: the input 2x3 cannot become {4611686018427387904, 4, -1}", { 1 << 62, 4, -1 }, 2, 3)
  refuse("reshape: the input 0x3 cannot become {0, -1}", { 0, -1 }, 0, 3)
  h.error_has(sb.layer.reshape, "reshape: shape may hold -1 once, got it 2 times", { shape = { -1, -1 } })
  h.error_has(sb.layer.reshape, "reshape: at most 6 dimensions, got 7", { shape = { 1, 1, 1, 1, 1, 1, 1 } })
  h.error_has(sb.layer.reshape, "reshape: 'shape' must be at least -1", { shape = { -2 } })
  h.error_has(sb.layer.reshape, "reshape: 'shape' is required", {})
end

function T.test_wrong_axes_are_named()
  h.error_has(shape_of, "squeeze: axis 2 of the input 1x3 is not 1", "squeeze", { axes = 2 }, 1, 3)
  h.error_has(shape_of, "squeeze: axis 3 is out of range for the input 1x3", "squeeze", { axes = 3 }, 1, 3)
  h.error_has(shape_of, "squeeze: axis 1 is named twice", "squeeze", { axes = { 1, -2 } }, 1, 3)
  h.error_has(shape_of, "unsqueeze: axes must be different dimensions of an output that has 3",
    "unsqueeze", { axes = 4 }, 1, 3)
  h.error_has(shape_of, "unsqueeze: 2 more than 1x2x3x4x5 is more than 6 dimensions", "unsqueeze",
    { axes = { 1, 2 } }, 1, 2, 3, 4, 5)
  h.error_has(shape_of, "flatten: axis 4 is out of range for the input 2x3", "flatten", { axis = 4 }, 2, 3)
end

return T
