local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"
local onnx = require "switchback.formats.onnx"
local small = require "onnx_net"
local writer = require "onnx_writer"

local T = {}

-- ---- Operators in their older forms -------------------------------------------------------------

local function image() -- (1,2,2,3): 1..12
  return sb.arange(1, 12):reshape(1, 2, 2, 3)
end

function T.test_attributes_that_became_inputs()
  local x = image()
  h.close(small.result({ "Clip", min = 3.0, max = 5.0 }, x, 6), x:clamp(3, 5))
  lu.assertEquals(small.result({ "Unsqueeze", axes = { 0, 5 } }, x, 11):size(), { 1, 1, 2, 2, 3, 1 })
  lu.assertEquals(small.result({ "Squeeze", axes = { 0 } }, x, 11):size(), { 2, 2, 3 })
  lu.assertEquals(small.result({ "ReduceSum", axes = { 1 }, keepdims = 0 }, x, 11):totable(),
    { { { 8, 10, 12 }, { 14, 16, 18 } } })
  lu.assertEquals(small.result({ "Slice", starts = { 1 }, ends = { 3 }, axes = { 3 } }, x, 9):totable(),
    { { { { 2, 3 }, { 5, 6 } }, { { 8, 9 }, { 11, 12 } } } })
  local plane = x:narrow(2, 1, 1)
  lu.assertEquals(small.result({ "Pad", pads = { 0, 0, 0, 1, 0, 0, 0, 0 }, value = 7.0 }, plane, 2):totable(),
    { { { { 7, 1, 2, 3 }, { 7, 4, 5, 6 } } } })
  lu.assertEquals(small.result({ "Upsample", scales = { 1.0, 1.0, 1.0, 2.0 } }, plane, 7):totable(),
    { { { { 1, 1, 2, 2, 3, 3 }, { 4, 4, 5, 5, 6, 6 } } } })
end

function T.test_pad_of_a_vector()
  local pads = writer.integers("pads", { 2 }, { 1, 2 })
  local y = small.result({ "Pad", inputs = { "x", "pads" }, mode = "edge" }, sb.arange(1, 3), 13, { pads })
  lu.assertEquals(y:totable(), { 1, 1, 2, 3, 3, 3 })
end

function T.test_split_by_attribute_and_by_input()
  local node = { "Split", outputs = { "y", "rest" }, axis = 3, split = { 1, 2 } }
  local model = small.single(node, { 1, 2, 2, 3 }, 11)
  local pass = small.of(model):forward(image())
  lu.assertEquals(pass.rest:totable(), { { { { 2, 3 }, { 5, 6 } }, { { 8, 9 }, { 11, 12 } } } })
  node = { "Split", inputs = { "x", "sizes" }, outputs = { "y", "" }, axis = 3 }
  model = small.single(node, { 1, 2, 2, 3 }, 13, { writer.integers("sizes", { 2 }, { 1, 2 }) })
  lu.assertEquals(small.of(model):forward(image()).y:totable(), { { { { 1 }, { 4 } }, { { 7 }, { 10 } } } })
end

function T.test_old_broadcasting_along_an_axis()
  local b = writer.floats("b", { 2 }, { 10, 100 })
  local y = small.result({ "Add", inputs = { "x", "b" }, broadcast = 1, axis = 1 }, image(), 6, { b })
  lu.assertEquals(y:totable(),
    { { { { 11, 12, 13 }, { 14, 15, 16 } }, { { 107, 108, 109 }, { 110, 111, 112 } } } })
end

-- exp(i) / sum exp over all that follows the axis, up to opset 12; over the axis alone from 13 on.
function T.test_softmax_of_both_ages()
  local x = image()
  local e = (x - 12):exp()
  h.close(small.result({ "Softmax", axis = 1 }, x, 11), e / e:sum(), 1e-6)
  h.close(small.result({ "Softmax", axis = 1 }, x, 13), e / e:sum(2, true), 1e-6)
  local flat = x:reshape(2, 6)
  local loaded = onnx.load(small.saved(small.single({ "Softmax" }, { 0, 6 }, 7)))
  lu.assertEquals(loaded.nodes[1].layer.kind, "softmax")
  h.close(small.result({ "Softmax" }, flat, 7):sum(2), sb.ones(2), 1e-6)
end

function T.test_dropout_and_batch_normalisation_in_training_are_refused()
  local one, half = writer.floats("one", { 2 }, { 1, 1 }), writer.floats("half", {}, { 0.5 })
  local yes = writer.tensor { name = "yes", dtype = "bool", raw = "\1" }
  lu.assertEquals(small.result({ "Dropout", ratio = 0.9 }, image(), 7), image())
  lu.assertEquals(small.result({ "Dropout", inputs = { "x", "half" } }, image(), 13, { half }), image())
  local training = { "Dropout", inputs = { "x", "half", "yes" } }
  h.error_has(small.result, "is in training mode", training, image(), 13, { half, yes })
  local norm = { "BatchNormalization", inputs = { "x", "one", "one", "one", "one" }, is_test = 0 }
  h.error_has(small.result, "is in training mode", norm, image(), 6, { one })
  norm.is_test = nil
  h.close(small.result(norm, image(), 9, { one }), (image() - 1) / math.sqrt(1 + 1e-5) + 1, 1e-6)
end

-- ---- Windows ------------------------------------------------------------------------------------

-- A row 1..6 and a kernel of ones: the sums show which positions each window covers.
local function row_sums(node)
  local kernel = writer.floats("w", { 1, 1, 1, 3 }, { 1, 1, 1 })
  node[1], node.inputs = "Conv", { "x", "w" }
  local y = small.result(node, sb.arange(1, 6):reshape(1, 1, 1, 6), 11, { kernel })
  return y:reshape(-1):totable()
