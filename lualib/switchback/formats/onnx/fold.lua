-- What an ONNX graph computes about shapes: fold.NAME(inputs, attributes, n_outputs) --> array, ...
-- evaluates operator NAME on arrays (see array.lua). Inputs are a list of arrays with holes where
-- an optional input is left out. The semantics are those of the ONNX operator reference.
local array = require "switchback.formats.onnx.array"

local fold = {}

-- ---- Elementwise ------------------------------------------------------------------------------

-- Integer division truncates towards zero, as C's does.
local function divide(a, b)
  if math.type(a) == "float" or math.type(b) == "float" then return a / b end
  if b == 0 then error("an integer is divided by zero", 0) end
  local q = a // b
  return (q < 0 and q * b ~= a) and q + 1 or q
end

local function arithmetic(f)
  return function(inputs)
    local a, b = inputs[1], inputs[2]
    return array.zip(a, b, a.dtype, f)
  end
end

fold.Add = arithmetic(function(a, b) return a + b end)
fold.Sub = arithmetic(function(a, b) return a - b end)
fold.Mul = arithmetic(function(a, b) return a * b end)
fold.Div = arithmetic(divide)
fold.Pow = arithmetic(function(a, b) return a ^ b end)

-- The sign follows the divisor, or with fmod = 1 the dividend.
function fold.Mod(inputs, attributes)
  local f = attributes.fmod == 1 and math.fmod or function(a, b) return a % b end
  return array.zip(inputs[1], inputs[2], inputs[1].dtype, f)
end

local function variadic(f)
  return function(inputs)
    local out = inputs[1]
    for i = 2, #inputs do out = array.zip(out, inputs[i], out.dtype, f) end
    return out
  end
end

fold.Max, fold.Min = variadic(math.max), variadic(math.min)
fold.Sum = variadic(function(a, b) return a + b end)

local function comparison(f)
  return function(inputs)
    return array.zip(inputs[1], inputs[2], "bool", function(a, b) return f(a, b) and 1 or 0 end)
  end
end

fold.Equal = comparison(function(a, b) return a == b end)
fold.Less = comparison(function(a, b) return a < b end)
fold.LessOrEqual = comparison(function(a, b) return a <= b end)
fold.Greater = comparison(function(a, b) return a > b end)
fold.GreaterOrEqual = comparison(function(a, b) return a >= b end)
fold.And = comparison(function(a, b) return a ~= 0 and b ~= 0 end)
fold.Or = comparison(function(a, b) return a ~= 0 or b ~= 0 end)
fold.Xor = comparison(function(a, b) return a ~= b end)

local function unary(f)
  return function(inputs) return array.map(inputs[1], inputs[1].dtype, f) end
end

-- Halves go to the even neighbour.
local function round(a)
  local low = math.floor(a)
  local rest = a - low
  return (rest > 0.5 or (rest == 0.5 and low % 2 == 1)) and low + 1 or low
end

fold.Neg = unary(function(a) return -a end)
fold.Abs = unary(math.abs)
fold.Not = unary(function(a) return 1 - a end)
fold.Floor, fold.Ceil, fold.Round = unary(math.floor), unary(math.ceil), unary(round)
fold.Sqrt = unary(function(a) return a ^ 0.5 end)
fold.Reciprocal = unary(function(a) return 1 / a end)
fold.Sign = unary(function(a) return a > 0 and 1 or a < 0 and -1 or 0 end)
fold.Identity = function(inputs) return inputs[1] end

function fold.Where(inputs)
  local condition, a, b = inputs[1], inputs[2], inputs[3]
  local shape = array.broadcast_shape(array.broadcast_shape(condition.shape, a.shape), b.shape)
  condition, a, b = array.broadcast(condition, shape), array.broadcast(a, shape), array.broadcast(b, shape)
  return array.generate(a.dtype, shape, function(i)
    return condition[i + 1] ~= 0 and a[i + 1] or b[i + 1]
  end)
end

-- min and max are attributes up to opset 10 and inputs from then on.
function fold.Clip(inputs, attributes)
  local low = inputs[2] and inputs[2][1] or attributes.min or -math.huge
  local high = inputs[3] and inputs[3][1] or attributes.max or math.huge
  return array.map(inputs[1], inputs[1].dtype, function(a) return math.min(math.max(a, low), high) end)
end

-- ---- Types ------------------------------------------------------------------------------------

function fold.Cast(inputs, attributes)
  local dtype = array.dtype(attributes.to)
  return array.map(inputs[1], dtype, function(a) return a end)
end

function fold.CastLike(inputs)
  return array.map(inputs[1], inputs[2].dtype, function(a) return a end)
end

-- ---- Creation ---------------------------------------------------------------------------------

