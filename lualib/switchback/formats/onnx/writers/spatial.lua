-- Windows, borders and sizes, as ONNX nodes.
local writers = {}

-- The attributes of a window of {h, w}.
local function window(config)
  return { kernel_shape = config.kernel, strides = config.stride, pads = config.pad,
           dilations = config.dilation }
end

-- A stride of 0 stands for the kernel's extent.
local function pooling(config)
  local attributes = window(config)
  attributes.strides = {}
  for i = 1, 2 do
    attributes.strides[i] = config.stride[i] > 0 and config.stride[i] or config.kernel[i]
  end
  attributes.ceil_mode = config.ceil_mode and 1 or 0
  return attributes
end

local function convolution(e, op, inputs, attributes)
  attributes.group = e.config.groups
  e:emit(op, { inputs[1], e:weight "weight", e:weight "bias" }, attributes)
end

function writers.conv2d(e, inputs) convolution(e, "Conv", inputs, window(e.config)) end

function writers.conv2d_transpose(e, inputs)
  local attributes = window(e.config)
  attributes.output_padding = e.config.output_pad
  convolution(e, "ConvTranspose", inputs, attributes)
end

function writers.maxpool(e, inputs) e:emit("MaxPool", inputs, pooling(e.config)) end

function writers.avgpool(e, inputs)
  local attributes = pooling(e.config)
  if e.config.dilation[1] ~= 1 or e.config.dilation[2] ~= 1 then
    e:refuse "has a dilation, which ONNX's averages lack"
  end
  attributes.dilations = nil
  attributes.count_include_pad = e.config.count_include_pad and 1 or 0
  e:emit("AveragePool", inputs, attributes)
end

function writers.global_avgpool(e, inputs) e:emit("GlobalAveragePool", inputs) end
function writers.global_maxpool(e, inputs) e:emit("GlobalMaxPool", inputs) end

-- A list of n numbers before those that the layer has for the last dimensions.
local function led(fill, rank, list)
  local all = {}
  for i = 1, rank - #list do all[i] = fill end
  return table.move(list, 1, #list, #all + 1, all)
end

-- {before..., after...} for all dimensions, from p, {h, w} ({before, after} of a row of numbers) or such a
-- list for the last ones.
local function all_pads(pads, rank)
  if #pads == 1 then pads = { pads[1], pads[1] } end
  if #pads == 2 and rank > 1 then pads = { pads[1], pads[2], pads[1], pads[2] } end
  local k = #pads // 2
  local before = led(0, rank, { table.unpack(pads, 1, k) })
  local after = led(0, rank, { table.unpack(pads, k + 1) })
  return table.move(after, 1, rank, rank + 1, before)
end

function writers.pad(e, inputs)
  local mode = e.config.mode
  if mode == "wrap" then e:refuse "wraps around, which ONNX learned in operator set 19" end
  local padded = { inputs[1], e:tensor(all_pads(e.config.pads, #e.shapes[1]), "pads") }
  if mode == "constant" then padded[3] = e:number(e.config.value, "value") end
  e:emit("Pad", padded, { mode = mode })
end

-- ---- Resize ------------------------------------------------------------------------------------------

-- The layer's one value is for height and width.
local function last_dimensions(list) return #list == 1 and { list[1], list[1] } or list end

local function floats(e, list, what) return e:tensor(require("switchback.core").tensor.tensor(list), what) end

-- The extents of x's first dimensions as they are when the network runs, and the layer's for the others.
local function sizes(e, x, wanted)
  local last, rank = last_dimensions(wanted), #e.shapes[1]
  if #last == rank then return e:tensor(last, "sizes") end
  local shape = e:step("shape", "Shape", { x })
  local range = { shape, e:tensor({ 0 }, "start"), e:tensor({ rank - #last }, "stop") }
  local first = e:step("first", "Slice", range)
  return e:step("all_sizes", "Concat", { first, e:tensor(last, "sizes") }, { axis = 0 })
end

-- {start..., end...} for all dimensions.
local function region(e, rank)
  local roi = e.config.roi
  if #roi == 0 then return "" end
  local k = #roi // 2
  local starts, ends = led(0, rank, { table.unpack(roi, 1, k) }), led(1, rank, { table.unpack(roi, k + 1) })
  return floats(e, table.move(ends, 1, rank, rank + 1, starts), "roi")
end

function writers.resize(e, inputs)
  local c, rank = e.config, #e.shapes[1]
  local resized = { inputs[1], region(e, rank) }
  if #c.scales > 0 then
    resized[3] = floats(e, led(1, rank, last_dimensions(c.scales)), "scales")
  else
    resized[3], resized[4] = "", sizes(e, inputs[1], c.sizes)
  end
  local attributes = { mode = c.mode, coordinate_transformation_mode = c.coordinate_transformation_mode }
  if c.mode == "nearest" then attributes.nearest_mode = c.nearest_mode end
  if c.mode == "cubic" then attributes.cubic_coeff_a = c.cubic_coeff_a + 0.0 end
  if c.mode ~= "nearest" then attributes.exclude_outside = c.exclude_outside and 1 or 0 end
  if c.coordinate_transformation_mode == "tf_crop_and_resize" then
    attributes.extrapolation_value = c.extrapolation_value + 0.0
  end
  e:emit("Resize", resized, attributes)
end

return writers
