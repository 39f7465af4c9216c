local lu = require "luaunit"
local h = require "helper"
local core = require "switchback.core"
local writer = require "onnx_writer"

local T = {}

local function read_tensor(t)
  return core.onnx.read_tensor(writer.save(writer.tensor(t), h.temporary "tensor.pb"))
end

function T.test_floats_of_all_widths_become_tensors()
  -- 1.5, -2, 0.25 in binary64, binary16 and bfloat16
  local stored = {
    float32 = string.pack("<fff", 1.5, -2, 0.25), float64 = string.pack("<ddd", 1.5, -2, 0.25),
    float16 = string.pack("<I2I2I2", 0x3e00, 0xc000, 0x3400),
    bfloat16 = string.pack("<I2I2I2", 0x3fc0, 0xc000, 0x3e80),
  }
  for dtype, raw in pairs(stored) do
    local t = read_tensor { dtype = dtype, dims = { 3 }, raw = raw }
    lu.assertEquals(t:totable(), { 1.5, -2, 0.25 }, dtype)
  end
end

function T.test_integers_become_arrays()
  local a = read_tensor { dtype = "int64", dims = { 2, 1 }, raw = string.pack("<i8i8", -5, 1 << 40) }
  lu.assertEquals(a, { dtype = "int64", shape = { 2, 1 }, -5, 1 << 40 })
  lu.assertEquals(read_tensor { dtype = "int8", dims = { 2 }, raw = "\xff\x7f" },
    { dtype = "int8", shape = { 2 }, -1, 127 })
  lu.assertEquals(read_tensor { dtype = "uint8", dims = { 2 }, raw = "\xff\x7f" },
    { dtype = "uint8", shape = { 2 }, 255, 127 })
  lu.assertEquals(read_tensor { dtype = "bool", dims = {}, raw = "\1" }, { dtype = "bool", shape = {}, 1 })
end

function T.test_elements_in_lists_of_wider_types()
  local function packed(field, list)
    local parts = {}
    for i, n in ipairs(list) do parts[i] = writer.varint(n) end
    return writer.bytes(field, table.concat(parts))
  end
  lu.assertEquals(read_tensor { dtype = "int8", dims = { 2 }, fields = packed(5, { -3, 7 }) },
    { dtype = "int8", shape = { 2 }, -3, 7 })
  lu.assertEquals(read_tensor { dtype = "uint32", dims = { 1 }, fields = packed(11, { 0xfffffffe }) },
    { dtype = "uint32", shape = { 1 }, 0xfffffffe })
  local halves = read_tensor { dtype = "float16", dims = { 2 }, fields = packed(5, { 0x3e00, 0xc000 }) }
  lu.assertEquals(halves:totable(), { 1.5, -2 })
  -- proto2 writers may leave lists unpacked, a field an element
  local unpacked = writer.int(7, 8) .. writer.int(7, 9)
  lu.assertEquals(read_tensor { dtype = "int64", dims = { 2 }, fields = unpacked },
    { dtype = "int64", shape = { 2 }, 8, 9 })
end

function T.test_tensors_that_contradict_their_shape_are_refused()
  local cases = {
    { { dims = { 2 }, raw = "12345" }, "raw data of another length" },
    { { dims = { 3 }, fields = writer.bytes(4, string.pack("<f", 1)) }, "another number of elements" },
    { { dims = { -1 }, raw = "" }, "impossible shape" },
    { { dims = { 1 << 31, 1 << 31, 4 }, raw = "" }, "impossible shape" },
    { { dims = { 1, 1, 1, 1, 1, 1, 1 }, raw = "1234" }, "more than 6 dimensions" },
    { { dims = { 1 << 30 }, dtype = "int8", raw = "1" }, "raw data of another length" },
  }
  for _, case in ipairs(cases) do h.error_has(read_tensor, case[2], case[1]) end
end

function T.test_strings_are_left_out()
  lu.assertEquals(read_tensor { dtype = "string", dims = { 2 } }, { dtype = "string", shape = { 2 } })
end

-- ---- Data in other files ------------------------------------------------------------------------

local function external(location, offset, length)
  local entries = { { "location", location } }
  if offset then entries[#entries + 1] = { "offset", offset } end
  if length then entries[#entries + 1] = { "length", length } end
  return { name = "w", dims = { 2 }, external = entries }
end

function T.test_external_data_lie_beside_the_model()
  writer.save("skip" .. string.pack("<ff", 3, 4), h.temporary "weights.bin")
  lu.assertEquals(read_tensor(external("weights.bin", "4", "8")):totable(), { 3, 4 })
  lu.assertEquals(read_tensor(external("weights.bin", "4")):totable(), { 3, 4 })
  lu.assertEquals(read_tensor(external("./weights.bin", "4")):totable(), { 3, 4 })
end

function T.test_external_data_outside_are_refused()
  writer.save(string.pack("<ff", 3, 4), h.temporary "weights.bin")
  for _, path in ipairs { "../weights.bin", "/etc/passwd", "a/../../weights.bin", "..", "a/.." } do
    h.error_has(read_tensor, "outside of the model's folder", external(path))
  end
  lu.assertEquals(read_tensor(external("weights.bin")):totable(), { 3, 4 })
end

function T.test_external_data_must_be_there()
  writer.save(string.pack("<ff", 3, 4), h.temporary "weights.bin")
  h.error_has(read_tensor, "ends before the data", external("weights.bin", "1"))
  h.error_has(read_tensor, "ends before the data", external("weights.bin", "9223372036854775807"))
  h.error_has(read_tensor, "bad offset or length", external("weights.bin", "-4"))
  h.error_has(read_tensor, "bad offset or length", external("weights.bin", "99999999999999999999"))
  h.error_has(read_tensor, "length that does not fit", external("weights.bin", "0", "4"))
  h.error_has(read_tensor, "No such file", external("none.bin"))
  h.error_has(read_tensor, "names no file", external(""))
end

return T