-- Dimensions [start, end) of the input's shape (opset 15), as a slice of a list is taken.
function fold.Shape(inputs, attributes)
  local shape = inputs[1].shape
  local rank = #shape
  local function clamp(i)
    return math.min(math.max(i < 0 and i + rank or i, 0), rank)
  end
  local first, last = clamp(attributes.start or 0), clamp(attributes["end"] or rank)
  return array.from_list({ table.unpack(shape, first + 1, last) })
end

function fold.Size(inputs)
  local n = 1
  for _, extent in ipairs(inputs[1].shape) do n = n * extent end
  return { dtype = "int64", shape = {}, n }
end

function fold.ConstantOfShape(inputs, attributes)
  local value = attributes.value or { dtype = "float32", shape = {}, 0 }
  if type(value) == "userdata" then value = array.from_tensor(value) end
  local shape = table.move(inputs[1], 1, #inputs[1], 1, {})
  return array.generate(value.dtype, shape, function() return value[1] end)
end

function fold.Range(inputs)
  local start, limit, delta = inputs[1][1], inputs[2][1], inputs[3][1]
  if delta == 0 then error("a Range has the step 0", 0) end
  local n = math.max(0, math.ceil((limit - start) / delta))
  local shape = { math.tointeger(n) or -1 }
  return array.generate(inputs[1].dtype, shape, function(i) return start + i * delta end)
end

-- ---- Shapes -----------------------------------------------------------------------------------

--- The extents that Reshape gives a value of `shape`: 0 copies the input's extent (unless
-- allowzero), -1 takes what is left.
function fold.reshaped(shape, target, allowzero)
  local out, free, known, total = {}, nil, 1, 1
  for _, extent in ipairs(shape) do total = total * extent end
  for i, extent in ipairs(target) do
    if extent == 0 and not allowzero then extent = shape[i] or 1 end
    if extent == -1 then free = i else known = known * extent end
    out[i] = extent
  end
  if free then out[free] = known == 0 and 0 or total // known end
  return out
end

function fold.Reshape(inputs, attributes)
  local target = inputs[2] or attributes.shape
  return array.reshape(inputs[1], fold.reshaped(inputs[1].shape, target, attributes.allowzero == 1))
end

function fold.Flatten(inputs, attributes)
  local a, axis = inputs[1], attributes.axis or 1
  if axis < 0 then axis = axis + #a.shape end
  local rows, columns = 1, 1
  for i, extent in ipairs(a.shape) do
    if i <= axis then rows = rows * extent else columns = columns * extent end
  end
  return array.reshape(a, { rows, columns })
end

local function axis_set(axes, rank)
  local set = {}
  for _, axis in ipairs(axes or {}) do set[array.axis(axis, rank)] = true end
  return set
end

