-- Storages: where tensors' elements lie in a file's bytes, and the tensors that look into them.
local bytes = require("switchback.core").bytes

local Storages = {}
Storages.__index = Storages

local DIMENSIONS <const> = 6
-- Copies (of what is not float32, or has gaps) may take so many times the file's size: one of bytes takes 4.
local COPIES <const>, SPARE <const> = 8, 1 << 16

local dtypes = { Float = "F32", Double = "F64", Half = "F16", BFloat16 = "BF16", Long = "I64", Int = "I32",
                 Short = "I16", Char = "I8", Byte = "U8", Bool = "BOOL" }

local function fail(format, ...) error(format:format(...), 0) end

-- dtype(type_name) --> "F32" for "Float" as in FloatStorage and FloatTensor, ...; nil if there is none.
local function dtype(type_name) return dtypes[type_name] end

-- new(size) --> the storages of a file of `size` bytes.
local function new(size)
  return setmetatable({ left = COPIES * size + SPARE, placed = setmetatable({}, { __mode = "k" }) }, Storages)
end

-- s:place(name, dtype, elements, bytes, first, last) --> storage: its elements begin at position `first` of
-- the bytes. Raises if they do not end by `last`.
function Storages:place(name, kind, elements, from, first, last)
  local size = type(kind) == "string" and bytes.element_size(kind) or fail("storage '%s' has no type", name)
  if math.type(elements) ~= "integer" or elements < 0 or elements > (last - first + 1) // size then
    fail("storage '%s' claims %s elements of %d bytes, the file has %d bytes for it", name,
      tostring(elements), size, math.max(0, last - first + 1))
  end
  local storage = { name = name, dtype = kind, size = size, elements = elements, bytes = from, first = first }
  self.placed[storage] = true
  return storage
end

-- s:part(storage, offset, elements) --> a storage that is a part of another.
function Storages:part(whole, offset, elements)
  if math.type(offset) ~= "integer" or offset < 0 or offset > whole.elements then
    fail("storage '%s' has %d elements, a part begins at %s", whole.name, whole.elements, tostring(offset))
  end
  local last = whole.first + whole.elements * whole.size - 1
  return self:place(whole.name, whole.dtype, elements, whole.bytes, whole.first + offset * whole.size, last)
end

local function check_integers(list, what)
  if type(list) ~= "table" then fail("a tensor's %s is no list", what) end
  for _, n in ipairs(list) do
    if math.type(n) ~= "integer" then fail("a tensor's %s has %s in it", what, tostring(n)) end
  end
  if #list > DIMENSIONS then
    fail("a tensor has %d dimensions, at most %d are possible", #list, DIMENSIONS)
  end
  return list
end

-- s:tensor(storage, offset, shape, strides) --> tensor. Offset (from 0) and strides count elements. Looks
-- into the file's bytes if they are float32 without gaps.
function Storages:tensor(storage, offset, shape, strides)
  if not self.placed[storage] then fail "a tensor is rebuilt from what is no storage" end
  check_integers(shape, "shape")
  check_integers(strides, "strides")
  local seen = self:part(storage, offset, storage.elements - (math.tointeger(offset) or 0))
  local t, copied = seen.bytes:tensor(seen.dtype, seen.first, seen.first + seen.elements * seen.size - 1,
    shape, strides)
  if not t then
    fail("a tensor of shape (%s) over storage '%s' of %d elements %s", table.concat(shape, ","), storage.name,
      storage.elements, copied)
  end
  self.left = self.left - (copied and 4 * t:count() or 0)
  if self.left < 0 then fail "tensors take far more memory than the file's size explains" end
  return t
end

return { new = new, dtype = dtype }
