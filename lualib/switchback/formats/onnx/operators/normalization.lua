-- Normalisation over channels, maps and batches; softmax; dropout.
local axis_names = require "switchback.formats.onnx.axes"

local dim, dims = axis_names.dim, axis_names.dims

local operators = {}

-- y = scale (x - mean) / sqrt(variance + epsilon) + B with the stored statistics. Statistics of the
-- batch are asked for by is_test = 0 (opset 6 and older), by outputs besides Y, or by training_mode.
function operators.BatchNormalization(node)
  local trains = node:attribute("training_mode", 0) ~= 0
    or (node.opset < 7 and node:attribute("is_test", 0) == 0)
  for i = 2, #node.outputs do trains = trains or node:output_used(i) end
  if trains then node:refuse("is in training mode") end
  if node:attribute("spatial", 1) == 0 then node:refuse("normalises single positions (spatial = 0)") end
  node:emit("batchnorm", {
    weight = node:tensor(2), bias = node:tensor(3), mean = node:tensor(4), variance = node:tensor(5),
    eps = node:attribute("epsilon", 1e-5),
  })
end

function operators.InstanceNormalization(node)
  node:emit("instancenorm", {
    weight = node:tensor(2), bias = node:tensor(3), eps = node:attribute("epsilon", 1e-5),
  })
end

function operators.LRN(node)
  node:emit("lrn", {
    size = node:attribute "size", alpha = node:attribute("alpha", 1e-4), beta = node:attribute("beta", 0.75),
    k = node:attribute("bias", 1.0),
  })
end

-- ---- Over the last dimensions -------------------------------------------------------------------

-- The layers' axes from an ONNX axis to the last, as the parameters of a reduction.
local function last_axes(node, axis)
  return function(run)
    local list, rank = {}, #node:shape(1, run)
    if axis < -rank or axis >= rank then node:refuse("axis %d of a value of rank %d", axis, rank) end
    for i = axis < 0 and axis or axis - rank, -1 do list[#list + 1] = i end
    return { axes = list, keepdims = true }
  end
end

-- d = x - mean x and 1 / sqrt(mean d^2 + epsilon) over the axes; the latter and the mean may have names.
local function standardise(node, axes, epsilon, names)
  local function step(kind, config, inputs, name)
    return node:emit(kind, config, { inputs = inputs, outputs = { names[name] or node:between(name) } })
  end
  local x = node.inputs[1]
  local mean = step("reduce_mean", axes, { x }, "mean")
  local d = step("sub", {}, { x, mean }, "centred")
  local variance = step("reduce_mean", axes, { step("mul", {}, { d, d }, "squares") }, "variance")
  local shifted = step("add", {}, { variance, node:number("epsilon", epsilon) }, "shifted")
  return d, step("reciprocal", {}, { step("sqrt", {}, { shifted }, "deviation") }, "inverse")
end

-- y = scale (x - mean) / sqrt(variance + epsilon) + bias over the dimensions from the axis on (Ba,
-- Kiros & Hinton 2016); also answers the mean and the inverse deviation.
function operators.LayerNormalization(node)
  local axes = last_axes(node, node:attribute("axis", -1))
  local d, inverse = standardise(node, axes, node:attribute("epsilon", 1e-5),
    { mean = node.outputs[2], inverse = node.outputs[3] })
  local scaled = node:has(3) and node:between "scaled" or node.outputs[1]
  local normal = node:emit("mul", {}, { inputs = { d, inverse }, outputs = { node:between "normal" } })
  node:emit("mul", {}, { inputs = { normal, node.inputs[2] }, outputs = { scaled } })
  if node:has(3) then node:emit("add", {}, { inputs = { scaled, node.inputs[3] } }) end
end

-- y = (x - mean) / sqrt(variance), by default for each channel over all images and positions.
function operators.MeanVarianceNormalization(node)
  local axes = { axes = dims(node:attribute("axes", { 0, 2, 3 })), keepdims = true }
  local d, inverse = standardise(node, axes, 1e-9, {})
  node:emit("mul", {}, { inputs = { d, inverse } })
end

-- ---- Others ---------------------------------------------------------------------------------------

-- Passes x on, except in training. The ratio is an attribute up to opset 11 and an input from then on.
function operators.Dropout(node)
  local ratio = node:scalar(2, node:attribute("ratio", 0.5))
  if node:output_used(2) then node:refuse("has its output mask read") end
  if node:scalar(3, 0) ~= 0 and ratio > 0 then node:refuse("is in training mode") end
  node:emit("dropout", { p = ratio })
end

-- Up to opset 12 all dimensions from the axis on are one: flatten, normalise rows, restore.
local function softmax_of_rows(node, kind, axis)
  local flat = node:emit("flatten", { axis = dim(axis) }, { outputs = { node:between "flattened" } })
  local rows = node:emit(kind, { axis = 2 }, { inputs = { flat }, outputs = { node:between(kind) } })
  node:emit("reshape", function(run) return { shape = node:shape(1, run) } end, { inputs = { rows } })
end

local function softmax(kind)
  return function(node)
    local axis = node:attribute("axis", node.opset >= 13 and -1 or 1)
    local rank = node:rank(1)
    if node.opset >= 13 or axis == -1 or (rank and axis == rank - 1) then
      node:emit(kind, { axis = dim(axis) })
    else
      softmax_of_rows(node, kind, axis)
    end
  end
end

operators.Softmax, operators.LogSoftmax = softmax "softmax", softmax "log_softmax"

return operators
