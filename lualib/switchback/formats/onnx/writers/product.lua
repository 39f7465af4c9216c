-- Matrix products and sums over axes, as ONNX nodes.
local writers = {}

local function zero_based(list)
  local axes = {}
  for i, axis in ipairs(list) do axes[i] = axis > 0 and axis - 1 or axis end
  return axes
end

-- y = x w^T + b: a Gemm for matrices, a product with the transposed weights for x of other ranks.
function writers.linear(e, inputs)
  if #e.shapes[1] == 2 then
    return e:emit("Gemm", { inputs[1], e:weight "weight", e:weight "bias" }, { transB = 1 })
  end
  local transposed = e:tensor(e.params.weight:transpose(1, 2), "transposed_weight")
  if not e.params.bias then return e:emit("MatMul", { inputs[1], transposed }) end
  e:emit("Add", { e:step("product", "MatMul", { inputs[1], transposed }), e:weight "bias" })
end

function writers.matmul(e, inputs) e:emit("MatMul", inputs) end

-- F F^T of the (C, H*W) maps of each image; normalised by H*W of the size that the file is written for.
function writers.gram(e, inputs)
  local x = e.shapes[1]
  local rows = e:step("rows", "Reshape", { inputs[1], e:tensor({ 0, 0, -1 }, "shape") })
  local columns = e:step("columns", "Transpose", { rows }, { perm = { 0, 2, 1 } })
  if not e.config.normalise then return e:emit("MatMul", { rows, columns }) end
  local product = e:step("product", "MatMul", { rows, columns })
  e:emit("Div", { product, e:number(x[3] * x[4], "positions") })
end

-- Axes are an input of ReduceSum and an attribute of the others in this operator set; none: all.
local function reduction(op)
  return function(e, inputs)
    local axes = zero_based(e.config.axes)
    local attributes = { keepdims = e.config.keepdims and 1 or 0 }
    if #axes == 0 then return e:emit(op, inputs, attributes) end
    if op == "ReduceSum" then return e:emit(op, { inputs[1], e:tensor(axes, "axes") }, attributes) end
    attributes.axes = axes
    e:emit(op, inputs, attributes)
  end
end

for kind, op in pairs { reduce_sum = "ReduceSum", reduce_mean = "ReduceMean", reduce_max = "ReduceMax",
                        reduce_min = "ReduceMin", reduce_l1 = "ReduceL1", reduce_l2 = "ReduceL2",
                        reduce_sum_square = "ReduceSumSquare" } do
  writers[kind] = reduction(op)
end

return writers
