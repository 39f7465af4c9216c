-- The same elements in other shapes and orders, as ONNX nodes. ONNX counts dimensions from 0.
local writers = {}

local function zero_based(axis) return axis > 0 and axis - 1 or axis end

local function all_zero_based(list)
  local axes = {}
  for i, axis in ipairs(list) do axes[i] = zero_based(axis) end
  return axes
end

function writers.concat(e, inputs) e:emit("Concat", inputs, { axis = zero_based(e.config.axis) }) end

function writers.split(e, inputs)
  local axis, sizes = e.config.axis, {}
  for i, shape in ipairs(e.output_shapes) do sizes[i] = shape[axis > 0 and axis or axis + #shape + 1] end
  e:emit("Split", { inputs[1], e:tensor(sizes, "sizes") }, { axis = zero_based(axis) })
end

function writers.flatten(e, inputs) e:emit("Flatten", inputs, { axis = zero_based(e.config.axis) }) end

function writers.reshape(e, inputs)
  for _, extent in ipairs(e.config.allow_zero and e.config.shape or {}) do
    if extent == 0 then e:refuse "has an extent of 0, which operator set 13 cannot say" end
  end
  e:emit("Reshape", { inputs[1], e:tensor(e.config.shape, "shape") })
end

function writers.expand(e, inputs) e:emit("Expand", { inputs[1], e:tensor(e.config.shape, "shape") }) end

function writers.squeeze(e, inputs)
  if #e.config.axes == 0 then return e:emit("Squeeze", inputs) end
  e:emit("Squeeze", { inputs[1], e:tensor(all_zero_based(e.config.axes), "axes") })
end

function writers.unsqueeze(e, inputs)
  e:emit("Unsqueeze", { inputs[1], e:tensor(all_zero_based(e.config.axes), "axes") })
end

-- No order: reversed, as in ONNX.
function writers.permute(e, inputs)
  local order = all_zero_based(e.config.order)
  for i, axis in ipairs(order) do order[i] = axis < 0 and axis + #e.shapes[1] or axis end
  e:emit("Transpose", inputs, #order > 0 and { perm = order } or {})
end

function writers.slice(e, inputs)
  local c = e.config
  local cut = { inputs[1], e:tensor(c.starts, "starts"), e:tensor(c.ends, "ends") }
  if #c.axes > 0 or #c.steps > 0 then
    local axes = all_zero_based(c.axes)
    for i = #axes + 1, #c.starts do axes[i] = i - 1 end
    cut[4] = e:tensor(axes, "axes")
  end
  if #c.steps > 0 then cut[5] = e:tensor(c.steps, "steps") end
  e:emit("Slice", cut)
end

return writers
