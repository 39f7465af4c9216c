-- lbytes.c: bytes of files, and tensors that lie in them.
local core = require "switchback.core"
local lu = require "luaunit"
local h = require "helper"

local T = {}

local function mapped(content)
  local path = h.temporary "bytes"
  local f = assert(io.open(path, "wb"))
  f:write(content)
  f:close()
  return assert(core.bytes.map(path))
end

function T.test_bytes_of_files()
  local bytes = mapped "0123"
  lu.assertEquals(#bytes, 4)
  lu.assertEquals({ bytes:sub(2, 3), bytes:sub(-5, 99), bytes:sub(3, 2) }, { "12", "0123", "" })
  lu.assertEquals(#mapped "", 0)
  local none, message = core.bytes.map "/nowhere/at/all"
  lu.assertNil(none)
  lu.assertEquals(message, "/nowhere/at/all: No such file or directory")
  lu.assertNil((core.bytes.map "."))
end

local function halves(n)
  local list = {}
  for i = 1, n do list[i] = string.pack("<f", i) end
  return mapped(table.concat(list))
end

-- Strides count elements, as PyTorch's do.
function T.test_tensors_with_strides()
  local bytes = halves(6)
  local function strided(...) return assert(bytes:tensor("F32", 1, 24, ...)):totable() end
  lu.assertEquals(strided({ 2, 3 }, { 3, 1 }), { { 1, 2, 3 }, { 4, 5, 6 } })
  lu.assertEquals(strided({ 3, 2 }, { 1, 3 }), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
  lu.assertEquals(strided({ 3 }, { 2 }), { 1, 3, 5 })
  lu.assertEquals(strided({ 2, 2 }, { 0, 1 }), { { 1, 2 }, { 1, 2 } })
  lu.assertEquals(strided({ 0, 3 }, { 3, 1 }), {})
  lu.assertEquals({ select(2, bytes:tensor("F32", 1, 24, { 6 })),
                    select(2, bytes:tensor("F32", 1, 24, { 3, 2 }, { 1, 3 })) }, { false, true })
end

function T.test_refuses_tensors_beyond_their_storage()
  local bytes = halves(6)
  local function refused(text, ...)
    local t, message = bytes:tensor(...)
    lu.assertNil(t)
    lu.assertStrContains(message, text)
  end
  refused("more elements than its storage", "F32", 1, 24, { 7 })
  refused("more elements than its storage", "F32", 1, 24, { 1 << 30 }, { 0 })
  refused("reaches beyond", "F32", 1, 24, { 2 }, { 6 })
  refused("reaches beyond", "F32", 1, 24, { 2, 2 }, { 4, 2 })
  refused("reaches beyond", "F32", 1, 24, { 2, 2 }, { 1 << 62, 1 << 62 })
  refused("reaches beyond", "F32", 1, 24, { 2 }, { -1 })
  refused("not as many strides", "F32", 1, 24, { 2 }, { 1, 1 })
  refused("impossible shape", "F32", 1, 24, { 1 << 31, 1 << 31, 1 << 31 })
  refused("outside of the file", "F32", 1, 25, { 6 })
  refused("outside of the file", "F32", 0, 24, { 6 })
  refused("outside of the file", "F32", 9, 7, { 0 })
  refused("unsupported element type C64", "C64", 1, 24, { 1 })
end

function T.test_copied_bytes()
  local bytes = core.bytes.copy(string.pack("<ff", 1, 2))
  local t = assert(bytes:tensor("F32", 1, 8, { 2 }))
  collectgarbage()
  lu.assertEquals(t:totable(), { 1, 2 })
  lu.assertEquals(#core.bytes.copy "", 0)
end

return T
