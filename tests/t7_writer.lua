-- Binary files of Torch7 for tests, written from what torch/File.lua and generic/Tensor.c of the Torch7
-- distribution do on a 64-bit machine.
local writer = {}

local Instance = {}

-- instance(class, fields) --> an object of that class, for write; given again it is the same object.
function writer.instance(class, fields)
  return setmetatable({ class = class, fields = fields or {} }, Instance)
end

-- raw(class, body) --> an object of a class that writes its own bytes, or function(emit) that emits them.
function writer.raw(class, body) return setmetatable({ class = class, body = body }, Instance) end

local formats = { Float = "<f", Double = "<d", Long = "<i8", Int = "<i4", Byte = "<I1", Cuda = "<f" }

-- storage(kind, values) --> torch.KINDStorage of these numbers.
function writer.storage(kind, values)
  local parts = { string.pack("<i8", #values) }
  for i, value in ipairs(values) do parts[i + 1] = string.pack(formats[kind], value) end
  return writer.raw(("torch.%sStorage"):format(kind), table.concat(parts))
end

-- tensor(kind, storage, offset, shape, strides) --> torch.KINDTensor; the offset is counted from 1.
function writer.tensor(kind, storage, offset, shape, strides)
  return writer.raw(("torch.%sTensor"):format(kind), function(emit)
    emit.bytes(string.pack("<i4", #shape))
    for _, list in ipairs { shape, strides, { offset } } do
      for _, n in ipairs(list) do emit.bytes(string.pack("<i8", n)) end
    end
    emit.object(storage)
  end)
end

local function flat(t)
  local values = {}
  for i = 1, t:count() do values[i] = t:reshape(t:count())[i] end
  return values
end

-- of(t [, kind = "Float"]) --> a tensor with a storage of its own.
function writer.of(t, kind)
  local strides, n = {}, 1
  for d = #t:size(), 1, -1 do strides[d], n = n, n * t:size(d) end
  kind = kind or "Float"
  return writer.tensor(kind, writer.storage(kind, flat(t)), 1, t:size(), strides)
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

-- write(object) --> the bytes of a file that holds it.
function writer.write(object)
  local parts, numbers, count = {}, {}, 0
  local emit = {}
  function emit.bytes(s) parts[#parts + 1] = s end
  local function int(n) emit.bytes(string.pack("<i4", n)) end
  local function text(s) emit.bytes(string.pack("<s4", s)) end
  local function numbered(kind, key)
    int(kind)
    if numbers[key] then return int(numbers[key]) end
    count = count + 1
    numbers[key] = count
    int(count)
    return true
  end
  local function fields(t)
    if not numbered(3, t) then return end
    local keys = sorted(t)
    int(#keys)
    for _, key in ipairs(keys) do
      emit.object(key)
      emit.object(t[key])
    end
  end
  function emit.object(x)
    if x == nil then int(0)
    elseif type(x) == "number" then int(1) emit.bytes(string.pack("<d", x))
    elseif type(x) == "string" then int(2) text(x)
    elseif type(x) == "boolean" then int(5) int(x and 1 or 0)
    elseif getmetatable(x) ~= Instance then fields(x)
    elseif numbered(4, x) then
      text "V 1"
      text(x.class)
      if type(x.body) == "string" then emit.bytes(x.body)
      elseif x.body then x.body(emit)
      else fields(x.fields) end
    end
  end
  emit.object(object)
  return table.concat(parts)
end

return writer
