-- Construction, conversion, indexing and views of tensors.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- ---- Construction -------------------------------------------------------------------------------

function T.test_from_nested_tables()
  local t = sb.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t:size(), { 2, 3 })
  lu.assertEquals(t:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
  lu.assertEquals(sb.tensor({}):size(), { 0 })
  lu.assertEquals(sb.tensor({ {}, {} }):size(), { 2, 0 })
  lu.assertEquals(sb.tensor(7):totable(), 7)
  lu.assertEquals(sb.tensor { { { { { { 8 } } } } } }:dim(), 6)
end

function T.test_ragged_tables_are_refused()
  h.error_has(sb.tensor, "lengths 1 and 2", { { 1, 2 }, { 3 } })
  h.error_has(sb.tensor, "a number where a table of 2", { { 1, 2 }, 3 })
  h.error_has(sb.tensor, "every element must be a number, got a table", { 1, { 2 } })
  h.error_has(sb.tensor, "got a string", { "1" })
  h.error_has(sb.tensor, "got a nil", { 1, nil, 3, n = 3, [4] = 1 })
  h.error_has(sb.tensor, "at most 6", { { { { { { { 1 } } } } } } })
  h.error_has(sb.tensor, "number expected", "text")
end

-- A table whose length changes between two looks must not write outside.
function T.test_tables_with_odd_metamethods()
  local looks = 0
  local odd = setmetatable({}, {
    __len = function() looks = looks + 1 return looks end,
    __index = function() return 1 end })
  h.error_has(sb.tensor, "ragged", odd)
end

function T.test_constants()
  lu.assertEquals(sb.zeros(2, 2):totable(), { { 0, 0 }, { 0, 0 } })
  lu.assertEquals(sb.zeros({ 2, 2 }):totable(), { { 0, 0 }, { 0, 0 } })
  lu.assertEquals(sb.ones(3):totable(), { 1, 1, 1 })
  lu.assertEquals(sb.full(2.5, 1, 2):totable(), { { 2.5, 2.5 } })
  lu.assertEquals(sb.eye(2):totable(), { { 1, 0 }, { 0, 1 } })
  lu.assertEquals(sb.zeros():size(), {})
  lu.assertEquals(sb.zeros(2.0):size(), { 2 })
  lu.assertEquals(sb.zeros({ 2.0 }):size(), { 2 })
end

function T.test_invalid_shapes_are_refused()
  h.error_has(sb.zeros, "zeros: invalid shape -1x2", -1, 2)
  h.error_has(sb.ones, "ones: invalid shape 1048576x1048576x1048576", 2 ^ 20, 2 ^ 20, 2 ^ 20)
  h.error_has(sb.zeros, "at most 6", 1, 1, 1, 1, 1, 1, 1)
  h.error_has(sb.zeros, "integers", { "a" })
  h.error_has(sb.zeros, "number", "a")
  h.error_has(sb.zeros, "not enough memory", 2 ^ 20, 2 ^ 19)
  h.error_has(sb.eye, "out of range", -1)
end

function T.test_sequences()
  lu.assertEquals(sb.arange(4):totable(), { 1, 2, 3, 4 })
  lu.assertEquals(sb.arange(0, 3):totable(), { 0, 1, 2, 3 })
  lu.assertEquals(sb.arange(5, 1, -2):totable(), { 5, 3, 1 })
  lu.assertEquals(sb.arange(3, 1):totable(), {})
  lu.assertEquals(#sb.arange(0, 1, 0.1), 11)
  h.error_has(sb.arange, "step is 0", 1, 2, 0)
  h.error_has(sb.arange, "arange: ", 1, math.huge)
  h.error_has(sb.arange, "arange: ", 0 / 0)
  lu.assertEquals(sb.linspace(0, 1, 5):totable(), { 0, 0.25, 0.5, 0.75, 1 })
  lu.assertEquals(sb.linspace(3, 9, 1):totable(), { 3 })
  lu.assertEquals(sb.linspace(3, 9, 0):totable(), {})
  h.error_has(sb.linspace, "linspace: ", 1, 2, -1)
end

function T.test_bytes()
  local t = sb.tensor { { 1, -2 }, { 0.5, 1e30 } }
  lu.assertEquals(t:bytes(), string.pack("<ffff", 1, -2, 0.5, 1e30))
  lu.assertEquals(sb.from_bytes(t:bytes(), 2, 2):totable(), t:totable())
  h.error_has(sb.from_bytes, "8 bytes are not shape 3", "12345678", 3)
  h.error_has(sb.from_bytes, "5 bytes are not shape 1", "12345", 1)
end

-- ---- Conversion ---------------------------------------------------------------------------------

function T.test_size_and_item()
  local t = sb.zeros(2, 3, 4)
  lu.assertEquals({ t:size(1), t:size(3), t:size(-1), t:dim(), t:count(), #t }, { 2, 4, 4, 3, 24, 2 })
  h.error_has(t.size, "no dimension 4, the tensor has 3", t, 4)
  h.error_has(t.size, "no dimension 0", t, 0)
  lu.assertEquals(sb.tensor { { 3 } }:item(), 3)
  h.error_has(t.item, "item: shape 2x3x4 has 24 elements", t)
  h.error_has(function() return #sb.tensor(1) end, "a scalar has no length")
end

function T.test_every_method_is_a_function_of_the_library()
  local t = sb.tensor { 1, 2 }
  lu.assertEquals(sb.sum(t), 3)
  lu.assertEquals(sb.size(t), { 2 })
  lu.assertNil(t.no_such_method)
  lu.assertNil(t.zeros)
end

-- ---- Indexing -----------------------------------------------------------------------------------

function T.test_read_elements_and_slices()
  local t = sb.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t[2]:totable(), { 4, 5, 6 })
  lu.assertEquals(t[2][3], 6)
  lu.assertEquals(t[{ 2, 3 }], 6)
  lu.assertEquals(t[-1]:totable(), { 4, 5, 6 })
  lu.assertEquals(t[{ -1, -3 }], 4)
  lu.assertEquals(t[{ 1 }]:totable(), { 1, 2, 3 })
  lu.assertEquals(t[1.0][1], 1)
  lu.assertEquals(sb.tensor(5)[{}], 5)
end

function T.test_read_ranges()
  local t = sb.arange(24):reshape(2, 3, 4)
  lu.assertEquals(t[{ {}, 2 }]:totable(), { { 5, 6, 7, 8 }, { 17, 18, 19, 20 } })
  lu.assertEquals(t[{ {}, {}, 1 }]:totable(), { { 1, 5, 9 }, { 13, 17, 21 } })
  lu.assertEquals(t[{ 2, { 2, 3 }, { 1, 2 } }]:totable(), { { 17, 18 }, { 21, 22 } })
  lu.assertEquals(t[{ 1, { -2, -1 } }]:totable(), { { 5, 6, 7, 8 }, { 9, 10, 11, 12 } })
  lu.assertEquals(t[{ { 2, 2 }, 1, 1 }]:totable(), { 13 })
  h.error_has(function() return t[{ { 2, 1 } }] end, "range from 2 to 1 is empty")
  h.error_has(function() return t[{ { 1 } }] end, "a range is {first, last}")
end

function T.test_positions_outside_raise()
  local t = sb.zeros(2, 3)
  h.error_has(function() return t[0] end, "position 0 is outside 1..2")
  h.error_has(function() return t[4] end, "position 4 is outside 1..2")
  h.error_has(function() return t[-3] end, "position -3 is outside 1..2")
  h.error_has(function() return t[{ 1, 4 }] end, "position 4 is outside 1..3")
  h.error_has(function() return t[{ 1, 1, 1 }] end, "3 positions for a tensor of 2 dimensions")
  h.error_has(function() return t[1.5] end, "no integer representation")
  h.error_has(function() return t[{ 1, "a" }] end, "got a string")
  h.error_has(function() t[3] = 0 end, "position 3 is outside 1..2")
  h.error_has(function() t.name = 0 end, "no field 'name'")
  h.error_has(function() t[{ 1, 4 }] = 0 end, "position 4 is outside 1..3")
end

function T.test_write()
  local t = sb.zeros(2, 3)
  t[1] = 7
  t[{ 2, 3 }] = 5
  lu.assertEquals(t:totable(), { { 7, 7, 7 }, { 0, 0, 5 } })
  t[2] = sb.tensor { 1, 2, 3 }
  lu.assertEquals(t:totable(), { { 7, 7, 7 }, { 1, 2, 3 } })
  t[{ {}, 2 }] = sb.tensor { 8, 9 }
  lu.assertEquals(t:totable(), { { 7, 8, 7 }, { 1, 9, 3 } })
  t[{ {}, { 2, 3 } }] = sb.tensor { -1, -2 }
  lu.assertEquals(t:totable(), { { 7, -1, -2 }, { 1, -1, -2 } })
  t[{}] = 4
  lu.assertEquals(t:totable(), { { 4, 4, 4 }, { 4, 4, 4 } })
  h.error_has(function() t[1] = sb.zeros(2) end, "index: shape 2 does not broadcast to 3")
  h.error_has(function() t[1] = "x" end, "tensor or number expected")
end

function T.test_write_from_itself()
  local t = sb.tensor { { 1, 2 }, { 3, 4 } }
  t[{ {}, 2 }] = t[1] -- overlaps what is written
  lu.assertEquals(t:totable(), { { 1, 1 }, { 3, 2 } })
end

function T.test_iteration()
  local t, seen = sb.tensor { { 1, 2 }, { 3, 4 } }, {}
  for i, row in ipairs(t) do seen[#seen + 1] = { i, row:totable() } end
  for i, row in pairs(t) do seen[#seen + 1] = { i, row:totable() } end
  lu.assertEquals(seen, { { 1, { 1, 2 } }, { 2, { 3, 4 } }, { 1, { 1, 2 } }, { 2, { 3, 4 } } })
  local sum = 0
  for _, x in pairs(sb.tensor { 1, 2, 3 }) do sum = sum + x end
  lu.assertEquals(sum, 6)
  for _ in pairs(sb.zeros(0, 2)) do error "nothing to visit" end
end

-- ---- Views --------------------------------------------------------------------------------------

function T.test_reshape_is_a_view()
  local t = sb.arange(6)
  local u = t:reshape(2, -1)
  lu.assertEquals(u:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
  u[{ 1, 1 }] = 9
  lu.assertEquals(t[1], 9)
  lu.assertEquals(t:reshape({ 3, 2 }):size(), { 3, 2 })
  lu.assertEquals(sb.tensor({ 4 }):reshape():item(), 4)
  lu.assertEquals(sb.zeros(0, 3):reshape(3, 0):size(), { 3, 0 })
end

function T.test_reshape_mistakes()
  local t = sb.zeros(2, 3)
  h.error_has(t.reshape, "reshape: 2x3 does not fit 4x2", t, 4, 2)
  h.error_has(t.reshape, "reshape: 2x3 does not fit 4x-1", t, 4, -1)
  h.error_has(t.reshape, "reshape: 2x3 does not fit -1x-1", t, -1, -1)
  h.error_has(t.reshape, "reshape: 2x3 does not fit -2x-3", t, -2, -3)
  h.error_has(t.reshape, "does not fit", t, -1, math.maxinteger, math.maxinteger)
  h.error_has(t.reshape, "does not fit 0x-1", sb.zeros(0), 0, -1)
end

function T.test_narrow()
  local t = sb.arange(12):reshape(3, 4)
  local view, copy = t:narrow(1, 2, 2), t:narrow(2, 2, 2)
  lu.assertEquals(view:totable(), { { 5, 6, 7, 8 }, { 9, 10, 11, 12 } })
  lu.assertEquals(copy:totable(), { { 2, 3 }, { 6, 7 }, { 10, 11 } })
  view:fill_(0)
  copy:fill_(0)
  lu.assertEquals(t:totable(), { { 1, 2, 3, 4 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } })
  lu.assertEquals(t:narrow(2, 1, 0):size(), { 3, 0 })
  lu.assertEquals(t:narrow(-1, 4, 1):totable(), { { 4 }, { 0 }, { 0 } })
  h.error_has(t.narrow, "narrow: 3 positions from 2 on exceed the extent 3 of dimension 1", t, 1, 2, 3)
  h.error_has(t.narrow, "exceed", t, 1, 0, 1)
  h.error_has(t.narrow, "exceed", t, 1, 1, -1)
  h.error_has(t.narrow, "exceed", t, 1, math.maxinteger, 2)
end

function T.test_select()
  local t = sb.arange(8):reshape(2, 2, 2)
  lu.assertEquals(t:select(1, 2):totable(), { { 5, 6 }, { 7, 8 } })
  lu.assertEquals(t:select(2, 1):totable(), { { 1, 2 }, { 5, 6 } })
  lu.assertEquals(t:select(3, -1):totable(), { { 2, 4 }, { 6, 8 } })
  t:select(1, 1):fill_(0)
  lu.assertEquals(t[1]:sum(), 0)
  lu.assertEquals(sb.tensor({ 1, 2 }):select(1, 2):item(), 2)
  h.error_has(t.select, "select: position 3 is outside 1..2", t, 3, 3)
end

function T.test_squeeze_and_unsqueeze()
  local t = sb.zeros(1, 3, 1)
  lu.assertEquals(t:squeeze():size(), { 3 })
  lu.assertEquals(t:squeeze(1):size(), { 3, 1 })
  lu.assertEquals(t:squeeze(2):size(), { 1, 3, 1 })
  lu.assertEquals(t:unsqueeze(1):size(), { 1, 1, 3, 1 })
  lu.assertEquals(t:unsqueeze(4):size(), { 1, 3, 1, 1 })
  lu.assertEquals(t:unsqueeze(-1):size(), { 1, 3, 1, 1 })
  h.error_has(t.unsqueeze, "at most 6", sb.zeros(1, 1, 1, 1, 1, 1), 1)
end

function T.test_clone_is_apart()
  local t = sb.tensor { 1, 2 }
  local u = t:clone()
  u[1] = 5
  lu.assertEquals(t:totable(), { 1, 2 })
end

return T
