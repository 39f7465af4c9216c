-- Networks of small ONNX files that tests write (onnx_writer.lua).
local h = require "helper"
local sb = require "switchback"
local onnx = require "switchback.formats.onnx"
local writer = require "onnx_writer"

local net = {}

--- Writes a model and answers the path.
function net.saved(model)
  return writer.save(writer.model(model), h.temporary "model.onnx")
end

--- The network of a model.
function net.of(model, options)
  return sb.net(onnx.load(net.saved(model), options))
end

--- A model of one node from x (float32 of those extents) to y; initializers are its other inputs.
function net.single(node, dims, opset, initializers)
  node.inputs, node.outputs = node.inputs or { "x" }, node.outputs or { "y" }
  return { opset = opset, inputs = { { "x", "float32", dims } }, outputs = { { "y", "float32" } },
           initializers = initializers, nodes = { node } }
end

--- What a node makes of the tensor x.
function net.result(node, x, opset, initializers)
  return net.of(net.single(node, x:size(), opset, initializers)):forward(x).y
end

return net
