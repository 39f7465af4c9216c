-- Functions of single elements and arithmetic between values, as ONNX nodes.
local writers = {}

-- Layer -> ONNX name, and per attribute of ONNX: the layer's parameter.
local functions = {
  relu = { "Relu" }, sigmoid = { "Sigmoid" }, tanh = { "Tanh" }, softplus = { "Softplus" },
  softsign = { "Softsign" }, exp = { "Exp" }, log = { "Log" }, sqrt = { "Sqrt" },
  reciprocal = { "Reciprocal" },
  abs = { "Abs" }, neg = { "Neg" }, erf = { "Erf" }, atan = { "Atan" }, identity = { "Identity" },
  leaky_relu = { "LeakyRelu", alpha = "slope" }, elu = { "Elu", alpha = "alpha" },
  selu = { "Selu", alpha = "alpha", gamma = "gamma" }, celu = { "Celu", alpha = "alpha" },
  thresholded_relu = { "ThresholdedRelu", alpha = "alpha" },
  hard_sigmoid = { "HardSigmoid", alpha = "alpha", beta = "beta" },
}

for kind, f in pairs(functions) do
  writers[kind] = function(e, inputs)
    local attributes = {}
    for name, parameter in pairs(f) do
      if name ~= 1 then attributes[name] = e.config[parameter] + 0.0 end
    end
    e:emit(f[1], inputs, attributes)
  end
end

-- A bound that is infinite is left out.
local function bound(e, name)
  local value = e.config[name]
  return math.abs(value) < math.huge and e:number(value, name) or ""
end

function writers.clip(e, inputs)
  local clip = { inputs[1], bound(e, "min"), bound(e, "max") }
  while clip[#clip] == "" do clip[#clip] = nil end
  e:emit("Clip", clip)
end

-- Weights of channels as (C,1,1), so that they broadcast over the positions of x.
local function by_channel(e, name)
  local t, ones = e.params[name], {}
  if not t then return nil end
  for i = 1, #e.shapes[1] - 2 do ones[i] = 1 end
  return e:tensor(t:reshape(t:count(), table.unpack(ones)), name)
end

function writers.prelu(e, inputs)
  local shared = e.params.weight:count() == 1
  e:emit("PRelu", { inputs[1], shared and e:weight "weight" or by_channel(e, "weight") })
end

function writers.scale(e, inputs)
  local bias = by_channel(e, "bias")
  if not bias then return e:emit("Mul", { inputs[1], by_channel(e, "weight") }) end
  e:emit("Add", { e:step("scaled", "Mul", { inputs[1], by_channel(e, "weight") }), bias })
end

-- ---- Functions that operator set 13 does not have --------------------------------------------------

local function x_times(e, x, factor) e:emit("Mul", { x, factor }) end

function writers.hard_swish(e, inputs)
  x_times(e, inputs[1], e:step("gate", "HardSigmoid", inputs, { alpha = 1 / 6, beta = 0.5 }))
end

function writers.swish(e, inputs) x_times(e, inputs[1], e:step("gate", "Sigmoid", inputs)) end

function writers.mish(e, inputs)
  x_times(e, inputs[1], e:step("gate", "Tanh", { e:step("softplus", "Softplus", inputs) }))
end

local function erf_curve(e, x)
  return e:step("erf", "Erf", { e:step("argument", "Mul", { x, e:number(math.sqrt(0.5), "root") }) })
end

-- tanh(sqrt(2/pi) (x + 0.044715 x^3))
local function tanh_curve(e, x)
  local cube = e:step("cube", "Mul", { e:step("square", "Mul", { x, x }), x })
  local sum = e:step("sum", "Add", { x, e:step("scaled_cube", "Mul", { cube, e:number(0.044715, "cubic") }) })
  local argument = e:step("argument", "Mul", { sum, e:number(math.sqrt(2 / math.pi), "linear") })
  return e:step("tanh", "Tanh", { argument })
end

-- y = x / 2 (1 + erf(x / sqrt 2)), or its approximation by tanh.
function writers.gelu(e, inputs)
  local x, curve = inputs[1], e.config.approximate == "tanh" and tanh_curve or erf_curve
  local half = e:step("half", "Mul", { x, e:number(0.5, "half") })
  e:emit("Mul", { half, e:step("shifted", "Add", { curve(e, x), e:number(1, "one") }) })
end

-- ---- Several inputs ----------------------------------------------------------------------------------

for kind, op in pairs { sub = "Sub", mul = "Mul", div = "Div", pow = "Pow",
                        maximum = "Max", minimum = "Min" } do
  writers[kind] = function(e, inputs) e:emit(op, inputs) end
end

function writers.add(e, inputs) e:emit(#inputs == 2 and "Add" or "Sum", inputs) end

return writers
