-- How layers are written as ONNX nodes: writers.KIND(emitter, inputs); see writer.lua.
local writers = {}

for _, subject in ipairs { "pointwise", "spatial", "normalization", "product", "shaping" } do
  for kind, write in pairs(require("switchback.formats.onnx.writers." .. subject)) do
    writers[kind] = write
  end
end

return writers
