-- Files of PyTorch for tests, put together byte by byte: pickles from opcodes (CPython's pickletools), and
-- around them the zip and the legacy layout of torch/serialization.py.
local archive_writer = require "archive_writer"

local writer = {}

-- Opcodes that take nothing else.
writer.none, writer.yes, writer.no, writer.mark = "N", "\x88", "\x89", "("
writer.reduce, writer.build, writer.stop = "R", "b", "."

function writer.text(s) return "X" .. string.pack("<s4", s) end

-- An integer of up to 8 bytes (LONG1), or of `bytes`.
function writer.integer(n, bytes)
  bytes = bytes or string.pack("<i8", n)
  return "\x8a" .. string.pack("<s1", bytes)
end

function writer.float(x) return "G" .. string.pack(">d", x) end

function writer.tuple(...) return "(" .. table.concat({ ... }) .. "t" end

function writer.list(...) return "](" .. table.concat({ ... }) .. "e" end

function writer.dict(...) return "}(" .. table.concat({ ... }) .. "u" end

-- module.name, as GLOBAL has it.
function writer.name(module, name) return ("c%s\n%s\n"):format(module, name) end

-- call("collections", "OrderedDict", arguments...)
function writer.call(module, name, ...) return writer.name(module, name) .. writer.tuple(...) .. "R" end

local function integers(list)
  local parts = {}
  for i, n in ipairs(list) do parts[i] = writer.integer(n) end
  return writer.tuple(table.unpack(parts))
end

-- A tensor over the storage called `key` of `elements` elements of torch.TYPEStorage.
function writer.tensor(kind, key, elements, offset, shape, strides)
  local id = writer.tuple(writer.text "storage", writer.name("torch", kind .. "Storage"), writer.text(key),
    writer.text "cpu", writer.integer(elements))
  return writer.call("torch._utils", "_rebuild_tensor_v2", id .. "Q", writer.integer(offset), integers(shape),
    integers(strides), writer.no, writer.call("collections", "OrderedDict"))
end

-- An extra field that moves a member's content to a multiple of 64 bytes, as PyTorch does.
local function padding(at, name)
  local free = -(at + 30 + #name + 4) % 64
  return "FB" .. string.pack("<s2", ("Z"):rep(free))
end

local function align(entries)
  local at = 0
  for _, e in ipairs(entries) do
    e.extra = padding(at, e[1])
    at = at + 30 + #e[1] + #e.extra + #e[2]
  end
  return entries
end

-- zip(pickle, { key = bytes }) --> the bytes of a .pth file since PyTorch 1.6; more: further members.
function writer.zip(pickle, storages, more)
  local entries, keys = { { "a/data.pkl", "\x80\2" .. pickle .. "." } }, {}
  for key in pairs(storages or {}) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do entries[#entries + 1] = { "a/data/" .. key, storages[key] } end
  for _, entry in ipairs(more or {}) do entries[#entries + 1] = entry end
  return archive_writer.zip(align(entries))
end

local MAGIC <const> = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

-- legacy(pickle, { {key, elements, bytes}... }) --> the bytes of one from before.
function writer.legacy(pickle, storages)
  local keys, data = {}, {}
  for i, s in ipairs(storages or {}) do
    keys[i], data[i] = writer.text(s[1]), string.pack("<i8", s[2]) .. s[3]
  end
  local pickles = { writer.integer(nil, MAGIC), writer.integer(1001),
                    writer.dict(writer.text "little_endian", writer.yes), pickle,
                    writer.list(table.unpack(keys)) }
  for i, p in ipairs(pickles) do pickles[i] = "\x80\2" .. p .. "." end
  return table.concat(pickles) .. table.concat(data)
end

-- state_dict(tensors) --> the bytes of a legacy file with these float32 tensors by name.
function writer.state_dict(tensors)
  local names, items, storages = {}, {}, {}
  for name in pairs(tensors) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local t, strides, n = tensors[name], {}, 1
    for d = #t:size(), 1, -1 do strides[d], n = n, n * t:size(d) end
    items[2 * i - 1] = writer.text(name)
    items[2 * i] = writer.tensor("Float", name, n, 0, t:size(), strides)
    storages[i] = { name, n, t:bytes() }
  end
  return writer.legacy(writer.dict(table.unpack(items)), storages)
end

return writer
