local fail_alloc = require "fail_alloc"
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"
local core = require "switchback.core"
local onnx = require "switchback.formats.onnx"
local small = require "onnx_net"
local writer = require "onnx_writer"

local T = {}

-- ---- Models -------------------------------------------------------------------------------------

function T.test_what_is_no_model_is_refused_with_its_path()
  local text = writer.save("this is a text\n", h.temporary "text.onnx")
  h.error_has(onnx.load, text .. ": not an ONNX file", text)
  local empty = writer.save("", h.temporary "empty.onnx")
  h.error_has(onnx.load, empty .. ": not an ONNX model: it has no graph", empty)
  h.error_has(onnx.load, "none.onnx: No such file", "none.onnx")
  h.error_has(onnx.load, "not a regular file", "/")
end

-- A few bytes that unfold to many nodes: each empty node takes two.
function T.test_a_file_cannot_unfold_to_much_more_than_its_size()
  local bytes = writer.int(1, 8) .. writer.bytes(7, ("\10\0"):rep(200000))
  local path = writer.save(bytes, h.temporary "bomb.onnx")
  h.error_has(onnx.load, "not an ONNX file, or damaged", path)
end

function T.test_reading_survives_failed_allocations()
  local path = small.saved {
    inputs = { { "x", "float32", { 0, 2 } } }, outputs = { { "y", "float32" } },
    initializers = { writer.floats("b", { 2 }, { 1, 2 }), writer.integers("i", { 1 }, { 1 }) },
    nodes = { { "Add", inputs = { "x", "b" }, outputs = { "y" }, axis = 1, note = "x", list = { 1, 2 } } },
  }
  local n = 0
  local triggered, ok, result
  repeat
    n = n + 1
    triggered, ok, result = fail_alloc.run(n, function() return core.onnx.read(path) end)
    if triggered then lu.assertStrContains(tostring(result), "not enough memory") end
  until not triggered
  lu.assertTrue(ok and n > 20)
end

function T.test_names_shapes_and_aliases()
  local description = onnx.load(small.saved {
    inputs = { { "image", "float32", { 0, 3, 0, 0 } } }, outputs = { { "out", "float32" } },
    nodes = { { "Relu", inputs = { "image" }, outputs = { "rectified" }, name = "Relu_0" },
              { "Tanh", inputs = { "rectified" }, outputs = { "out" }, name = "Tanh_1" } },
  })
  lu.assertEquals(description.inputs, { { name = "image", shape = { 0, 3, 0, 0 } } })
  lu.assertEquals(description.outputs, { "out" })
  lu.assertEquals(description.aliases, { Relu_0 = "rectified", Tanh_1 = "out" })
  lu.assertEquals(sb.net(description):names(), { "rectified", "out" })
end

function T.test_all_unsupported_nodes_are_named_at_once()
  local path = small.saved {
    inputs = { { "x", "float32", { 1, 2 } } }, outputs = { { "y", "float32" } },
    nodes = { { "Det", inputs = { "x" }, outputs = { "a" }, name = "first" },
              { "Relu", inputs = { "a" }, outputs = { "b" }, name = "innocent" },
              { "Sinh", inputs = { "x" }, outputs = { "c" } },
              { "Relu", inputs = { "x" }, outputs = { "d" }, domain = "com.example" },
              { "Add", inputs = { "b", "c" }, outputs = { "y" } } },
  }
  local message = h.error_has(onnx.load, path .. ": cannot be loaded", path)
  lu.assertStrContains(message, "Det (node 'first') is not supported")
  lu.assertStrContains(message, "Sinh (node 'c') is not supported")
  lu.assertStrContains(message, "Relu (node 'd') is of the domain 'com.example'")
  lu.assertNotStrContains(message, "innocent")
  lu.assertNotStrContains(message, "Add")
end

