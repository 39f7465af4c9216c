-- The part of an ONNX graph that computes about constants and shapes is evaluated here, on the
-- host, with the functions of fold.lua: at import where everything is constant, or else at each run.
local array = require "switchback.formats.onnx.array"
local fold = require "switchback.formats.onnx.fold"
local Node = require "switchback.formats.onnx.node"
local operators = require "switchback.formats.onnx.operators"

local host = {}

-- Operators whose inputs after the first are parameters: a layer works on a float constant in front
-- even when the parameters are computed from shapes.
local TAKES_PARAMETERS <const> = {
  Expand = true, Gather = true, Pad = true, Reshape = true, Resize = true, Slice = true, Split = true,
  Squeeze = true, Tile = true, Unsqueeze = true, Upsample = true,
}

-- They may be asked about activations, since the shape is all that they look at.
local ASKS_SHAPE <const> = { Shape = true, Size = true }

--- The array that a constant or shape value stands for during a run.
function host.evaluate(value, run)
  if value.kind == "shape" then return value.eval(run) end
  if type(value.data) == "table" then return array.readable(value.data) end
  return array.from_tensor(value.data)
end

local function is_integer(value)
  return value.kind == "shape" or (value.kind == "constant" and type(value.data) == "table")
end

local function has_kind(node, kind)
  for i in ipairs(node.inputs) do
    if node:has(i) and node:value(i).kind == kind then return true end
  end
  return false
end

-- Casts to integers have no layer.
local function makes_integers(node)
  return node.op == "Cast" and array.is_integer(array.dtype(node.attributes.to))
end

--- Whether the node is evaluated here: this is possible, and there is no layer that does it or it
-- computes with integers.
function host.takes(node)
  if not fold[node.op] then return false end
  if ASKS_SHAPE[node.op] then return true end
  if has_kind(node, "runtime") then return false end
  if not operators[node.op] or makes_integers(node) then return true end
  if not node:has(1) or is_integer(node:value(1)) then return true end
  return has_kind(node, "shape") and not TAKES_PARAMETERS[node.op]
end

local function evaluate_inputs(node, run)
  local inputs = {}
  for i in ipairs(node.inputs) do
    if node:has(i) then
      local value = node:value(i)
      inputs[i] = ASKS_SHAPE[node.op] and { shape = node:shape(i, run) } or host.evaluate(value, run)
    end
  end
  return inputs
end

-- All outputs of the node, computed once a run.
local function evaluate_node(node, run)
  if not run.memo[node] then
    run.memo[node] = { fold[node.op](evaluate_inputs(node, run), node.attributes, #node.outputs) }
  end
  return run.memo[node]
end

-- Float results become tensors again, since layers may read them.
local function constant(result)
  if not array.is_integer(result.dtype) then result = array.to_tensor(result) end
  return { kind = "constant", data = result }
end

--- Gives the node's outputs their values: constants, or functions of a run.
function host.run(node)
  local static = not has_kind(node, "runtime") and not has_kind(node, "shape")
  local results = static and evaluate_node(node, Node.before_run())
  for i, name in ipairs(node.outputs) do
    if static then node:spend(#results[i]) end
    local function eval(run) return evaluate_node(node, run)[i] end
    node.graph.values[name] = static and constant(results[i]) or { kind = "shape", eval = eval }
  end
end

return host
