-- Functions of single elements, and arithmetic between values.
local array = require "switchback.formats.onnx.array"

local operators = {}

-- ---- One input ----------------------------------------------------------------------------------

-- ONNX name -> layer, and per parameter of the layer: ONNX attribute and default.
local functions = {
  Relu = { "relu" }, Sigmoid = { "sigmoid" }, Tanh = { "tanh" }, Softplus = { "softplus" },
  HardSwish = { "hard_swish" }, Exp = { "exp" }, Log = { "log" }, Sqrt = { "sqrt" }, Abs = { "abs" },
  Neg = { "neg" }, Reciprocal = { "reciprocal" }, Erf = { "erf" }, Mish = { "mish" },
  Softsign = { "softsign" }, Atan = { "atan" },
  LeakyRelu = { "leaky_relu", slope = { "alpha", 0.01 } },
  Elu = { "elu", alpha = { "alpha", 1.0 } },
  Celu = { "celu", alpha = { "alpha", 1.0 } },
  Selu = { "selu", alpha = { "alpha", 1.6732631921768188 }, gamma = { "gamma", 1.0507010221481323 } },
  HardSigmoid = { "hard_sigmoid", alpha = { "alpha", 0.2 }, beta = { "beta", 0.5 } },
  ThresholdedRelu = { "thresholded_relu", alpha = { "alpha", 1.0 } },
}

for name, f in pairs(functions) do
  operators[name] = function(node)
    local config = {}
    for key, attribute in pairs(f) do
      if key ~= 1 then config[key] = node:attribute(attribute[1], attribute[2]) end
    end
    node:emit(f[1], config)
  end
end

function operators.Identity(node)
  node:emit "identity"
end

-- Bounds are attributes up to opset 10 and inputs from then on.
function operators.Clip(node)
  node:emit("clip", {
    min = node:scalar(2, node:attribute("min", -math.huge)),
    max = node:scalar(3, node:attribute("max", math.huge)),
  })
end

-- Floating-point types are computed as float32, which passes for any of them but bfloat16.
local function cast(node, dtype)
  if array.is_integer(dtype) or dtype == "bfloat16" then node:refuse("casts activations to %s", dtype) end
  node:emit "identity"
end

function operators.Cast(node)
  cast(node, array.dtype(node.attributes.to))
end

function operators.CastLike(node)
  local like = node:value(2)
  cast(node, like.kind == "shape" and "int64" or type(like.data) == "table" and like.data.dtype or like.dtype)
end

-- y = max(x, 0) + slope min(x, 0), where min(x, 0) = x - max(x, 0)
local function prelu_by_parts(node)
  local x, slope = node.inputs[1], node.inputs[2]
  local positive = node:emit("relu", {}, { outputs = { node:between "positive" } })
  local negative = node:emit("sub", {}, { inputs = { x, positive }, outputs = { node:between "negative" } })
  local scaled = node:emit("mul", {}, { inputs = { negative, slope }, outputs = { node:between "scaled" } })
  node:emit("add", {}, { inputs = { positive, scaled } })
end

-- Whether slopes of that shape, broadcast from the right, are one a channel: (C,1,1) for images.
local function is_per_channel(shape, rank)
  local first = 1
  while shape[first] == 1 do first = first + 1 end
  for i = first + 1, #shape do
    if shape[i] ~= 1 then return false end
  end
  return #shape - first + 2 == (rank or #shape + 1)
end

-- Up to opset 6 a list of slopes was for the channels.
function operators.PRelu(node)
  if node.opset >= 7 and not node:is_constant(2) then return prelu_by_parts(node) end
  local slope = node:tensor(2)
  if slope:count() ~= 1 and node.opset >= 7 and not is_per_channel(slope:size(), node:rank(1)) then
    return prelu_by_parts(node)
  end
  node:emit("prelu", { weight = slope:reshape(slope:count()) })
end

-- ---- Several inputs -----------------------------------------------------------------------------

-- Up to opset 6 the second input was aligned with the first from `axis` on, not from the right.
local function align(node)
  local axis = node:attribute "axis"
  if not axis or node.opset >= 7 then return node.inputs end
  local aligned = node:emit("reshape", function(run)
    local shape, rank = { table.unpack(node:shape(2, run)) }, #node:shape(1, run)
    for _ = #shape + array.axis(axis, rank), rank do shape[#shape + 1] = 1 end
    return { shape = shape }
  end, { inputs = { node.inputs[2] }, outputs = { node:between "aligned" } })
  return { node.inputs[1], aligned }
end

for name, kind in pairs { Add = "add", Sub = "sub", Mul = "mul", Div = "div", Pow = "pow" } do
  operators[name] = function(node)
    node:emit(kind, {}, { inputs = align(node) })
  end
end

for name, kind in pairs { Sum = "add", Max = "maximum", Min = "minimum" } do
  operators[name] = function(node)
    node:emit(kind, {}, { inputs = node.inputs })
  end
end

function operators.Mean(node)
  local sum = node:emit("add", {}, { inputs = node.inputs, outputs = { node:between "sum" } })
  node:emit("div", {}, { inputs = { sum, node:number("count", #node.inputs) } })
end

return operators