function T.test_malformed_graphs_are_refused()
  local function refused(text, nodes, opset)
    h.error_has(onnx.load, text, small.saved { opset = opset, inputs = { { "x", "float32", { 1, 2 } } },
                                         outputs = { { "y", "float32" } }, nodes = nodes })
  end
  refused("reads 'nothing', which nothing before it computes",
    { { "Relu", inputs = { "nothing" }, outputs = { "y" } } })
  refused("computes 'x', which exists already", { { "Relu", inputs = { "x" }, outputs = { "x" } } })
  refused("input 2 is missing", { { "Conv", inputs = { "x" }, outputs = { "y" } } })
  refused("input 1 is missing", { { "Equal", inputs = {}, outputs = { "y" } } })
  refused("operator set 19", { { "Relu", inputs = { "x" }, outputs = { "y" } } }, 19)
  refused("computes no activations", { { "Shape", inputs = { "x" }, outputs = { "y" } } })
end

function T.test_integer_inputs_must_be_bound()
  local model = { inputs = { { "x", "float32", { 2, 3 } }, { "axes", "int64", { 1 } } },
                  outputs = { { "y", "float32" } },
                  nodes = { { "Unsqueeze", inputs = { "x", "axes" }, outputs = { "y" } } } }
  h.error_has(onnx.load, "Unsqueeze (node 'y') input 2 is of type int64", small.saved(model))
  local net = small.of(model, { constants = { axes = { dtype = "int64", shape = { 1 }, 1 } } })
  lu.assertEquals(net:forward(sb.ones(2, 3)).y:size(), { 2, 1, 3 })
  h.error_has(onnx.load, "Constant (node 'axis') is no input of the graph", small.saved(model),
    { constants = { axis = sb.ones(1) } })
end

-- ---- Shapes computed in the graph ---------------------------------------------------------------

-- What torch.onnx writes for x.view(x.size(0), -1, 2).
local function view_model()
  return {
    inputs = { { "x", "float32", { 0, 0 } } }, outputs = { { "y", "float32" } },
    initializers = { writer.integers("zero", {}, { 0 }), writer.integers("axes", { 1 }, { 0 }),
                     writer.integers("rest", { 2 }, { -1, 2 }) },
    nodes = { { "Shape", inputs = { "x" }, outputs = { "shape" } },
              { "Gather", inputs = { "shape", "zero" }, outputs = { "n" } },
              { "Unsqueeze", inputs = { "n", "axes" }, outputs = { "n1" } },
              { "Concat", inputs = { "n1", "rest" }, outputs = { "target" }, axis = 0 },
              { "Reshape", inputs = { "x", "target" }, outputs = { "y" } } },
  }
end

function T.test_shapes_are_computed_for_each_run()
  local net = small.of(view_model())
  lu.assertEquals(net:names(), { "y" })
  lu.assertEquals(net:forward(sb.ones(3, 4)).y:size(), { 3, 2, 2 })
  lu.assertEquals(net:forward(sb.ones(1, 10)).y:size(), { 1, 5, 2 })
  h.error_has(net.forward, "reshape", net, sb.ones(1, 3))
end

function T.test_a_layer_is_made_anew_only_for_other_parameters()
  local node = onnx.load(small.saved(view_model())).nodes[1]
  local function layer_for(shape) return node.layer(function() return shape end) end
  local first = layer_for { 3, 4 }
  lu.assertIs(layer_for { 3, 8 }, first)
  lu.assertNotIs(layer_for { 2, 8 }, first)
end

function T.test_arithmetic_about_shapes()
  -- resize to floor(1.5 * height), 2 * width / 4 * 4 computed in integers
  local net = small.of {
    inputs = { { "x", "float32", { 1, 1, 0, 0 } } }, outputs = { { "y", "float32" } },
    initializers = { writer.integers("i2", { 1 }, { 2 }), writer.integers("i3", { 1 }, { 3 }),
                     writer.integers("zero", { 1 }, { 0 }), writer.integers("four", { 1 }, { 4 }),
                     writer.floats("factor", { 2 }, { 1.5, 0.5 }) },
    nodes = { { "Shape", inputs = { "x" }, outputs = { "shape" } },
              { "Slice", inputs = { "shape", "zero", "i2" }, outputs = { "head" } },
              { "Slice", inputs = { "shape", "i2", "four" }, outputs = { "tail" } },
              { "Cast", inputs = { "tail" }, outputs = { "floats" }, to = 1 },
              { "Mul", inputs = { "floats", "factor" }, outputs = { "scaled" } },
              { "Floor", inputs = { "scaled" }, outputs = { "rounded" } },
              { "Cast", inputs = { "rounded" }, outputs = { "sizes" }, to = 7 },
              { "Concat", inputs = { "head", "sizes" }, outputs = { "target" }, axis = 0 },
              { "Resize", inputs = { "x", "", "", "target" }, outputs = { "y" } } },
  }
  lu.assertEquals(net:forward(sb.ones(1, 1, 5, 7)).y:size(), { 1, 1, 7, 3 })
