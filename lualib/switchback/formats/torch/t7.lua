-- Torch7's binary files, as 64-bit machines write them (torch/File.lua, writeObject; generic/Tensor.c): an
-- object is its type as a 4-byte number and what follows. Tables and instances of classes have a number, by
-- which later ones refer to them. Tensors: the number of dimensions, 8 bytes each for sizes, strides and the
-- offset (from 1), and the storage as an object. Storages: 8 bytes for the number of elements; the elements.
local core = require "switchback.core"
local storages = require "switchback.formats.torch.storages"

local t7 = {}

local NIL <const>, NUMBER <const>, STRING <const> = 0, 1, 2
local TABLE <const>, INSTANCE <const>, BOOLEAN <const> = 3, 4, 5
local FUNCTIONS <const> = { [6] = true, [7] = true, [8] = true }
local DEEPEST <const> = 512 -- objects inside of objects

local function fail(format, ...) error(format:format(...), 0) end

-- ---- Reading --------------------------------------------------------------------------------------

local function take(r, n)
  if n < 0 or n > #r.mapped - r.at + 1 then fail "cut short" end
  r.at = r.at + n
  return r.mapped:sub(r.at - n, r.at - 1)
end

local function int(r) return (string.unpack("<i4", take(r, 4))) end

local function long(r) return (string.unpack("<i8", take(r, 8))) end

local function text(r) return take(r, int(r)) end

local function longs(r, n)
  local list = {}
  for i = 1, n do list[i] = long(r) end
  return list
end

local read -- any object

-- ---- Tensors and storages ---------------------------------------------------------------------------

-- "F32" for "torch.FloatStorage", "torch.CudaStorage", "torch.CudaTensor"..., and which of the two it is.
local function numbers_of(class)
  local kind, what = class:match "^torch%.(%a-)(Storage)$"
  if not kind then kind, what = class:match "^torch%.(%a-)(Tensor)$" end
  if not kind then return nil end
  kind = kind:gsub("^Cuda", "")
  return storages.dtype(kind == "" and "Float" or kind), what
end

local function read_storage(r, class, dtype)
  local n, first = long(r), r.at
  local storage = r.storages:place(class, dtype, n, r.mapped, first, #r.mapped)
  r.at = first + n * storage.size
  r.is_storage[storage] = true
  return storage
end

local function read_tensor(r, class)
  local dimensions = int(r)
  if dimensions < 0 or dimensions > 6 then
    fail("a %s has %d dimensions, at most 6 are possible", class, dimensions)
  end
  local shape, strides, offset = longs(r, dimensions), longs(r, dimensions), long(r)
  local storage = read(r)
  if dimensions == 0 then return core.tensor.zeros(0) end
  return r.storages:tensor(storage, offset - 1, shape, strides)
end

-- A storage in a table, as a tensor of one dimension.
local function shown(r, value)
  if type(value) == "table" and r.is_storage[value] then
    return r.storages:tensor(value, 0, { value.elements }, { 1 })
  end
  return value
end

-- ---- Tables and instances ---------------------------------------------------------------------------

local function read_table(r, t)
  for _ = 1, int(r) do
    local key, value = read(r), read(r)
    key = math.tointeger(key) or key
    if key == nil or key ~= key then fail "a table has a key that is none" end
    t[key] = shown(r, value)
  end
  return t
end

-- The metatable tells the class; it holds nothing else.
local function instance_of(r, class)
  r.classes[class] = r.classes[class] or { __name = class }
  return setmetatable({}, r.classes[class])
end

-- Classes without a format of their own are stored as the table of their fields.
local function read_fields(r, class, index)
  local object = instance_of(r, class)
  r.objects[index] = object
  local kind = int(r)
  if kind ~= TABLE then fail("refuses an object of class %s: its format is not known", class) end
  local fields = int(r)
  if r.objects[fields] then fail("an object of class %s has no fields of its own", class) end
  r.objects[fields] = object
  return read_table(r, object)
end

local function read_instance(r, index)
  local version = text(r)
  local class = version:find "^V %d+$" and text(r) or version -- without one: of before there were versions
  local dtype, what = numbers_of(class)
  if what and not dtype then fail("refuses a %s: its numbers are of no known type", class) end
  if not dtype then return read_fields(r, class, index) end
  r.objects[index] = what == "Storage" and read_storage(r, class, dtype) or read_tensor(r, class)
  return r.objects[index]
end

local function read_numbered(r, kind)
  local index = int(r)
  if r.objects[index] then return r.objects[index] end
  if FUNCTIONS[kind] then fail "refuses a Lua function: its code would run" end
  if kind == INSTANCE then return read_instance(r, index) end
  r.objects[index] = {}
  return read_table(r, r.objects[index])
end

function read(r)
  r.depth = r.depth + 1
  if r.depth > DEEPEST then fail("objects are nested more than %d deep", DEEPEST) end
  local kind, value = int(r), nil
  if kind == NUMBER then value = string.unpack("<d", take(r, 8))
  elseif kind == STRING then value = text(r)
  elseif kind == BOOLEAN then value = int(r) == 1
  elseif kind == TABLE or kind == INSTANCE or FUNCTIONS[kind] then value = read_numbered(r, kind)
  elseif kind ~= NIL then fail("an object is of type %d, which is none: not a 64-bit binary file", kind) end
  r.depth = r.depth - 1
  return value
end

--- read(mapped) --> the object that the file of these bytes (core.bytes) holds: nil, number, string, boolean,
-- tensor, or a table; storages are tensors of one dimension. Raises what is wrong, functions and classes with
-- a format of their own by name.
function t7.read(mapped)
  local r = { mapped = mapped, at = 1, depth = 0, objects = {}, classes = {}, is_storage = {},
              storages = storages.new(#mapped) }
  return shown(r, read(r))
end

return t7
