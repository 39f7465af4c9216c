-- What Caffe's parameter messages hold: the fields that change a result, and those that do not
-- ("ignored": fillers, engines). Anything else in such a message is a mistake or another Caffe's
-- extension, and is refused rather than passed over.
local suggest = require "switchback.suggest"

local schema = {}

-- Enumerations, by number from 0.
local pool = { "MAX", "AVE", "STOCHASTIC" }
local rounding = { "CEIL", "FLOOR" }
local region = { "ACROSS_CHANNELS", "WITHIN_CHANNEL" }
local operation = { "PROD", "SUM", "MAX" }

local messages = {
  input_param = { shape = "shapes" },
  convolution_param = {
    num_output = "integer", bias_term = "boolean", group = "integer", axis = "integer",
    kernel_size = "integers", kernel_h = "integer", kernel_w = "integer",
    stride = "integers", stride_h = "integer", stride_w = "integer",
    pad = "integers", pad_h = "integer", pad_w = "integer", dilation = "integers",
    weight_filler = "ignored", bias_filler = "ignored", engine = "ignored", force_nd_im2col = "ignored",
  },
  pooling_param = {
    pool = pool, round_mode = rounding, ceil_mode = "boolean", global_pooling = "boolean",
    kernel_size = "integers", kernel_h = "integer", kernel_w = "integer",
    stride = "integers", stride_h = "integer", stride_w = "integer",
    pad = "integers", pad_h = "integer", pad_w = "integer", engine = "ignored",
  },
  lrn_param = { local_size = "integer", alpha = "number", beta = "number", k = "number",
                norm_region = region, engine = "ignored" },
  inner_product_param = { num_output = "integer", bias_term = "boolean", axis = "integer",
                          transpose = "boolean", weight_filler = "ignored", bias_filler = "ignored" },
  concat_param = { axis = "integer", concat_dim = "integer" },
  slice_param = { axis = "integer", slice_dim = "integer", slice_point = "integers" },
  eltwise_param = { operation = operation, coeff = "numbers", stable_prod_grad = "ignored" },
  batch_norm_param = { eps = "number", use_global_stats = "boolean",
                       moving_average_fraction = "ignored" },
  scale_param = { axis = "integer", num_axes = "integer", bias_term = "boolean",
                  filler = "ignored", bias_filler = "ignored" },
  relu_param = { negative_slope = "number", engine = "ignored" },
  prelu_param = { channel_shared = "boolean", filler = "ignored" },
  elu_param = { alpha = "number" },
  sigmoid_param = { engine = "ignored" },
  tanh_param = { engine = "ignored" },
  dropout_param = { dropout_ratio = "number", scale_train = "boolean" },
  softmax_param = { axis = "integer", engine = "ignored" },
  flatten_param = { axis = "integer", end_axis = "integer" },
  reshape_param = { shape = "shape", axis = "integer", num_axes = "integer" },
  memory_data_param = { channels = "integer", height = "integer", width = "integer",
                        batch_size = "ignored" },
  transform_param = { scale = "number", mean_value = "numbers", crop_size = "integer",
                      force_gray = "boolean", force_color = "ignored", mirror = "ignored",
                      mean_file = "ignored" },
}

local function integer(v) return type(v) == "number" and math.tointeger(v) or nil end

local function number(v) return type(v) == "number" and v or nil end

local function boolean(v)
  if v == 1 or v == "t" then return true end
  if v == 0 or v == "f" then return false end
  if type(v) == "boolean" then return v end
  return nil
end

local function list_of(read)
  return function(values)
    local out = {}
    for i, v in ipairs(values) do
      out[i] = read(v)
      if out[i] == nil then return nil end
    end
    return out
  end
end

local function last_of(read)
  return function(values) return read(values[#values]) end
end

local function extents(message)
  return type(message) == "table" and list_of(integer)(message.dim or {}) or nil
end

local readers = {
  integer = last_of(integer), integers = list_of(integer),
  number = last_of(number), numbers = list_of(number), boolean = last_of(boolean),
  shape = last_of(extents), shapes = list_of(extents), ignored = function() return false end,
}

local function enumeration(names)
  return last_of(function(v)
    if integer(v) then return names[v + 1] end
    for _, name in ipairs(names) do
      if name == v then return name end
    end
  end)
end

local function unknown(message, field)
  local names = {}
  for name in pairs(messages[message]) do names[#names + 1] = name end
  error(("%s has no field '%s'%s"):format(message, field, suggest.hint(field, names)), 0)
end

-- read(layer, message) -> { field = value } of the parameter message of that name (text-format trees,
-- prototxt.lua); {} when the layer has none. Raises for unknown fields and values of a wrong type.
function schema.read(layer, message)
  local given = layer[message] and layer[message][1] or {}
  if type(given) ~= "table" then error(message .. " is not a message", 0) end
  local out = {}
  for field, values in pairs(given) do
    local kind = messages[message][field] or unknown(message, field)
    out[field] = (readers[kind] or enumeration(kind))(values)
    if out[field] == nil then error(("%s has a bad value of '%s'"):format(message, field), 0) end
  end
  return out
end

schema.extents = extents
schema.integers = list_of(integer)
schema.integer = integer

return schema
