-- Networks as ONNX files: what net:save writes, sb.load reads with the same result, and the checker of ONNX's
-- own library passes.
local files = require "switchback.file"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

local PYTHON <const> = "/usr/bin/python3"

-- What operator set 13 has nothing for: by layer, or by a word of its configuration.
local UNSAID <const> = {
  unpool = true, total_variation = true, affine = true, irfft2 = true, avgpool = "dilation={2",
  lrn = "region=within", pad = "mode=wrap",
}

local function is_unsaid(layer)
  local word = UNSAID[layer.kind]
  return word == true or word and tostring(layer):find(word, 1, true) ~= nil
end

-- A net of one layer, and inputs for it.
local function net_of(layer, sample)
  local names, inputs, given, rng = {}, {}, {}, sb.rng(3)
  for i, shape in ipairs(sample.input) do
    names[i] = "x" .. i
    inputs[i] = { name = names[i], shape = shape }
    given[names[i]] = sample.positive and sb.rand(rng, shape) + 0.5 or sb.randn(rng, shape)
  end
  local outputs = {}
  for i in ipairs { layer:infer(table.unpack(sample.input)) } do outputs[i] = "y" .. i end
  local nodes = { { name = "layer", inputs = names, outputs = outputs, layer = layer } }
  return sb.net { inputs = inputs, nodes = nodes, outputs = outputs }, given
end

-- Weights that are not those of a new layer: a batch norm of mean 0 and variance 1 hides mistakes.
local function seasoned(layer)
  local rng = sb.rng(5)
  for _, weight in ipairs(sb.layer.about(layer.kind).weights) do
    local t = layer.params[weight.name]
    if t then t:copy_(sb.rand(rng, t:size()) + 0.5) end
  end
  return layer
end

-- Runs f(layer, sample) for every configuration that the contract test knows.
local function each_layer(f)
  for _, kind in ipairs(sb.layer.list()) do
    for _, sample in ipairs(load("return {" .. sb.layer.about(kind).samples .. "}")()) do
      f(seasoned(sb.layer[kind](sample[1])), sample)
    end
  end
end

-- 1e-5 since a few layers become several nodes.
function T.test_every_layer_that_onnx_has_comes_back()
  local said = 0
  each_layer(function(layer, sample)
    local net, given = net_of(layer, sample)
    local path = h.temporary "layer.onnx"
    if is_unsaid(layer) then
      return h.error_has(net.save, "layer 'layer' (" .. layer.kind .. ")", net, path)
    end
    net:save(path)
    local before, after = net:forward(given), sb.load(path):forward(given)
    for _, output in ipairs(net.outputs) do h.close(after[output], before[output], 1e-5) end
    said = said + 1
  end)
  lu.assertTrue(said > 150, said)
end

local function outputs_for(net, x)
  local given = { [net.inputs[1].name] = x }
  if net.inputs[2] then
    given[net.inputs[2].name] = sb.rand(sb.rng(4), 1, net.inputs[2].shape[2])
  end
  return net:forward(given, { record = false })[net.outputs[1]]
end

local function written(name, options)
  options = options or {}
  options.untrained = true
  local net = sb.load(name, options)
  for _, node in ipairs(net.order) do
    if node.layer.kind == "batchnorm" then seasoned(node.layer) end
  end
  return net, net:save(h.temporary(name .. ".onnx")) and h.temporary(name .. ".onnx")
end

-- Of the zoo those that hold everything that the others hold; the last number is the input's side.
local NETS <const> = { convnet2 = 28, convnet4 = 64, dumoulin = 32, googlenet = 224, johnson = 32,
                       lenet5 = 28, mobilenet_v2 = 64, nin = 127, resnet18 = 64, squeezenet1_1 = 64,
                       zfnet64 = 64 }

function T.test_nets_of_the_zoo_come_back()
  for name, side in pairs(NETS) do
    local net, path = written(name)
    local again, x = sb.load(path), sb.randn(sb.rng(1), 1, net.inputs[1].shape[2], side, side)
    lu.assertTrue(h.rel_l2(outputs_for(again, x), outputs_for(net, x)) < 1e-5, name)
    lu.assertEquals(again.inputs[1].shape, net.inputs[1].shape)
    os.remove(path)
  end
end

