-- Normalisations, softmax and dropout, as ONNX nodes.
local tensor = require("switchback.core").tensor

local writers = {}

local function zero_based(axis) return axis > 0 and axis - 1 or axis end

-- A weight of the layer, or one that changes nothing where it has none.
local function weight_or(e, name, fill, channels)
  return e:weight(name) or e:tensor(tensor.zeros(channels) + fill, name)
end

function writers.batchnorm(e, inputs)
  local n = e.shapes[1][2]
  local normal = { inputs[1], weight_or(e, "weight", 1, n), weight_or(e, "bias", 0, n), e:weight "mean",
                   e:weight "variance" }
  e:emit("BatchNormalization", normal, { epsilon = e.config.eps + 0.0 })
end

function writers.instancenorm(e, inputs)
  local n = e.shapes[1][2]
  e:emit("InstanceNormalization", { inputs[1], weight_or(e, "weight", 1, n), weight_or(e, "bias", 0, n) },
    { epsilon = e.config.eps + 0.0 })
end

-- The mix of a table's rows (styles, C) by the style weights (N, styles), as (N,C,1,1).
local function mixed(e, style, name)
  local axes = {}
  for i = 1, #e.shapes[1] - 2 do axes[i] = i + 1 end
  local rows = e:step(name, "MatMul", { style, e:weight(name) })
  return e:step(name .. "_by_channel", "Unsqueeze", { rows, e:tensor(axes, name .. "_axes") })
end

function writers.conditional_instancenorm(e, inputs)
  local n = e.shapes[1][2]
  local plain = { inputs[1], e:tensor(tensor.ones(n), "unit"), e:tensor(tensor.zeros(n), "zero") }
  local normal = e:step("normal", "InstanceNormalization", plain, { epsilon = e.config.eps + 0.0 })
  local scaled = e:step("scaled", "Mul", { normal, mixed(e, inputs[2], "gamma") })
  e:emit("Add", { scaled, mixed(e, inputs[2], "beta") })
end

function writers.lrn(e, inputs)
  local c = e.config
  if c.region ~= "across" then e:refuse "normalises within channels, which ONNX cannot say" end
  e:emit("LRN", inputs, { size = c.size, alpha = c.alpha + 0.0, beta = c.beta + 0.0, bias = c.k + 0.0 })
end

function writers.dropout(e, inputs) e:emit("Dropout", { inputs[1], e:number(e.config.p, "ratio") }) end

for kind, op in pairs { softmax = "Softmax", log_softmax = "LogSoftmax" } do
  writers[kind] = function(e, inputs) e:emit(op, inputs, { axis = zero_based(e.config.axis) }) end
end

return writers