end

function T.test_automatic_padding()
  lu.assertEquals(row_sums { auto_pad = "VALID" }, { 6, 9, 12, 15 })
  lu.assertEquals(row_sums { auto_pad = "SAME_UPPER" }, { 3, 6, 9, 12, 15, 11 })
  lu.assertEquals(row_sums { auto_pad = "SAME_UPPER", strides = { 1, 2 } }, { 6, 12, 11 })
  lu.assertEquals(row_sums { auto_pad = "SAME_LOWER", strides = { 1, 2 } }, { 3, 9, 15 })
  h.error_has(row_sums, "has auto_pad 'SAME'", { auto_pad = "SAME" })
end

function T.test_transposed_convolution_with_an_output_shape()
  local kernel = writer.floats("w", { 1, 1, 1, 3 }, { 1, 1, 1 })
  local node = { "ConvTranspose", inputs = { "x", "w" }, strides = { 1, 2 }, output_shape = { 1, 6 } }
  -- the full output of 1, 2, 3 at stride 2 is 1 1 3 2 5 3 3; one of seven is cut, at the start
  local y = small.result(node, sb.arange(1, 3):reshape(1, 1, 1, 3), 11, { kernel })
  lu.assertEquals(y:reshape(-1):totable(), { 1, 3, 2, 5, 3, 3 })
end

function T.test_one_dimensional_windows_and_three_dimensional_ones()
  local pool = { "MaxPool", kernel_shape = { 2 }, strides = { 2 } }
  lu.assertEquals(small.result(pool, sb.arange(1, 6):reshape(1, 1, 6), 11):totable(), { { { 2, 4, 6 } } })
  local cube = { "MaxPool", kernel_shape = { 2, 2, 2 } }
  h.error_has(small.result, "has a 3-D window", cube, sb.ones(1, 1, 2, 2, 2), 11)
  local node = { "MaxPool", outputs = { "y", "i" }, kernel_shape = { 2, 2 } }
  local indices = small.single(node, { 1, 1, 4, 4 }, 11)
  indices.nodes[2] = { "Identity", inputs = { "i" }, outputs = { "z" } }
  h.error_has(onnx.load, "has its output Indices read", small.saved(indices))
end

-- ---- Matrices -----------------------------------------------------------------------------------

function T.test_gemm_folds_what_is_constant()
  local x = sb.tensor { { 1, 2 }, { 3, 4 } }
  local b, c = writer.floats("b", { 2, 2 }, { 1, 0, 1, 1 }), writer.floats("c", { 2 }, { 10, 20 })
  local node = { "Gemm", inputs = { "x", "b", "c" }, alpha = 2.0, beta = 0.5 }
  -- x b = {{3, 2}, {7, 4}}
  lu.assertEquals(small.result(node, x, 13, { b, c }):totable(), { { 11, 14 }, { 19, 18 } })
  node.transA = 1 -- x' b = {{4, 3}, {6, 4}}
  lu.assertEquals(small.result(node, x, 13, { b, c }):totable(), { { 13, 16 }, { 17, 18 } })
  local rows = writer.floats("c", { 2, 1 }, { 10, 20 })
  lu.assertEquals(small.result(node, x, 13, { b, rows }):totable(), { { 13, 11 }, { 22, 18 } })
  local square = { "Gemm", inputs = { "x", "x" }, transB = 1 }
  lu.assertEquals(small.result(square, x, 13):totable(), { { 5, 11 }, { 11, 25 } })
end

function T.test_constant_subgraphs_are_folded()
  local net = small.of {
    inputs = { { "x", "float32", { 1, 2 } } }, outputs = { { "y", "float32" } },
    initializers = { writer.floats("w", { 2, 2 }, { 1, 2, 3, 4 }) },
    nodes = { { "Transpose", inputs = { "w" }, outputs = { "wt" } },
              { "Constant", inputs = {}, outputs = { "two" }, value_float = 2.0 },
              { "Mul", inputs = { "wt", "two" }, outputs = { "w2" } },
              { "MatMul", inputs = { "x", "w2" }, outputs = { "y" } } },
  }
  lu.assertEquals(net:names(), { "y" })
  lu.assertEquals(net:forward(sb.ones(1, 2)).y:totable(), { { 6, 14 } })
end

function T.test_gather_of_activations()
  local x = image()
  local function rows(list, shape)
    local indices = writer.integers("i", shape or { #list }, list)
    return small.result({ "Gather", inputs = { "x", "i" }, axis = 3 }, x, 13, { indices })
  end
  lu.assertEquals(rows({ 0, 2 }):totable(), { { { { 1, 3 }, { 4, 6 } }, { { 7, 9 }, { 10, 12 } } } })
  lu.assertEquals(rows({ 2, 1, 0 }):totable()[1][1], { { 3, 2, 1 }, { 6, 5, 4 } })
  lu.assertEquals(rows({ -1, -3, -1 }):totable()[1][1], { { 3, 1, 3 }, { 6, 4, 6 } })
  lu.assertEquals(rows({ -3, -2, -1 }):totable()[1][1], { { 1, 2, 3 }, { 4, 5, 6 } })
  lu.assertEquals(rows({ -1 }, {}):totable(), { { { 3, 6 }, { 9, 12 } } })
  lu.assertEquals(rows({ 0, 1, 1, 2 }, { 2, 2 }):size(), { 1, 2, 2, 2, 2 })
end

return T