-- Reshapes that an importer fits to each input are written for one of them.
function T.test_an_imported_net_is_written_for_a_shape()
  local net = sb.load(h.shared "models/squeezenet1_1/squeezenet1_1.onnx")
  local path, x = h.temporary "squeezenet.onnx", sb.randn(sb.rng(1), 1, 3, 224, 224)
  net:save(path, { shape = { 1, 3, 224, 224 } })
  local again = sb.load(path)
  lu.assertEquals(again.inputs[1].shape, { 1, 3, 224, 224 })
  lu.assertTrue(h.rel_l2(outputs_for(again, x), outputs_for(net, x)) < 1e-6)
end

function T.test_labels_and_preprocessing_come_along()
  local net, path = sb.load(), h.temporary "about.onnx"
  net:save(path)
  local back = sb.load(path)
  lu.assertEquals(back.labels, net.labels)
  local photo = sb.rand(sb.rng(1), 3, 90, 70)
  h.close(back:prepare(photo), net:prepare(photo), 0)
  local bytes = assert(files.read(path))
  assert(files.write(path, (bytes:gsub('"labels":%[', '"labels":{', 1))))
  h.error_has(sb.load, "its entry switchback.about is damaged", path)
end

function T.test_weights_kept_as_halves_and_shared_ones()
  local w = sb.randn(sb.rng(1), 3, 3)
  local function node(name, input)
    return { name = name, inputs = { input }, layer = sb.layer.linear { weight = w, bias = false } }
  end
  local nodes = { node("a", "x"), node("b", "a") }
  local net = sb.net({ inputs = { { name = "x", shape = { 0, 3 } } }, nodes = nodes }):half()
  local path, x = h.temporary "shared.onnx", sb.randn(sb.rng(2), 2, 3)
  net:save(path)
  h.close(sb.load(path):forward(x)["b"], net:forward(x)["b"], 1e-6)
  local model = assert(require("switchback.core").onnx.read(path))
  local initializers = 0
  for _ in pairs(model.initializers) do initializers = initializers + 1 end
  lu.assertEquals(initializers, 1)
end

function T.test_trouble_is_named_and_leaves_no_file()
  local net, path = sb.load("lenet5", { untrained = true }), h.temporary "trouble.onnx"
  h.error_has(net.save, "half and metadata are for .safetensors only", net, path, { half = true })
  local odd = net:replace("pool1", sb.layer.affine { map = { 1, 0, 0, 1, 0, 0 } })
  h.error_has(odd.save, "layer 'pool1' (affine) has no counterpart in ONNX", odd, path)
  lu.assertNil(io.open(path, "rb"))
  lu.assertNil(io.open(path .. ".part", "rb"))
end

function T.test_failed_allocations()
  local core = require "switchback.core"
  local net = sb.load("convnet2", { untrained = true }):upto "relu1"
  local model = require("switchback.formats.onnx.writer").model(net)
  local file = assert(io.open(h.temporary "failed.onnx", "wb"))
  lu.assertTrue(h.survives_failed_allocations(function() assert(core.onnx.append(file, model)) end) > 20)
  file:close()
end

-- ONNX's own checker, with inference of types and shapes, on every layer and on nets.
function T.test_the_checker_of_onnx_passes()
  -- Without the package a folder of that name, of libonnx-testdata, is imported, and has no checker.
  local installed = os.execute(PYTHON .. " -c 'import onnx.checker' 2>/dev/null")
  if not installed then lu.skip "python3-onnx is not installed" end
  local paths = {}
  each_layer(function(layer, sample)
    if not is_unsaid(layer) then
      paths[#paths + 1] = h.temporary(("checked_%d.onnx"):format(#paths))
      net_of(layer, sample):save(paths[#paths])
    end
  end)
  for _, name in ipairs { "googlenet", "resnet18", "dumoulin", "zfnet64" } do
    paths[#paths + 1] = select(2, written(name))
  end
  local script = h.temporary "check.py"
  local file = assert(io.open(script, "w"))
  file:write [[
import onnx, sys
for path in open(sys.argv[1]).read().split():
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    print("passed")
]]
  file:close()
  local list = h.temporary "paths"
  file = assert(io.open(list, "w"))
  file:write(table.concat(paths, "\n"))
  file:close()
  local text = h.shell(("%s '%s' '%s'"):format(PYTHON, script, list))
  lu.assertEquals(select(2, text:gsub("passed", "")), #paths, text)
end

return T
