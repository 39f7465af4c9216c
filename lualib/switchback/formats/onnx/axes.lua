-- Axes: 0-based in ONNX, with negative ones counted from the end; dimensions of layers count from 1,
-- or from -1 at the end.
local axes = {}

--- The dimension of a layer for an ONNX axis.
function axes.dim(axis)
  return axis < 0 and axis or axis + 1
end

--- Dimensions for a list of axes.
function axes.dims(list)
  local dims = {}
  for i, axis in ipairs(list) do dims[i] = axes.dim(axis) end
  return dims
end

return axes
