-- Caffe's layer types: each becomes one or a few of our layers, with the weights it brings.
-- convert[type](step) --> layer, or function(shape_of) -> layer; `step` (graph.lua) has the parameters,
-- weights and input values (which a converter may replace), and adds further nodes and constants.
-- Formulas are those of Caffe's layer documentation (Jia et al. 2014); its axes count from 0.
local core = require "switchback.core"

local make = core.layer
local convert = {}

local LARGEST <const> = 1 << 28 -- weights of an untrained layer

local function positive(p, field)
  local n = p[field]
  if not n then error("has no " .. field, 0) end
  if n < 1 then error(("%s is %d, must be 1 or more"):format(field, n), 0) end
  return n
end

-- {h, w} from `field: k`, `field: h field: w`, or `stem_h: h stem_w: w`.
local function pair(p, field, fallback)
  local stem, list = field:gsub("_size$", ""), p[field] or {}
  local h, w = p[stem .. "_h"], p[stem .. "_w"]
  if h or w then return { h or fallback, w or fallback } end
  if #list > 2 then error(field .. " has more than 2 values; only images are supported", 0) end
  return { list[1] or fallback, list[2] or list[1] or fallback }
end

local function require_axis(p, expected)
  if (p.axis or expected) ~= expected then
    error(("axis %d is not supported, only %d"):format(p.axis, expected), 0)
  end
end

local function our_axis(axis) return axis < 0 and axis or axis + 1 end

-- ---- Convolution and inner products -----------------------------------------------------------

local function convolution_config(p)
  require_axis(p, 1)
  local kernel = pair(p, "kernel_size", 0)
  if kernel[1] < 1 or kernel[2] < 1 then error("has no kernel_size of 1 or more", 0) end
  return { kernel = kernel, stride = pair(p, "stride", 1), pad = pair(p, "pad", 0),
           dilation = pair(p, "dilation", 1), groups = p.group and positive(p, "group") or 1,
           bias = p.bias_term ~= false, out_channels = positive(p, "num_output") }
end

-- Completes a layer's configuration with blob 1 as the weight of that shape (false: as the blob has
-- it) and blob 2 as the bias. A layer without blobs is untrained: `input_key` tells it the number of
-- its inputs and its weights are drawn.
local function with_weights(step, c, shape, input_key, outputs)
  if not step.blobs then
    c[input_key], c.rng = step:channels(), step.rng
    local count = c[input_key]
    for _, n in ipairs(shape) do count = n and count * n or count end
    if count > LARGEST then error("has more than 2^28 weights", 0) end
    return c
  end
  c.weight = step:blob(1, shape)
  if c.bias then c.bias = step:blob(2, { outputs }) end
  return c
end

function convert.Convolution(step)
  local c = convolution_config(step:params "convolution_param")
  local shape = { c.out_channels, false, c.kernel[1], c.kernel[2] }
  return make.conv2d(with_weights(step, c, shape, "in_channels", c.out_channels))
end

