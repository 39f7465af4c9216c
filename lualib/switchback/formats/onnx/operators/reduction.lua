-- Reductions along axes.
local axes = require "switchback.formats.onnx.axes"

local operators = {}

-- The parameters of a reduce layer, as a function of the run. Axes are an attribute in old operator
-- sets and an input from 13 (ReduceSum) or 18 on; none means all of them.
local function parameters(node, keepdims)
  return function(run)
    return { axes = axes.dims(node:list("axes", 2, run) or {}), keepdims = keepdims }
  end
end

-- Whether an empty list of axes asks for nothing to be done.
local function does_nothing(node)
  if node:attribute("noop_with_empty_axes", 0) == 0 then return false end
  local listed = node:has(2) and (not node:is_constant(2) or #node:array(2) > 0)
  return not listed and #node:attribute("axes", {}) == 0
end

local function keepdims_of(node)
  return node:attribute("keepdims", 1) ~= 0
end

local kinds = {
  ReduceSum = "reduce_sum", ReduceMean = "reduce_mean", ReduceMax = "reduce_max", ReduceMin = "reduce_min",
  ReduceL1 = "reduce_l1", ReduceL2 = "reduce_l2",
  ReduceSumSquare = "reduce_sum_square",
}

for name, kind in pairs(kinds) do
  operators[name] = function(node)
    if does_nothing(node) then return node:emit "identity" end
    node:emit(kind, parameters(node, keepdims_of(node)))
  end
end

function operators.ReduceLogSum(node)
  local config = parameters(node, keepdims_of(node))
  local sum = node:emit("reduce_sum", config, { outputs = { node:between "sum" } })
  node:emit("log", {}, { inputs = { sum } })
end

-- log sum exp x = m + log sum exp (x - m) with m = max x, so that nothing overflows.
function operators.ReduceLogSumExp(node)
  local function step(kind, config, inputs, output)
    return node:emit(kind, config, { inputs = inputs, outputs = { output or node:between(kind) } })
  end
  local x, keepdims = node.inputs[1], keepdims_of(node)
  local most = step("reduce_max", parameters(node, true), { x }, node:between "largest")
  local rest = step("exp", {}, { step("sub", {}, { x, most }) })
  local log = step("log", {}, { step("reduce_sum", parameters(node, keepdims), { rest }) })
  local shift = keepdims and most or step("reduce_max", parameters(node, false), { x })
  step("add", {}, { log, shift }, node.outputs[1])
end

return operators
