-- Networks as files: what net:save writes, sb.load rebuilds.
local core = require "switchback.core"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local zoo = require "switchback.zoo"

local T = {}

-- An input of a net's own size, small where any size will do.
local function input_for(net, seed)
  local input = net.inputs[1].shape
  local fallback = net.made.flatten == nil and 64 or net.preprocess.size[1]
  return sb.randn(sb.rng(seed or 1), 1, input[2], input[3] > 0 and input[3] or fallback,
    input[4] > 0 and input[4] or fallback)
end

-- What a net makes of its first input; further ones get what they want of ones.
local function outputs(net, x)
  local given = { [net.inputs[1].name] = x }
  for i = 2, #net.inputs do given[net.inputs[i].name] = sb.ones(1, net.inputs[i].shape[2]) end
  return net:forward(given, { record = false })[net.outputs[1]]
end

-- The nets that hold everything that the others hold, but are small.
local SMALL <const> = { "convnet2", "convnet4", "dumoulin", "googlenet", "johnson", "lenet5", "mobilenet_v2",
                        "nin", "resnet18", "squeezenet1_1", "zfnet64" }

function T.test_a_saved_net_is_the_same_net()
  for _, name in ipairs(SMALL) do
    local net, path = sb.load(name, { untrained = true, seed = 2 }), h.temporary "net.safetensors"
    lu.assertIs(net:save(path), net)
    local again, x = sb.load(path), input_for(net)
    lu.assertEquals(again:names(), net:names(), name)
    lu.assertEquals(again.preprocess, net.preprocess, name)
    lu.assertEquals(again.aliases, net.aliases, name)
    h.close(outputs(again, x), outputs(net, x), 0)
  end
end

function T.test_names_of_styles_are_kept()
  local net, path = sb.load("johnson", { untrained = true, width = 2, blocks = 1, styles = 2 }),
    h.temporary "styles.safetensors"
  net.styles = { "wave", "the scream" }
  lu.assertEquals(sb.load(net:save(path) and path).styles, net.styles)
  lu.assertEquals(net:clone().styles, net.styles)
end

-- Every layer, with every configuration that the contract test knows.
function T.test_every_layer_can_be_saved()
  for _, kind in ipairs(sb.layer.list()) do
    for _, sample in ipairs(load("return {" .. sb.layer.about(kind).samples .. "}")()) do
      local layer = sb.layer[kind](sample[1])
      local inputs, names = {}, {}
      for i, shape in ipairs(sample.input) do
        names[i] = "x" .. i
        inputs[i] = { name = names[i], shape = shape }
      end
      local net = sb.net { inputs = inputs, nodes = { { name = "y", inputs = names, layer = layer } } }
      local path = h.temporary "layer.safetensors"
      local again = sb.load(net:save(path) and path):node("y").layer
      lu.assertEquals(tostring(again), tostring(layer))
      lu.assertEquals(again.config, layer.config, kind)
      for key, t in pairs(layer.params) do h.close(again.params[key], t, 0) end
    end
  end
end

-- Weights have PyTorch's names, so that the zoo can take them as well.
function T.test_tensors_are_named_as_in_files()
  local net, path = sb.load("convnet4", { untrained = true }), h.temporary "named.safetensors"
  net:save(path)
  local tensors = assert(sb.safetensors.load(path))
  lu.assertNotNil(tensors["bn2.running_mean"])
  local x = input_for(net)
  h.close(outputs(sb.net(zoo.describe("convnet4", { tensors = tensors })), x), outputs(net, x), 0)
end

-- A network of the zoo needs no description: its weights are found by its name.
function T.test_weights_in_a_folder_of_models()
  local net, folder = sb.load("lenet5", { untrained = true, seed = 4 }), h.temporary "models_of_the_zoo"
  h.error_has(sb.load, "/lenet5/lenet5.pth", "lenet5", { models = folder })
  assert(os.execute("mkdir '" .. folder .. "'"))
  assert(sb.safetensors.save(folder .. "/lenet5.safetensors", zoo.tensors(net)))
  local again, x = sb.load("lenet5", { models = folder }), input_for(net)
  h.close(outputs(again, x), outputs(net, x), 0)
  lu.assertEquals(again.preprocess, net.preprocess)
end

