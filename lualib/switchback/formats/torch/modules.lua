-- What each of Torch7's nn modules is here: class = function(graph, module, input, name) -> value, which adds
-- nodes to a graph (nn.lua). Modules' fields are those of torch/nn.
local modules = {}

local function fail(format, ...) error(format:format(...), 0) end

local function number(value, otherwise) return math.tointeger(value) or value or otherwise end

-- {h, w} from a module's fields such as kH and kW.
local function pair(module, h, w, otherwise)
  return { number(module[h], otherwise), number(module[w], otherwise) }
end

local function padding(module) return pair(module, "padH", "padW", number(module.padding, 0)) end

-- Layers that need nothing but their input.
for class, kind in pairs { ReLU = "relu", Tanh = "tanh", Sigmoid = "sigmoid", LogSoftMax = "log_softmax",
                           SoftMax = "softmax", SpatialSoftMax = "softmax", SpatialLogSoftMax = "log_softmax",
                           Identity = "identity", Copy = "identity", Contiguous = "identity", Abs = "abs",
                           TotalVariation = "identity", SpatialDropout = "identity", Exp = "exp", Log = "log",
                           Sqrt = "sqrt", SoftSign = "softsign" } do
  modules[class] = function(graph, _, input, name) return graph:node(kind, name, { input }) end
end

-- ---- With weights ---------------------------------------------------------------------------------------