function convert.Deconvolution(step)
  local c = convolution_config(step:params "convolution_param")
  local shape = { false, c.out_channels // c.groups, c.kernel[1], c.kernel[2] }
  return make.conv2d_transpose(with_weights(step, c, shape, "in_channels", c.out_channels))
end

function convert.InnerProduct(step)
  local p = step:params "inner_product_param"
  require_axis(p, 1)
  local c = { out_features = positive(p, "num_output"), bias = p.bias_term ~= false }
  step.inputs = { step:add("flatten", step.inputs, make.flatten {}) }
  local shape = p.transpose and { false, c.out_features } or { c.out_features, false }
  c = with_weights(step, c, shape, "in_features", c.out_features)
  if p.transpose and c.weight then c.weight = c.weight:transpose(1, 2) end
  return make.linear(c)
end

-- ---- Pooling and normalisation ----------------------------------------------------------------

-- Output sizes are rounded up unless the file says otherwise; a window of the average counts the
-- padding that it covers, but not what lies beyond the padding.
function convert.Pooling(step)
  local p = step:params "pooling_param"
  local method = p.pool or "MAX"
  if method == "STOCHASTIC" then error("stochastic pooling is not supported", 0) end
  if p.global_pooling then
    return method == "MAX" and make.global_maxpool {} or make.global_avgpool {}
  end
  local kernel = pair(p, "kernel_size", 0)
  if kernel[1] < 1 or kernel[2] < 1 then error("has no kernel_size of 1 or more", 0) end
  local c = { kernel = kernel, stride = pair(p, "stride", 1), pad = pair(p, "pad", 0),
              ceil_mode = p.round_mode ~= "FLOOR" and p.ceil_mode ~= false }
  if method == "MAX" then return make.maxpool(c) end
  c.count_include_pad = true
  return make.avgpool(c)
end

-- Across channels: y = x / (k + alpha/n * sum of n squares)^beta; within a channel the sum is over
-- n x n positions, alpha is divided by n^2 and k is 1 whatever the file says.
function convert.LRN(step)
  local p = step:params "lrn_param"
  local c = { size = p.local_size, alpha = p.alpha or 1, beta = p.beta or 0.75 }
  if p.norm_region == "WITHIN_CHANNEL" then c.region = "within" else c.k = p.k end
  return make.lrn(c)
end

-- Blobs: sums of means and of variances, and how many (one number): their weights in a moving
-- average. y = (x - mean) / sqrt(variance + eps); scale and shift are a Scale layer of their own.
function convert.BatchNorm(step)
  local p = step:params "batch_norm_param"
  local c = { eps = p.eps or 1e-5, affine = false }
  if p.use_global_stats == false then error("statistics of the batch are not supported", 0) end
  if not step.blobs then
    c.channels = step:channels()
    return make.batchnorm(c)
  end
  local count = step:blob(3, { 1 })[1]
  local factor = count == 0 and 0 or 1 / count
  c.mean = step:blob(1, { false }) * factor
  c.variance = step:blob(2, { false }) * factor
  return make.batchnorm(c)
end

function convert.Scale(step)
  local p = step:params "scale_param"
  if #step.inputs ~= 1 then error("a scale that is an input is not supported", 0) end
  require_axis(p, 1)
  if (p.num_axes or 1) ~= 1 then error("num_axes other than 1 is not supported", 0) end
  local c = { bias = p.bias_term == true }
  local channels = step.blobs and step:blob(1, { false }):size(1)
  return make.scale(with_weights(step, c, { channels or false }, "channels", channels))
end

function convert.Dropout(step)
  local p = step:params "dropout_param"
  if p.scale_train == false then error("scale_train: false is not supported", 0) end
  return make.dropout { p = p.dropout_ratio or 0.5 }
end

-- ---- Pointwise ---------------------------------------------------------------------------------

function convert.ReLU(step)
  local slope = step:params("relu_param").negative_slope or 0
  return slope == 0 and make.relu {} or make.leaky_relu { slope = slope }
end

function convert.PReLU(step)
  local p = step:params "prelu_param"
  if not step.blobs then return make.prelu { channels = p.channel_shared and 1 or step:channels() } end
  return make.prelu { weight = step:blob(1, { p.channel_shared and 1 or false }) }
end

function convert.ELU(step) return make.elu { alpha = step:params("elu_param").alpha or 1 } end

function convert.Sigmoid() return make.sigmoid {} end

function convert.TanH() return make.tanh {} end

function convert.Softmax(step)
  return make.softmax { axis = our_axis(step:params("softmax_param").axis or 1) }
end

-- c1 x1 + c2 x2 + ...: inputs whose coefficient is not 1 are multiplied first.
local function scaled_inputs(step, coefficients)
  if #coefficients ~= 0 and #coefficients ~= #step.inputs then
    error(("has %d coefficients for %d inputs"):format(#coefficients, #step.inputs), 0)
  end
  local values = {}
  for i, value in ipairs(step.inputs) do
    local c = coefficients[i] or 1
    values[i] = c == 1 and value or
      step:add("coeff" .. i, { value, step:constant("coeff" .. i, core.tensor.full(c, 1)) }, make.mul {})
  end
  return values
end

-- A product of more than two takes a node each; the last is the layer's own.
local function product(step)
  local values = step.inputs
  local left = values[1]
  for i = 2, #values - 1 do left = step:add("part" .. i, { left, values[i] }, make.mul {}) end
  step.inputs = { left, values[#values] }
  return make.mul {}
end

function convert.Eltwise(step)
  local p = step:params "eltwise_param"
  if #step.inputs < 2 then error("needs two inputs or more", 0) end
  if p.operation == "PROD" then return product(step) end
  if p.operation == "MAX" then return make.maximum {} end
  step.inputs = scaled_inputs(step, p.coeff or {})
  return make.add {}
end

-- ---- Shapes ------------------------------------------------------------------------------------

function convert.Concat(step)
  local p = step:params "concat_param"
  return make.concat { axis = our_axis(p.axis or p.concat_dim or 1) }
end

function convert.Slice(step)
  local p = step:params "slice_param"
  local c = { axis = our_axis(p.axis or p.slice_dim or 1), parts = #step.outputs }
  if not p.slice_point then return make.split(c) end
  return function(shape_of)
    local sizes, last = {}, 0
    for i, point in ipairs(p.slice_point) do sizes[i], last = point - last, point end
    sizes[#sizes + 1] = shape_of(step.inputs[1])[(p.axis or p.slice_dim or 1) + 1] - last
    return make.split { axis = c.axis, sizes = sizes }
  end
end

-- Axes from axis to end_axis become one.
function convert.Flatten(step)
  local p = step:params "flatten_param"
  local axis, last = p.axis or 1, p.end_axis or -1
  if axis == 1 and last == -1 then return make.flatten {} end
  return function(shape_of)
    local input, out = shape_of(step.inputs[1]), {}
    local from, to = axis % #input + 1, last % #input + 1
    for i = 1, from - 1 do out[i] = input[i] end
    out[from] = -1
    for i = to + 1, #input do out[#out + 1] = input[i] end
    return make.reshape { shape = out }
  end
end

-- Extents [axis, axis + num_axes) are replaced: 0 copies the input's, -1 is what is left over.
local function reshaped(p, input)
  local wanted, out = p.shape or {}, {}
  local axis = p.axis or 0
  local first = axis < 0 and #input + axis + 1 or axis
  local count = (p.num_axes or -1) < 0 and #input - first or p.num_axes
  for i = 1, first do out[i] = input[i] end
  for i, n in ipairs(wanted) do out[#out + 1] = n == 0 and input[first + i] or n end
  for i = first + count + 1, #input do out[#out + 1] = input[i] end
  return out
end

function convert.Reshape(step)
  local p = step:params "reshape_param"
  return function(shape_of)
    return make.reshape { shape = reshaped(p, shape_of(step.inputs[1])) }
  end
end

return convert
