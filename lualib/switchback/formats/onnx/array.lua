-- Small arrays of integers, booleans (0 or 1) and floats on the host side: what an ONNX graph
-- computes about shapes. An array is { dtype = "int64", shape = {2, 3}, v1, v2, ... } in row-major
-- order, as the reader of ONNX files (core.onnx) gives integer tensors.
local sb_tensor = require("switchback.core").tensor

local array = {}

-- Arrays hold shapes and indices. A graph that wants more elements than this wants memory that no
-- shape computation needs (a Range of 10^12 is a dozen bytes in a file).
local LIMIT <const> = 1 << 20

local INTEGER_BITS <const> = {
  bool = 1, int8 = 8, uint8 = 8, int16 = 16, uint16 = 16, int32 = 32, uint32 = 32, int64 = 64, uint64 = 64,
}

local DTYPES <const> = {
  "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64",
  "uint32", "uint64", "complex64", "complex128", "bfloat16",
}

--- The name of the element type that Cast's attribute `to` numbers; raises for those without numbers.
function array.dtype(number)
  local name = DTYPES[number] or "unknown"
  if name == "string" or name == "unknown" or name:find "complex" then error("casts to " .. name, 0) end
  return name
end

--- Whether elements of the type are integers or booleans.
function array.is_integer(dtype)
  return INTEGER_BITS[dtype] ~= nil
end

--- Elements of an array of that shape; raises above 2^20.
function array.count(shape)
  local n = 1
  for _, extent in ipairs(shape) do
    if extent < 0 then error(("a computed array has the extent %d"):format(extent), 0) end
    n = n * math.min(extent, LIMIT + 1)
    if n > LIMIT then error(("a computed array has more than %d elements"):format(LIMIT), 0) end
  end
  return n
end

--- The value as the type stores it: integers wrap, bool is 0 or 1, floats round to float32.
function array.convert(dtype, value)
  local bits = INTEGER_BITS[dtype]
  if not bits then return (string.unpack("<f", string.pack("<f", value))) end
  if dtype == "bool" then return value ~= 0 and 1 or 0 end
  if math.type(value) == "float" then
    value = math.tointeger(value < 0 and math.ceil(value) or math.floor(value))
    if not value then error(("a value is out of range for %s"):format(dtype), 0) end
  end
  if bits == 64 then return value end
  value = value & (1 << bits) - 1
  if dtype:sub(1, 1) == "i" and value >> bits - 1 == 1 then value = value - (1 << bits) end
  return value
end

--- The array, unless its values are of a type that the reader leaves out (strings): then it raises.
function array.readable(a)
  if #a == 0 and array.count(a.shape) > 0 then error(("has elements of type %s"):format(a.dtype), 0) end
  return a
end

--- An array of that shape whose elements are f(0), f(1), ...
function array.generate(dtype, shape, f)
  local a = { dtype = dtype, shape = shape }
  for i = 0, array.count(shape) - 1 do a[i + 1] = array.convert(dtype, f(i)) end
  return a
end

--- A list of integers as an int64 array of rank 1.
function array.from_list(list)
  return table.move(list, 1, #list, 1, { dtype = "int64", shape = { #list } })
end

--- A float32 array of a tensor's elements.
function array.from_tensor(t)
  local shape = t:size()
  local flat, a = t:reshape(array.count(shape)):totable(), { dtype = "float32", shape = shape }
  for i, value in ipairs(flat) do a[i] = value end
  return a
end

--- A float32 tensor of an array's elements.
function array.to_tensor(a)
  local shape = a.shape
  if array.count(shape) == 0 then return sb_tensor.zeros(shape) end
  return sb_tensor.tensor(table.move(a, 1, #a, 1, {})):reshape(shape)
end

--- The same elements in another shape of as many.
function array.reshape(a, shape)
  if array.count(shape) ~= #a then
    error(("cannot reshape %d elements to {%s}"):format(#a, table.concat(shape, ", ")), 0)
  end
  return table.move(a, 1, #a, 1, { dtype = a.dtype, shape = shape })
end

--- Row-major strides of a shape.
function array.strides(shape)
  local strides, n = {}, 1
  for i = #shape, 1, -1 do
    strides[i], n = n, n * shape[i]
  end
  return strides
end

--- out[i1, i2, ...] = a[offset + i1 * strides[1] + i2 * strides[2] + ...], as a new array. Every
-- rearrangement is one: transposes permute strides, broadcasts have stride 0, slices an offset.
function array.view(a, shape, strides, offset)
  local out, index, at = { dtype = a.dtype, shape = shape }, {}, (offset or 0) + 1
  for i = 1, #shape do index[i] = 0 end
  for n = 1, array.count(shape) do
    out[n] = a[at]
    for i = #shape, 1, -1 do
      index[i], at = index[i] + 1, at + strides[i]
      if index[i] < shape[i] then break end
      index[i], at = 0, at - shape[i] * strides[i]
    end
  end
  return out
end

--- The shape of a and b broadcast together as NumPy does; raises if they do not fit.
function array.broadcast_shape(a, b)
  local shape, rank = {}, math.max(#a, #b)
  for i = 1, rank do
    local m, n = a[i - rank + #a] or 1, b[i - rank + #b] or 1
    if m ~= n and m ~= 1 and n ~= 1 then
      error(("shapes {%s} and {%s} do not broadcast"):format(table.concat(a, ", "), table.concat(b, ", ")), 0)
    end
    shape[i] = m == 1 and n or m
  end
  return shape
end

--- a repeated to fill a shape that it broadcasts to.
function array.broadcast(a, shape)
  local own, strides = array.strides(a.shape), {}
  for i = 1, #shape do
    local k = i - #shape + #a.shape
    strides[i] = (a.shape[k] or 1) == 1 and 0 or own[k]
  end
  return array.view(a, shape, strides)
end

--- f over the elements of a.
function array.map(a, dtype, f)
  return array.generate(dtype, a.shape, function(i) return f(a[i + 1]) end)
end

--- f over the elements of a and b, broadcast.
function array.zip(a, b, dtype, f)
  local shape = array.broadcast_shape(a.shape, b.shape)
  a, b = array.broadcast(a, shape), array.broadcast(b, shape)
  return array.generate(dtype, shape, function(i) return f(a[i + 1], b[i + 1]) end)
end

--- An ONNX axis (0-based, negative from the end) of an array of that rank as a 1-based one.
function array.axis(axis, rank)
  if axis < -rank or axis >= rank then error(("axis %d of an array of rank %d"):format(axis, rank), 0) end
  return (axis < 0 and axis + rank or axis) + 1
end

--- Arrays joined along the 1-based axis.
function array.concat(list, axis)
  local first = list[1]
  local shape, outer, out = { table.unpack(first.shape) }, 1, { dtype = first.dtype }
  for i = 1, axis - 1 do outer = outer * shape[i] end
  shape[axis] = 0
  for _, a in ipairs(list) do shape[axis] = shape[axis] + a.shape[axis] end
  out.shape = shape
  array.count(shape)
  for block = 0, outer - 1 do
    for _, a in ipairs(list) do
      local n = #a // outer
      table.move(a, block * n + 1, (block + 1) * n, #out + 1, out)
    end
  end
  return out
end

return array
