-- The windows of convolution and pooling nodes: kernel, strides, dilations and padding along the
-- spatial axes, as the parameters of 2-D layers. Windows over one axis (rows of samples) become
-- windows of height 1; `window.emit` adds and removes the axis around the layer.
local window = {}

local function spread(list, rank, fill)
  if rank == 2 then return list end
  return { fill, list[1] }
end

local function check_length(node, name, list, n)
  if #list ~= n then node:refuse("attribute '%s' has %d entries for %d spatial axes", name, #list, n) end
  return list
end

local function list_attribute(node, name, rank, fill)
  local list = node:attribute(name) or (rank == 2 and { fill, fill } or { fill })
  return spread(check_length(node, name, list, rank), rank, 1)
end

--- The window of a node whose kernel has the extents `kernel`: { rank = 1 or 2, kernel = {h, w},
-- stride =, dilation = }. Refuses 3-D windows.
function window.read(node, kernel)
  local rank = #kernel
  if rank < 1 or rank > 2 then node:refuse("has a %d-D window", rank) end
  return {
    rank = rank, kernel = spread(kernel, rank, 1),
    stride = list_attribute(node, "strides", rank, 1),
    dilation = list_attribute(node, "dilations", rank, 1),
  }
end

--- {top, left, bottom, right} of explicit padding.
function window.explicit_pads(node, w)
  local pads = node:attribute "pads" or (w.rank == 2 and { 0, 0, 0, 0 } or { 0, 0 })
  check_length(node, "pads", pads, 2 * w.rank)
  if w.rank == 1 then return { 0, pads[1], 0, pads[2] } end
  return pads
end

--- How far the window reaches along an axis (1 or 2).
function window.extent(w, axis)
  return (w.kernel[axis] - 1) * w.dilation[axis] + 1
end

--- {top, left, bottom, right} that split `total[axis]`; an odd one goes to the end (upper) or the start.
function window.split_pads(total, upper)
  local pads = {}
  for axis = 1, 2 do
    local less = math.max(total[axis], 0) // 2
    local more = math.max(total[axis], 0) - less
    pads[axis], pads[axis + 2] = upper and less or more, upper and more or less
  end
  return pads
end

-- Padding that makes the output ceil(extent / stride) long.
local function same_pads(w, shape, upper)
  local total = {}
  for axis = 1, 2 do
    local stride, extent = w.stride[axis], shape and shape[#shape - 2 + axis]
    local output = extent and -(-extent // stride)
    -- At stride 1 the extent cancels out; the added axis of a 1-D window is not padded.
    total[axis] = stride == 1 and window.extent(w, axis) - 1
      or (output - 1) * stride + window.extent(w, axis) - extent
  end
  return window.split_pads(total, upper)
end

local function needs_shape(w)
  return w.stride[1] > 1 or w.stride[2] > 1
end

--- f(run) --> {top, left, bottom, right} for the node's pads or auto_pad.
function window.pads(node, w)
  local mode = node:attribute("auto_pad", "NOTSET")
  if mode == "NOTSET" then
    local pads = window.explicit_pads(node, w)
    return function() return pads end
  end
  if mode == "VALID" then return function() return { 0, 0, 0, 0 } end end
  if mode ~= "SAME_UPPER" and mode ~= "SAME_LOWER" then node:refuse("has auto_pad '%s'", mode) end
  return function(run)
    return same_pads(w, needs_shape(w) and node:shape(1, run), mode == "SAME_UPPER")
  end
end

--- Emits a 2-D layer for the node: for 1-D windows between an unsqueeze and a squeeze.
function window.emit(node, w, kind, config)
  if w.rank == 2 then return node:emit(kind, config) end
  local flat = node:emit("unsqueeze", { axes = { 3 } }, { outputs = { node:between "unsqueezed" } })
  local result = node:emit(kind, config, { inputs = { flat }, outputs = { node:between(kind) } })
  return node:emit("squeeze", { axes = { 3 } }, { inputs = { result } })
end

return window