end

function T.test_constants_out_of_proportion_are_refused()
  local huge = { inputs = { { "x", "float32", { 1 } } }, outputs = { { "y", "float32" } },
                 initializers = { writer.integers("dims", { 2 }, { 1 << 20, 1 << 20 }) },
                 nodes = { { "ConstantOfShape", inputs = { "dims" }, outputs = { "c" } },
                           { "Add", inputs = { "x", "c" }, outputs = { "y" } } } }
  h.error_has(onnx.load, "more than 1048576 elements", small.saved(huge))
  local nodes, last = { { "ConstantOfShape", inputs = { "dims" }, outputs = { "c0" } } }, "c0"
  for i = 1, 100 do
    nodes[#nodes + 1] = { "Exp", inputs = { last }, outputs = { "c" .. i } }
    last = "c" .. i
  end
  nodes[#nodes + 1] = { "Add", inputs = { "x", last }, outputs = { "y" } }
  huge.nodes, huge.initializers = nodes, { writer.integers("dims", { 1 }, { 1 << 20 }) }
  h.error_has(onnx.load, "out of proportion to the file", small.saved(huge))
end

-- ---- Real models --------------------------------------------------------------------------------

local models = {
  ["googlenet/googlenet"] = { input = "data", shape = { 1, 3, 224, 224 },
    values = { prob = { 1, 1000 }, ["inception_4a/output"] = { 1, 512, 14, 14 } } },
  ["squeezenet1_1/squeezenet1_1"] = { input = "data", shape = { 1, 3, 224, 224 },
    values = { logits = { 1, 1000 } } },
  ["tinydarknet/tinydarknet"] = { input = "data", shape = { 1, 3, 224, 224 },
    values = { logits = { 1, 1000 }, pool1 = { 1, 16, 112, 112 } } },
  ["vgg19_pruned/encoder5"] = { input = "image", shape = { 1, 3, 64, 96 },
    values = { relu1_1 = { 1, 16, 64, 96 }, relu5_1 = { 1, 128, 4, 6 } } },
}

function T.test_real_models_load_and_tell_their_shapes()
  for name, case in pairs(models) do
    local net = sb.net(onnx.load(h.shared("models/" .. name .. ".onnx")))
    lu.assertEquals(net.inputs[1].name, case.input)
    local shapes = net:shapes(case.shape)
    for value, shape in pairs(case.values) do lu.assertEquals(shapes[value], shape, name .. " " .. value) end
  end
end

local style_networks = { "bedroom", "la_campesinos", "self_portrait", "sien_with_a_cigar", "starry_night",
                         "sunflowers_bew", "wheatfield_with_crows" }

-- Their transposed convolutions bring the size back to a multiple of 4.
function T.test_style_networks_load_and_keep_the_size()
  for _, name in ipairs(style_networks) do
    local net = sb.net(onnx.load(h.shared("models/style/vangogh_" .. name .. ".onnx")))
    lu.assertEquals(net:shapes({ 1, 3, 60, 44 })[net.outputs[1]], { 1, 3, 60, 44 }, name)
  end
end

-- Reference outputs in float64, for an image with even sides and for one with odd sides. 1e-4: the
-- reference data's own suggestion.
function T.test_a_style_network_gives_the_reference_image()
  local net = sb.net(onnx.load(h.shared "models/style/vangogh_starry_night.onnx"))
  local cases = sb.safetensors.load(h.shared "reference/style_starry_night.safetensors")
  for _, which in ipairs { "a", "b" } do
    local y = net:forward(cases["image_" .. which])[net.outputs[1]]
    lu.assertTrue(h.rel_l2(y, cases["stylized_" .. which]) < 1e-4, which)
  end
end

return T