-- Axes are an attribute up to opset 12 and an input from then on.
function fold.Squeeze(inputs, attributes)
  local a, shape = inputs[1], {}
  local axes = inputs[2] or attributes.axes
  local drop = axis_set(axes, #a.shape)
  for i, extent in ipairs(a.shape) do
    if not (drop[i] or (not axes and extent == 1)) then shape[#shape + 1] = extent end
  end
  return array.reshape(a, shape)
end

function fold.Unsqueeze(inputs, attributes)
  local a, axes = inputs[1], inputs[2] or attributes.axes
  local rank = #a.shape + #axes
  local add, shape, k = axis_set(axes, rank), {}, 0
  for i = 1, rank do
    if not add[i] then k = k + 1 end
    shape[i] = add[i] and 1 or a.shape[k]
  end
  return array.reshape(a, shape)
end

function fold.Transpose(inputs, attributes)
  local a = inputs[1]
  local own, shape, strides, rank = array.strides(a.shape), {}, {}, #inputs[1].shape
  for i = 1, rank do
    local from = attributes.perm and attributes.perm[i] + 1 or rank + 1 - i
    shape[i], strides[i] = a.shape[from], own[from]
  end
  return array.view(a, shape, strides)
end

function fold.Concat(inputs, attributes)
  return array.concat(inputs, array.axis(attributes.axis or 1, #inputs[1].shape))
end

function fold.Expand(inputs)
  local a = inputs[1]
  return array.broadcast(a, array.broadcast_shape(a.shape, inputs[2]))
end

function fold.Tile(inputs)
  local a = inputs[1]
  for axis, times in ipairs(inputs[2]) do
    local copies = {}
    array.count { times, math.max(#a, 1) }
    for i = 1, times do copies[i] = a end
    if times > 0 then a = array.concat(copies, axis) end
  end
  return a
end

-- ---- Parts ------------------------------------------------------------------------------------

--- One axis of a Slice of an extent: the first index (0-based) and the number of elements.
function fold.sliced(extent, first, last, step)
  local function clamp(i, low, high)
    return math.min(math.max(i < 0 and i + extent or i, low), high)
  end
  if step == 0 then error("a Slice has the step 0", 0) end
  if step > 0 then
    first, last = clamp(first, 0, extent), clamp(last, 0, extent)
    return first, math.max(0, (last - first + step - 1) // step)
  end
  first, last = clamp(first, 0, extent - 1), clamp(last, -1, extent - 1)
  return first, math.max(0, (first - last - step - 1) // -step)
end

-- Everything is an attribute up to opset 9 and an input from then on.
function fold.Slice(inputs, attributes)
  local a = inputs[1]
  local starts, ends = inputs[2] or attributes.starts, inputs[3] or attributes.ends
  local axes, steps = inputs[4] or attributes.axes, inputs[5] or {}
  local shape, strides, offset = { table.unpack(a.shape) }, array.strides(a.shape), 0
  for i = 1, #starts do
    local axis, step = array.axis(axes and axes[i] or i - 1, #a.shape), steps[i] or 1
    local first, n = fold.sliced(a.shape[axis], starts[i], ends[i], step)
    offset = offset + first * strides[axis]
    shape[axis], strides[axis] = n, strides[axis] * step
  end
  return array.view(a, shape, strides, offset)
end

function fold.Gather(inputs, attributes)
  local a, indices = inputs[1], inputs[2]
  local axis = array.axis(attributes.axis or 0, #a.shape)
  local parts, strides = {}, array.strides(a.shape)
  local row = { table.unpack(a.shape) }
  row[axis] = 1
  for i, index in ipairs(indices) do
    local at = array.axis(index, a.shape[axis]) - 1
    parts[i] = array.view(a, row, strides, at * strides[axis])
  end
  local shape = { table.unpack(a.shape, 1, axis - 1) }
  table.move(indices.shape, 1, #indices.shape, #shape + 1, shape)
  table.move(a.shape, axis + 1, #a.shape, #shape + 1, shape)
  if #parts == 0 then return { dtype = a.dtype, shape = shape } end
  return array.reshape(array.concat(parts, axis), shape)
end

--- Extents of the n parts of a Split of `extent`: as listed, or equal (the last one smaller).
function fold.parts(extent, n, sizes)
  local out, size = {}, -(-extent // n)
  for i = 1, n do out[i] = sizes and sizes[i] or math.min(size, math.max(0, extent - (i - 1) * size)) end
  return out
end

function fold.Split(inputs, attributes, n_outputs)
  local a = inputs[1]
  local axis = array.axis(attributes.axis or 0, #a.shape)
  local out, at, strides = {}, 0, array.strides(a.shape)
  for i, size in ipairs(fold.parts(a.shape[axis], n_outputs, inputs[2] or attributes.split)) do
    local shape = { table.unpack(a.shape) }
    shape[axis] = size
    out[i] = array.view(a, shape, strides, at * strides[axis])
    at = at + size
  end
  return table.unpack(out)
end

-- ---- Reductions -------------------------------------------------------------------------------

-- a with the reduced axes moved to the end, and the number of elements that are reduced to one.
local function group(a, reduced)
  local own, shape, strides, block = array.strides(a.shape), {}, {}, 1
  for pass = 1, 2 do
    for i, extent in ipairs(a.shape) do
      if (reduced[i] ~= nil) == (pass == 2) then
        shape[#shape + 1], strides[#strides + 1] = extent, own[i]
        if pass == 2 then block = block * extent end
      end
    end
  end
  return array.view(a, shape, strides), block
end

local function reduced_shape(shape, reduced, keep)
  local out = {}
  for i, extent in ipairs(shape) do
    if keep or not reduced[i] then out[#out + 1] = reduced[i] and 1 or extent end
  end
  return out
end

-- Axes are an attribute in old operator sets and an input from 13 (ReduceSum) or 18 on.
local function reduction(start, f)
  return function(inputs, attributes)
    local a, axes = inputs[1], inputs[2] or attributes.axes or {}
    if #axes == 0 and attributes.noop_with_empty_axes == 1 then return a end
    local reduced = axis_set(axes, #a.shape)
    for i = 1, #axes == 0 and #a.shape or 0 do reduced[i] = true end
    local rows, block = group(a, reduced)
    return array.generate(a.dtype, reduced_shape(a.shape, reduced, attributes.keepdims ~= 0), function(row)
      local value = start
      for i = row * block + 1, (row + 1) * block do value = value and f(value, rows[i]) or rows[i] end
      return value
    end)
  end
end

fold.ReduceSum = reduction(0, function(a, b) return a + b end)
fold.ReduceProd = reduction(1, function(a, b) return a * b end)
fold.ReduceMax, fold.ReduceMin = reduction(nil, math.max), reduction(nil, math.min)

return fold