function modules.SpatialConvolution(graph, module, input, name)
  local ins, outs = number(module.nInputPlane), number(module.nOutputPlane)
  local kernel, groups = pair(module, "kH", "kW"), number(module.groups, 1)
  return graph:node("conv2d", name, { input }, { in_channels = ins, out_channels = outs, kernel = kernel,
    stride = pair(module, "dH", "dW", 1), pad = padding(module), groups = groups,
    dilation = pair(module, "dilationH", "dilationW", 1),
    weight = module.weight:reshape(outs, ins // groups, kernel[1], kernel[2]), bias = module.bias or false })
end

modules.SpatialConvolutionMM = modules.SpatialConvolution
modules.SpatialDilatedConvolution = modules.SpatialConvolution

function modules.SpatialFullConvolution(graph, module, input, name)
  return graph:node("conv2d_transpose", name, { input }, { in_channels = number(module.nInputPlane),
    out_channels = number(module.nOutputPlane), kernel = pair(module, "kH", "kW"),
    stride = pair(module, "dH", "dW", 1), pad = padding(module), output_pad = pair(module, "adjH", "adjW", 0),
    weight = module.weight, bias = module.bias or false })
end

function modules.Linear(graph, module, input, name)
  return graph:node("linear", name, { input }, { in_features = module.weight:size(2),
    out_features = module.weight:size(1), weight = module.weight, bias = module.bias or false })
end

-- Old files have the inverse of the standard deviation, 1 / sqrt(variance + eps).
local function variance(module, eps)
  if module.running_var then return module.running_var end
  local inverse = module.running_std or fail "it has no running_var"
  return 1 / (inverse * inverse) - eps
end

function modules.SpatialBatchNormalization(graph, module, input, name)
  local eps = module.eps or 1e-5
  local config = { channels = module.running_mean:count(), eps = eps, mean = module.running_mean,
                   variance = variance(module, eps) }
  if module.weight then config.weight, config.bias = module.weight, module.bias else config.affine = false end
  return graph:node("batchnorm", name, { input }, config)
end

modules.BatchNormalization = modules.SpatialBatchNormalization

function modules.InstanceNormalization(graph, module, input, name)
  local channels = number(module.nOutput) or module.weight:count()
  local config = { channels = channels, eps = module.eps or 1e-5 }
  if module.weight then config.weight, config.bias = module.weight, module.bias else config.affine = false end
  return graph:node("instancenorm", name, { input }, config)
end

function modules.PReLU(graph, module, input, name)
  return graph:node("prelu", name, { input }, { channels = number(module.nOutputPlane, 0),
    weight = module.weight })
end

-- ---- Without --------------------------------------------------------------------------------------------

local function pooling(kind)
  return function(graph, module, input, name)
    local config = { kernel = pair(module, "kH", "kW"), stride = pair(module, "dH", "dW", 1),
                     pad = padding(module), ceil_mode = module.ceil_mode or false }
    if kind == "avgpool" then
      if module.divide == false then fail "it sums without dividing" end
      config.count_include_pad = module.count_include_pad ~= false
    end
    return graph:node(kind, name, { input }, config)
  end
end

modules.SpatialMaxPooling = pooling "maxpool"
modules.SpatialAveragePooling = pooling "avgpool"

-- y = x where x > threshold, else val
function modules.Threshold(graph, module, input, name)
  local threshold, value = module.threshold or 0, module.val or 0
  if value ~= 0 then fail("its value below the threshold is %g, not 0", value) end
  if threshold == 0 then return graph:node("relu", name, { input }) end
  return graph:node("thresholded_relu", name, { input }, { alpha = threshold })
end

function modules.LeakyReLU(graph, module, input, name)
  return graph:node("leaky_relu", name, { input }, { slope = module.negval or 0.01 })
end

function modules.ELU(graph, module, input, name)
  return graph:node("elu", name, { input }, { alpha = module.alpha or 1 })
end

function modules.SpatialCrossMapLRN(graph, module, input, name)
  return graph:node("lrn", name, { input }, { size = number(module.size), alpha = module.alpha or 1e-4,
    beta = module.beta or 0.75, k = module.k or 1 })
end

-- Of before 2015 (without v2) it scales in evaluation instead of in training.
function modules.Dropout(graph, module, input, name)
  if module.v2 == false then
    return modules.MulConstant(graph, { constant_scalar = 1 - module.p }, input, name)
  end
  return graph:node("dropout", name, { input }, { p = module.p })
end

-- Shapes without the batch, or with -1 for it.
function modules.View(graph, module, input, name)
  local size = type(module.size) == "userdata" and module.size:totable() or {}
  if #size <= 1 or #size == 2 and size[1] == -1 then return graph:node("flatten", name, { input }) end
  local shape = { 0 }
  for i = size[1] == -1 and 2 or 1, #size do shape[#shape + 1] = math.tointeger(size[i]) end
  return graph:node("reshape", name, { input }, { shape = shape })
end

modules.Reshape = modules.View

local function border(mode)
  return function(graph, module, input, name)
    local left, top = number(module.pad_l, 0), number(module.pad_t, 0)
    local right, bottom = number(module.pad_r, left), number(module.pad_b, top)
    return graph:node("pad", name, { input }, { pads = { top, left, bottom, right }, mode = mode })
  end
end

modules.SpatialReflectionPadding = border "reflect"
modules.SpatialReplicationPadding = border "edge"
modules.SpatialZeroPadding = border "constant"

-- fast-neural-style's: cuts `size` pixels off at each side.
function modules.ShaveImage(graph, module, input, name)
  local n = -number(module.size)
  return graph:node("pad", name, { input }, { pads = { n, n, n, n } })
end

function modules.SpatialUpSamplingNearest(graph, module, input, name)
  local scale = number(module.scale_factor)
  return graph:node("resize", name, { input }, { scales = { 1, 1, scale, scale }, mode = "nearest",
    coordinate_transformation_mode = "asymmetric", nearest_mode = "floor" })
end

function modules.MulConstant(graph, module, input, name)
  return graph:node("mul", name, { input, graph:constant(name, module.constant_scalar) })
end

function modules.AddConstant(graph, module, input, name)
  return graph:node("add", name, { input, graph:constant(name, module.constant_scalar) })
end

-- ---- Of tables ------------------------------------------------------------------------------------------

for class, kind in pairs { CAddTable = "add", CMulTable = "mul", CSubTable = "sub", CDivTable = "div",
                           CMaxTable = "maximum", CMinTable = "minimum" } do
  modules[class] = function(graph, _, input, name)
    if type(input) ~= "table" then fail "it takes a table of activations" end
    local value = input[1]
    for i = 2, #input do value = graph:node(kind, name, { value, input[i] }) end
    return value
  end
end

function modules.JoinTable(graph, module, input, name)
  if type(input) ~= "table" then fail "it takes a table of activations" end
  local batched = (module.nInputDims or 0) > 0 and 1 or 0
  return graph:node("concat", name, input, { axis = number(module.dimension) + batched })
end

return modules