-- Half the bytes; each weight is the nearest half, biases are as they were.
function T.test_halves()
  local net, path = sb.load("zfnet64", { untrained = true }), h.temporary "half.safetensors"
  net:save(path, { half = true })
  local again, x = sb.load(path), input_for(net)
  local w = net:node("conv3").layer.params.weight
  h.close(again:node("conv3").layer.params.weight, core.half.new(w):float(), 0)
  h.close(again:node("bn3").layer.params.variance, net:node("bn3").layer.params.variance, 0)
  lu.assertTrue(h.rel_l2(outputs(again, x), outputs(net, x)) < 2e-3)
  local size = #assert(io.open(path, "rb")):read "a"
  lu.assertTrue(size < 2.03 * net:parameter_count())
  net:node("conv1").layer.params.weight:fill_(1e6)
  h.error_has(net.save, "'conv1.weight' cannot be stored as halves", net, path, { half = true })
  h.close(outputs(sb.load(path), x), outputs(again, x), 0) -- the failure left the file alone
end

function T.test_labels_preprocessing_and_metadata_are_kept()
  local net, path = sb.load("lenet5", { untrained = true }), h.temporary "labels.safetensors"
  net.labels = { "null", "one \"quoted\"", "zwei, drei", "é" }
  net.preprocess.mean = { 0.1307 + 1e-16 }
  net.preprocess.std = { 1 / 3 }
  net:save(path, { metadata = { recipe = "train" } })
  local again = sb.load(path)
  lu.assertEquals(again.labels, net.labels)
  lu.assertEquals(again.preprocess.std[1], 1 / 3)
  lu.assertEquals(again.preprocess.size, { 28, 28 })
  lu.assertEquals(select(2, sb.safetensors.load(path)).recipe, "train")
  lu.assertEquals(sb.load(path, { labels = { "a" } }).labels, { "a" })
end

function T.test_equal_nets_give_equal_bytes()
  local function bytes()
    local path = h.temporary "bytes.safetensors"
    sb.load("resnet18", { untrained = true, classes = 3 }):save(path)
    return assert(io.open(path, "rb")):read "a"
  end
  lu.assertTrue(bytes() == bytes())
end

-- Tied weights stay tied, and are stored once.
function T.test_shared_weights_stay_shared()
  local w, path = sb.randn(sb.rng(1), 3, 3), h.temporary "shared.safetensors"
  local function node(name, input)
    return { name = name, inputs = { input }, layer = sb.layer.linear { weight = w, bias = false } }
  end
  local nodes = { node("a", "x"), node("b", "a") }
  sb.net({ inputs = { { name = "x", shape = { 0, 3 } } }, nodes = nodes }):save(path)
  local net = sb.load(path)
  lu.assertIs(net:node("a").layer.params.weight, net:node("b").layer.params.weight)
end

-- A net of a real ONNX file, constants and all.
function T.test_an_imported_net()
  local net = sb.load(h.shared "models/squeezenet1_1/squeezenet1_1.onnx")
  local path, x = h.temporary "imported.safetensors", sb.randn(sb.rng(1), 1, 3, 224, 224)
  net:save(path)
  h.close(outputs(sb.load(path), x), outputs(net, x), 0)
end

function T.test_trouble_is_named()
  local net = sb.load("lenet5", { untrained = true })
  h.error_has(net.save, "save: 'net.pth' ends in neither .safetensors nor .onnx", net, "net.pth")
  h.error_has(net.save, "unknown option 'hafl'; did you mean 'half'?", net, "x.safetensors", { hafl = true })
  h.error_has(net.save, "No such file or directory", net, h.temporary "nowhere/x.safetensors")
end

-- A file with that network in its metadata.
local function file_with(text, tensors)
  local path = h.temporary "damaged.safetensors"
  assert(sb.safetensors.save(path, tensors or {}, { ["switchback.net"] = text }))
  return path
end

local ONE_NODE <const> = [[{"format":1,"inputs":[{"name":"x","shape":[0,3]}],"outputs":["y"],"aliases":[],
  "constants":[],"nodes":[
  {"name":"y","kind":"%s","config":%s,"weights":[],"inputs":["%s"],"outputs":["y"]}]}]]

function T.test_damaged_networks()
  for text, message in pairs {
    ["{"] = "its network is damaged: Expected",
    ["{}"] = "the format is not 1",
    ['{"format":1}'] = "there are no inputs, nodes or outputs",
    [ONE_NODE:format("linaer", "[]", "x")] = "layer 'y' is of the unknown kind 'linaer'",
    [ONE_NODE:format("relu", '{"slope":1}', "x")] = "relu: unknown parameter 'slope'",
    [ONE_NODE:format("relu", "[]", "z")] = "node 'y' reads 'z', which nothing makes",
    [ONE_NODE:format("linear", '{"in_features":1000000000,"out_features":1000}', "x")] =
      "layer 'y' has no tensor for its weight",
  } do
    h.error_has(sb.load, message, file_with(text))
  end
end

return T
