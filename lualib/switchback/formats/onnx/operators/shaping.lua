-- The same elements in other shapes and orders.
local array = require "switchback.formats.onnx.array"
local axes = require "switchback.formats.onnx.axes"

local operators = {}

function operators.Constant(node)
  local a = node.attributes
  local value = a.value
    or (a.value_int and { dtype = "int64", shape = {}, a.value_int })
    or (a.value_ints and array.from_list(a.value_ints))
    or (a.value_float and array.to_tensor { shape = {}, a.value_float })
    or (a.value_floats and array.to_tensor { shape = { #a.value_floats }, table.unpack(a.value_floats) })
  if not value then node:refuse("has no value that can be read") end
  node:define(node.outputs[1], value)
end

-- The shape is an attribute up to opset 4.
function operators.Reshape(node)
  local allow_zero = node:attribute("allowzero", 0) ~= 0
  node:emit("reshape", function(run)
    return { shape = node:list("shape", 2, run), allow_zero = allow_zero }
  end)
end

-- axis 0 puts everything into one row.
function operators.Flatten(node)
  node:emit("flatten", { axis = axes.dim(node:attribute("axis", 1)) })
end

function operators.Transpose(node)
  node:emit("permute", { order = axes.dims(node:attribute("perm", {})) })
end

-- Axes are an attribute up to opset 12 and an input from then on; none: all of extent 1.
function operators.Squeeze(node)
  node:emit("squeeze", function(run) return { axes = axes.dims(node:list("axes", 2, run) or {}) } end)
end

function operators.Unsqueeze(node)
  node:emit("unsqueeze", function(run)
    return { axes = axes.dims(node:list("axes", 2, run) or node:refuse("has no axes")) }
  end)
end

-- x stretched to a shape that it broadcasts to, or that broadcasts to it.
function operators.Expand(node)
  node:emit("expand", function(run) return { shape = node:array(2, run) } end)
end

-- ---- Blocks of channels and blocks of pixels ----------------------------------------------------

-- Reshapes to what `split` makes of N, C, H, W, transposes, and reshapes to what `join` makes.
local function rearrange(node, split, order, join)
  local function shaped(f)
    return function(run)
      local s = node:shape(1, run)
      return { shape = f(s[1], s[2], s[3], s[4]) }
    end
  end
  local y = node:emit("reshape", shaped(split), { outputs = { node:between "split" } })
  y = node:emit("permute", { order = order }, { inputs = { y }, outputs = { node:between "moved" } })
  node:emit("reshape", shaped(join), { inputs = { y } })
end

function operators.DepthToSpace(node)
  local b, mode = node:attribute "blocksize", node:attribute("mode", "DCR")
  local order = mode == "CRD" and { 1, 2, 5, 3, 6, 4 } or { 1, 4, 5, 2, 6, 3 }
  rearrange(node, function(n, c, h, w)
    if mode == "CRD" then return { n, c // (b * b), b, b, h, w } end
    return { n, b, b, c // (b * b), h, w }
  end, order, function(n, c, h, w) return { n, c // (b * b), h * b, w * b } end)
end

function operators.SpaceToDepth(node)
  local b = node:attribute "blocksize"
  rearrange(node, function(n, c, h, w) return { n, c, h // b, b, w // b, b } end, { 1, 4, 6, 2, 3, 5 },
    function(n, c, h, w) return { n, c * b * b, h // b, w // b } end)
end

return operators
