-- Joining values and taking parts of them.
local axes = require "switchback.formats.onnx.axes"

local operators = {}

-- A Gather or Tile that becomes more layers than this is refused.
local MOST_PARTS <const> = 64

function operators.Concat(node)
  node:emit("concat", { axis = axes.dim(node:attribute("axis", 1)) }, { inputs = node.inputs })
end

-- Everything is an attribute up to opset 9 and an input from then on. Steps are new in opset 10.
function operators.Slice(node)
  node:emit("slice", function(run)
    local cut = node:list("axes", 4, run)
    return { starts = node:list("starts", 2, run), ends = node:list("ends", 3, run),
             axes = cut and axes.dims(cut) or {}, steps = node:has(5) and node:array(5, run) or {} }
  end)
end

-- Sizes are an attribute up to opset 12 and an input from then on; without them the parts are equal.
function operators.Split(node)
  local axis, n = node:attribute("axis", 0), #node.outputs
  if node:attribute("num_outputs", n) ~= n then node:refuse("has %d outputs", n) end
  node:emit("split", function(run)
    local sizes = node:list("split", 2, run)
    return { axis = axes.dim(axis), sizes = sizes or {}, parts = sizes and 0 or n }
  end, { outputs = node.outputs })
end

-- ---- Gather -------------------------------------------------------------------------------------

-- The positions at which a slice takes all of the indices, if they are evenly spaced.
local function as_slice(indices, axis)
  local first, last, step = indices[1], indices[#indices], (indices[2] or indices[1] + 1) - indices[1]
  for i = 2, #indices do
    if indices[i] - indices[i - 1] ~= step then return nil end
  end
  if step == 0 or (first < 0) ~= (last < 0) then return nil end
  local stop = last + step
  -- Beyond position 0 backwards or -1 forwards the sign would turn around; beyond all does not.
  if step < 0 and last >= 0 and stop < 0 then stop = math.mininteger end
  if step > 0 and last < 0 and stop >= 0 then stop = math.maxinteger end
  return { starts = { first }, ends = { stop }, axes = { axis }, steps = { step } }
end

-- The rows of a list of indices, one after the other along the axis.
local function gather_rows(node, indices, axis, output)
  local slice = as_slice(indices, axis)
  if slice then return node:emit("slice", slice, { outputs = { output } }) end
  if #indices == 0 or #indices > MOST_PARTS then node:refuse("takes %d scattered rows", #indices) end
  local parts = {}
  for i, index in ipairs(indices) do
    parts[i] = node:emit("slice", as_slice({ index }, axis), { outputs = { node:between("row_" .. i) } })
  end
  return node:emit("concat", { axis = axis }, { inputs = parts, outputs = { output } })
end

-- y = x with dimension `axis` replaced by those of the indices.
function operators.Gather(node)
  if not node:is_constant(2) then node:refuse("has indices that are no constant") end
  local indices, axis = node:array(2), node:attribute("axis", 0)
  local dim, rank = axes.dim(axis), #indices.shape
  if rank == 1 then return gather_rows(node, indices, dim, node.outputs[1]) end
  local rows = gather_rows(node, indices, dim, node:between "rows")
  if rank == 0 then return node:emit("squeeze", { axes = { dim } }, { inputs = { rows } }) end
  node:emit("reshape", function(run)
    local shape = table.move(node:shape(1, run), 1, #node:shape(1, run), 1, {})
    local at = axis < 0 and axis + #shape + 1 or axis + 1
    table.remove(shape, at)
    for i = rank, 1, -1 do table.insert(shape, at, indices.shape[i]) end
    return { shape = shape }
  end, { inputs = { rows } })
end

-- ---- Repetition and padding ---------------------------------------------------------------------

-- Repeats are an input (from opset 6 on), one an axis.
function operators.Tile(node)
  if not node:is_constant(2) then node:refuse("has repeats that are no constant") end
  local repeats, y = node:array(2), node.inputs[1]
  for axis, times in ipairs(repeats) do
    if times < 1 or times > MOST_PARTS then node:refuse("repeats %d times", times) end
    local copies = {}
    for i = 1, times do copies[i] = y end
    local output = axis == #repeats and node.outputs[1] or node:between("axis_" .. axis)
    y = node:emit("concat", { axis = axis }, { inputs = copies, outputs = { output } })
  end
end

-- pads as the layer has them, for all dimensions: from opset 18 on the file may list some axes only.
local function all_pads(node, run)
  local pads, cut = node:list("pads", 2, run) or node:attribute "paddings", node:has(4) and node:array(4, run)
  if not cut then return pads end
  local rank, all = #node:shape(1, run), {}
  for i = 1, 2 * rank do all[i] = 0 end
  for i, axis in ipairs(cut) do
    local dim = axis < 0 and axis + rank + 1 or axis + 1
    all[dim], all[dim + rank] = pads[i], pads[i + #cut]
  end
  return all
end

-- The layer takes two pads for height and width, so a list of numbers becomes a row of an image.
function operators.Pad(node)
  local mode = node:attribute("mode", "constant")
  local value = node:scalar(3, node:attribute("value", 0.0))
  local function config(run)
    local pads = all_pads(node, run)
    if #pads == 2 then pads = { 0, pads[1], 0, pads[2] } end
    return { pads = pads, mode = mode, value = value }
  end
  if node:rank(1) ~= 1 then return node:emit("pad", config) end
  local row = node:emit("unsqueeze", { axes = { 1 } }, { outputs = { node:between "row" } })
  row = node:emit("pad", config, { inputs = { row }, outputs = { node:between "padded" } })
  node:emit("squeeze", { axes = { 1 } }, { inputs = { row } })
end

return operators
