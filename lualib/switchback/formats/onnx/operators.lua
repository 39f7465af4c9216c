-- The ONNX operators that become layers: operators.NAME(node) emits them (see node.lua).
-- Axes are 0-based or negative in ONNX; layers count dimensions from 1, and from the end too.
local operators = {}

for _, subject in ipairs { "convolution", "product", "pooling", "pointwise", "normalization", "shaping",
                           "selection", "reduction", "resizing" } do
  for name, operator in pairs(require("switchback.formats.onnx.operators." .. subject)) do
    operators[name] = operator
  end
end

return operators
