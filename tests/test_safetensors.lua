-- formats/safetensors.lua: files made byte by byte from the format's description.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

-- A file of that header text and data, at a path that is removed by the caller.
local function write_file(header, data)
  local path = os.tmpname()
  local f = assert(io.open(path, "wb"))
  f:write(string.pack("<s8", header), data or "")
  f:close()
  return path
end

local function load_file(header, data, ...)
  local path = write_file(header, data)
  local tensors, message = sb.safetensors.load(path, ...)
  os.remove(path)
  return tensors, message
end

local function refused(text, header, data)
  local tensors, message = load_file(header, data)
  lu.assertNil(tensors)
  lu.assertStrContains(message, text)
end

local function entry(dtype, shape, first, last)
  return ('{"t":{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}}'):format(dtype, shape, first, last)
end

-- The values of a one-dimensional tensor stored as `dtype` from these bytes.
local function converted(dtype, n, bytes)
  local tensors = assert(load_file(entry(dtype, n, 0, #bytes), bytes))
  return tensors.t:totable()
end

function T.test_converts_every_element_type()
  lu.assertEquals(converted("F32", 2, string.pack("<ff", 1.5, -2)), { 1.5, -2 })
  lu.assertEquals(converted("F64", 2, string.pack("<dd", 0.25, -1e3)), { 0.25, -1000 })
  lu.assertEquals(converted("I64", 2, string.pack("<i8i8", -7, 1 << 20)), { -7, 1048576 })
  lu.assertEquals(converted("I32", 2, string.pack("<i4i4", -7, 9)), { -7, 9 })
  lu.assertEquals(converted("I16", 2, string.pack("<i2i2", -300, 9)), { -300, 9 })
  lu.assertEquals(converted("I8", 2, string.pack("<i1i1", -128, 9)), { -128, 9 })
  lu.assertEquals(converted("U8", 2, string.char(200, 0)), { 200, 0 })
  lu.assertEquals(converted("BOOL", 3, string.char(1, 0, 7)), { 1, 0, 1 })
end

-- Bit patterns of IEEE 754 binary16: one, largest, smallest normal and subnormal, -2, infinity.
function T.test_half_precision()
  local bits = string.pack("<I2I2I2I2I2I2", 0x3c00, 0x7bff, 0x0400, 0x0001, 0xc000, 0x7c00)
  lu.assertEquals(converted("F16", 6, bits), { 1, 65504, 2.0 ^ -14, 2.0 ^ -24, -2, math.huge })
  local brain = string.pack("<I2I2I2", 0x3f80, 0xc040, 0x7f80)
  lu.assertEquals(converted("BF16", 3, brain), { 1, -3, math.huge })
  local nan = converted("F16", 1, string.pack("<I2", 0x7e00))[1]
  lu.assertTrue(nan ~= nan)
end

function T.test_unaligned_data_is_converted_too()
  local header = entry("F32", "2", 0, 8) .. " " -- one blank more moves the data off its alignment
  for _ = 1, 4 do
    header = header .. " "
    lu.assertEquals(assert(load_file(header, string.pack("<ff", 3, 4))).t:totable(), { 3, 4 })
  end
end

function T.test_scalar_and_empty_tensors()
  lu.assertEquals(assert(load_file(entry("F32", "", 0, 4), string.pack("<f", 5))).t:size(), {})
  lu.assertEquals(assert(load_file(entry("F32", "0,3", 0, 0), "")).t:size(), { 0, 3 })
end

function T.test_views_may_be_changed_and_the_file_stays()
  local path = write_file(entry("F32", "1", 0, 4), string.pack("<f", 5))
  local first = sb.safetensors.load(path).t
  first[1] = 6
  local again = sb.safetensors.load(path).t
  os.remove(path)
  lu.assertEquals(first[1], 6)
  lu.assertEquals(again[1], 5)
end

function T.test_views_outlive_everything_else()
  local path = write_file(entry("F32", "2", 0, 8), string.pack("<ff", 1, 2))
  local view = sb.safetensors.load(path).t:narrow(1, 2, 1)
  os.remove(path)
  collectgarbage()
  collectgarbage()
  lu.assertEquals(view[1], 2)
end

function T.test_save_and_load_give_the_same_bits()
  local rng, path = sb.rng(3), os.tmpname()
  local tensors = { a = sb.randn(rng, 3, 4, 5), ["b/c \"quoted\""] = sb.randn(rng, 7), s = sb.full(2) }
  assert(sb.safetensors.save(path, tensors, { note = "a/b", count = 3 }))
  local back, metadata = sb.safetensors.load(path)
  os.remove(path)
  lu.assertEquals(metadata, { note = "a/b", count = "3" })
  for name, t in pairs(tensors) do
    lu.assertEquals(back[name]:size(), t:size())
    lu.assertEquals(back[name]:bytes(), t:bytes())
  end
end

function T.test_save_is_repeatable_and_leaves_no_part()
  local a, b = os.tmpname(), os.tmpname()
  local tensors = { x = sb.full(1, 2), y = sb.full(2, 3), z = sb.full(3, 1) }
  assert(sb.safetensors.save(a, tensors))
  assert(sb.safetensors.save(b, tensors))
  local one, two = assert(io.open(a, "rb")):read "a", assert(io.open(b, "rb")):read "a"
  lu.assertEquals(one, two)
  lu.assertNil(io.open(a .. ".part"))
  os.remove(a)
  os.remove(b)
end

function T.test_loads_only_the_names_that_are_asked_for()
  local path = os.tmpname()
  assert(sb.safetensors.save(path, { a = sb.zeros(1), b = sb.zeros(2) }))
  local tensors = assert(sb.safetensors.load(path, { "b" }))
  lu.assertNil(tensors.a)
  lu.assertEquals(tensors.b:size(), { 2 })
  local none, message = sb.safetensors.load(path, { "c" })
  os.remove(path)
  lu.assertNil(none)
  lu.assertStrContains(message, "has no tensor 'c'")
end

function T.test_refuses_what_contradicts_the_file()
  local eight = ("x"):rep(8)
  refused("outside of the file", entry("F32", "3", 0, 12), eight)
  refused("outside of the file", entry("F32", "2", 8, 0), eight)
  refused("more elements than its storage", entry("F32", "3", 0, 8), eight)
  refused("does not fit the shape", entry("F32", "1", 0, 8), eight)
  refused("has an impossible shape", entry("F32", "549755813888,549755813888", 0, 0), eight)
  refused("unsupported element type", entry("F8_E4M3", "8", 0, 8), eight)
  refused("no valid data_offsets", entry("F32", "2", -1, 8), eight)
  refused("no valid shape", entry("F32", "2.5", 0, 8), eight)
  refused("no valid shape", entry("F32", "1e30", 0, 8), eight)
  refused("more than 6 dimensions", entry("F32", "1,1,1,1,1,1,2", 0, 8), eight)
  refused("'a' and 'b' overlap", [[{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
    "b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}]], eight)
end

function T.test_refuses_what_is_no_header()
  refused("bad header", "{", "")
  refused("bad header", "3", "")
  refused("the header is a list", "[1]", "")
  refused("has no dtype", '{"a":1}', "")
  refused("bad header", ("["):rep(100000), "")
end

function T.test_refuses_what_is_no_file_of_the_kind()
  local path = os.tmpname()
  for _, bytes in ipairs { "", "short", string.pack("<I8", 1 << 62) .. "{}", ("\255"):rep(64) } do
    local f = assert(io.open(path, "wb"))
    f:write(bytes)
    f:close()
    local tensors, message = sb.safetensors.load(path)
    lu.assertNil(tensors)
    lu.assertStrContains(message, path)
  end
  os.remove(path)
  lu.assertNil((sb.safetensors.load(path)))
  lu.assertNil((sb.safetensors.load "."))
end

function T.test_survives_failed_allocations()
  local bytes = require("switchback.core").bytes
  local path = write_file(entry("F16", "2", 0, 4), string.pack("<I2I2", 0x3c00, 0))
  local n = h.survives_failed_allocations(function()
    local mapped = bytes.map(path)
    return mapped:tensor("F16", #mapped - 3, #mapped, { 2 })
  end)
  os.remove(path)
  lu.assertTrue(n > 3)
end

-- This file was written by another program; its index tells the shapes and the largest magnitudes.
function T.test_reads_a_file_of_another_program()
  local cjson = require "cjson"
  local index = cjson.decode(assert(io.open(h.shared "reference/index.json")):read "a")
  local tensors = assert(sb.safetensors.load(h.shared "reference/total_variation.safetensors"))
  local n = 0
  for name, about in pairs(index.cases.total_variation.tensors) do
    lu.assertEquals(tensors[name]:size(), about.shape, name)
    local largest = math.max(tensors[name]:max(), -tensors[name]:min())
    lu.assertAlmostEquals(largest, about.max_abs, 1e-5 * math.max(1, about.max_abs), name)
    n = n + 1
  end
  lu.assertTrue(n >= 11)
end

return T
