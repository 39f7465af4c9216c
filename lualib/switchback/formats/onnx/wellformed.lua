-- What every node must satisfy before its operator looks at it, so that operators may rely on it: the
-- inputs that the operator cannot do without, and attributes of the type that their name stands for.
-- Names mean the same in all operators of the ONNX reference, but for the `value` of a Pad.
local wellformed = {}

-- How many of the first inputs are not optional; 1 where nothing else is said.
local least_inputs = { Constant = 0, Where = 3, Range = 3, BatchNormalization = 5,
                       InstanceNormalization = 3 }
for name in ([[Add Sub Mul Div Pow Mod Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor CastLike
    Expand Gather Tile Conv ConvTranspose Gemm MatMul PRelu LayerNormalization]]):gmatch "%w+" do
  least_inputs[name] = 2
end

local types = {
  integer = [[allowzero antialias axis blocksize ceil_mode count_include_pad end exclude_outside fmod group
    is_test keepdims noop_with_empty_axes num_outputs size spatial start to training_mode transA transB]],
  number = [[alpha beta bias cubic_coeff_a epsilon extrapolation_value gamma max min momentum ratio]],
  string = [[auto_pad coordinate_transformation_mode keep_aspect_ratio_policy mode nearest_mode]],
  list = [[axes dilations ends kernel_shape output_padding output_shape paddings pads perm scales shape split
    starts strides]],
  tensor = "value",
}

local expected = {}
for kind, names in pairs(types) do
  for name in names:gmatch "[%w_]+" do expected[name] = kind end
end

local function is_number_list(value)
  if type(value) ~= "table" or value.dtype then return false end -- with a dtype it is a tensor
  for _, v in ipairs(value) do
    if type(v) ~= "number" then return false end
  end
  return true
end

local function has_type(value, kind)
  if kind == "list" then return is_number_list(value) end
  if kind == "tensor" then return type(value) == "userdata" or type(value) == "table" and value.dtype end
  if kind == "integer" then return math.type(value) == "integer" end
  return type(value) == kind
end

--- check(node) refuses the node for the first thing that is wrong.
function wellformed.check(node)
  for i = 1, least_inputs[node.op] or 1 do
    if not node:has(i) then node:refuse("input %d is missing", i) end
  end
  for name, value in pairs(node.attributes) do
    local kind = expected[name]
    if kind == "tensor" and node.op == "Pad" then kind = "number" end
    if kind and not has_type(value, kind) then node:refuse("attribute '%s' is no %s", name, kind) end
  end
end

return wellformed
