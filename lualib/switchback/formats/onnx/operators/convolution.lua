-- Convolutions.
local merged = require "switchback.merged"
local window = require "switchback.formats.onnx.window"

local operators = {}

-- Weights (a, b, k) of a 1-D convolution as (a, b, 1, k).
local function weight_of(node)
  local weight = node:tensor(2)
  local shape = weight:size()
  if #shape == 3 then weight = weight:reshape(shape[1], shape[2], 1, shape[3]) end
  return weight, { table.unpack(shape, 3) }
end

local function bias_of(node)
  return node:has(3) and node:tensor(3) or false
end

local function parameters(node, w, weight)
  return {
    weight = weight, bias = bias_of(node), stride = w.stride, dilation = w.dilation,
    groups = node:attribute("group", 1),
  }
end

function operators.Conv(node)
  local weight, kernel = weight_of(node)
  local w = window.read(node, kernel)
  local config, pads = parameters(node, w, weight), window.pads(node, w)
  window.emit(node, w, "conv2d", function(run) return merged(config, { pad = pads(run) }) end)
end

-- The spatial extents that output_shape or auto_pad = SAME ask for.
local function wanted_extents(node, w, run)
  local wanted = node:attribute "output_shape"
  if wanted then return { table.unpack(wanted, #wanted - w.rank + 1) } end
  local shape, extents = node:shape(1, run), {}
  for i = 1, w.rank do extents[i] = shape[i + 2] * w.stride[i + 2 - w.rank] end
  return extents
end

-- The padding and output_padding that make the output fit the wanted extents: total padding =
-- stride * (input - 1) + output_padding + extent - wanted; below 0, rows are added at the end.
local function fitting_pads(node, w, output_pad, run)
  local shape, wanted, total, added = node:shape(1, run), wanted_extents(node, w, run), { 0, 0 }, {}
  for i = 1, w.rank do
    local axis = i + 2 - w.rank
    total[axis] = w.stride[axis] * (shape[i + 2] - 1) + output_pad[axis] + window.extent(w, axis) - wanted[i]
  end
  for axis = 1, 2 do added[axis] = output_pad[axis] + math.max(0, -total[axis]) end
  return window.split_pads(total, node:attribute("auto_pad", "NOTSET") == "SAME_UPPER"), added
end

local function output_padding(node, w)
  local list = node:attribute("output_padding") or { 0, 0 }
  return w.rank == 2 and list or { 0, list[1] }
end

function operators.ConvTranspose(node)
  local weight, kernel = weight_of(node)
  local w = window.read(node, kernel)
  local config, pads = parameters(node, w, weight), window.pads(node, w)
  local mode, output_pad = node:attribute("auto_pad", "NOTSET"), output_padding(node, w)
  local fits = node:attribute "output_shape" or mode == "SAME_UPPER" or mode == "SAME_LOWER"
  window.emit(node, w, "conv2d_transpose", function(run)
    if not fits then return merged(config, { pad = pads(run), output_pad = output_pad }) end
    local fitting, added = fitting_pads(node, w, output_pad, run)
    return merged(config, { pad = fitting, output_pad = added })
  end)
end

return operators
