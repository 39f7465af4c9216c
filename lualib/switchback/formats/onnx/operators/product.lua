-- Matrix products. Constant matrices become the weights of linear layers.
local tensors = require("switchback.core").tensor

local operators = {}

-- The bias (n) of a linear layer that C amounts to, or nil if C is no constant or has several rows.
local function bias_of(node, n)
  if not node:is_constant(3) then return nil end
  local c = node:tensor(3)
  local shape = c:size()
  if #shape == 2 and shape[1] ~= 1 then return nil end
  return tensors.zeros(n) + c:reshape(-1)
end

-- beta * C as an input of an add layer.
local function scaled_term(node, beta)
  if beta == 1 then return node.inputs[3] end
  return node:emit("mul", {}, { inputs = { node.inputs[3], node:number("beta", beta) },
                                outputs = { node:between "scaled" } })
end

-- alpha B, with B constant and transposed or not, as weight (out, in) of a linear layer.
local function weight_of(node, transposed, alpha)
  local weight = node:tensor(2)
  if transposed and alpha == 1 then return weight end
  node:spend(weight:count())
  if not transposed then weight = weight:transpose(1, 2) end
  return alpha == 1 and weight or weight * alpha
end

local function transposed_input(node, i)
  return node:emit("permute", { order = { 2, 1 } },
    { inputs = { node.inputs[i] }, outputs = { node:between("transposed_" .. i) } })
end

-- alpha A' B [+ beta C] with a constant B; the second answer is whether C is still to be added.
local function constant_product(node, a, alpha, beta)
  local weight = weight_of(node, node:attribute("transB", 0) ~= 0, alpha)
  local bias = node:has(3) and bias_of(node, weight:size(1))
  local rest = node:has(3) and not bias
  local config = { weight = weight, bias = bias and bias * beta or false }
  local y = node:emit("linear", config,
    { inputs = { a }, outputs = { rest and node:between "product" or node.outputs[1] } })
  return y, rest
end

-- alpha A' B' with both computed by the network.
local function general_product(node, a, alpha)
  local b = node:attribute("transB", 0) ~= 0 and transposed_input(node, 2) or node.inputs[2]
  local rest = node:has(3)
  local y = node:emit("matmul", {},
    { inputs = { a, b }, outputs = { (rest or alpha ~= 1) and node:between "product" or node.outputs[1] } })
  if alpha == 1 then return y, rest end
  return node:emit("mul", {}, { inputs = { y, node:number("alpha", alpha) },
                                outputs = { rest and node:between "weighted" or node.outputs[1] } }), rest
end

-- y = alpha A' B' + beta C, where ' transposes if transA or transB say so.
function operators.Gemm(node)
  local alpha, beta = node:attribute("alpha", 1.0), node:attribute("beta", 1.0)
  local a = node:attribute("transA", 0) ~= 0 and transposed_input(node, 1) or node.inputs[1]
  local product = node:is_constant(2) and constant_product or general_product
  local y, rest = product(node, a, alpha, beta)
  if rest then node:emit("add", {}, { inputs = { y, scaled_term(node, beta) } }) end
end

function operators.MatMul(node)
  if node:is_constant(2) and #node:tensor(2):size() == 2 then
    node:emit("linear", { weight = weight_of(node, false, 1), bias = false })
  else
    node:emit("matmul", {}, { inputs = { node.inputs[1], node.inputs[2] } })
  end
end

return operators
