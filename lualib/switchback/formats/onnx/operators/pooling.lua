-- Pooling over windows and over whole maps.
local merged = require "switchback.merged"
local window = require "switchback.formats.onnx.window"

local operators = {}

local function pool(node, kind, extra)
  local kernel = node:attribute "kernel_shape"
  if not kernel then node:refuse("has no kernel_shape") end
  local w = window.read(node, kernel)
  local pads = window.pads(node, w)
  window.emit(node, w, kind, function(run)
    return merged({ kernel = w.kernel, stride = w.stride, dilation = w.dilation, pad = pads(run),
                    ceil_mode = node:attribute("ceil_mode", 0) ~= 0 }, extra)
  end)
end

-- storage_order only changes the numbers in Indices.
function operators.MaxPool(node)
  if node:output_used(2) then node:refuse("has its output Indices read") end
  pool(node, "maxpool", {})
end

function operators.AveragePool(node)
  pool(node, "avgpool", { count_include_pad = node:attribute("count_include_pad", 0) ~= 0 })
end

function operators.GlobalAveragePool(node)
  node:emit "global_avgpool"
end

function operators.GlobalMaxPool(node)
  node:emit "global_maxpool"
end

return operators
