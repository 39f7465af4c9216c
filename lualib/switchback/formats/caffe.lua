-- Caffe networks: the layers of a .prototxt with the weights of a .caffemodel.
-- A value is named by the layer that makes it. Where layers work in place, each of them keeps its
-- own name (`conv1`, then `relu1`), and a blob whose name no layer has is an alias of what it holds
-- after the run. Layers of data, losses and measures are dropped: what they feed becomes an input,
-- what they read an output.
local core = require "switchback.core"
local file = require "switchback.file"
local prototxt = require "switchback.formats.prototxt"
local schema = require "switchback.formats.caffe.schema"
local convert = require "switchback.formats.caffe.layers"
local Graph = require "switchback.formats.caffe.graph"

local caffe = {}

local function set(text)
  local out = {}
  for word in text:gmatch "%S+" do out[word] = true end
  return out
end

local data_types = set [[Data ImageData HDF5Data MemoryData WindowData DummyData AnnotatedData Input]]
local dropped_types = set [[SoftmaxWithLoss EuclideanLoss HingeLoss InfogainLoss ContrastiveLoss
  MultinomialLogisticLoss SigmoidCrossEntropyLoss Accuracy Silence HDF5Output]]

-- Types of the `layers` of files older than 2015, where they are not just written in capitals.
local old_types = {
  CONVOLUTION = "Convolution", DECONVOLUTION = "Deconvolution", POOLING = "Pooling", RELU = "ReLU",
  INNER_PRODUCT = "InnerProduct", CONCAT = "Concat", ELTWISE = "Eltwise", SIGMOID = "Sigmoid",
  TANH = "TanH", DROPOUT = "Dropout", SOFTMAX = "Softmax", FLATTEN = "Flatten", SLICE = "Slice",
  SPLIT = "Split", DATA = "Data", IMAGE_DATA = "ImageData", HDF5_DATA = "HDF5Data",
  MEMORY_DATA = "MemoryData", WINDOW_DATA = "WindowData", DUMMY_DATA = "DummyData",
  SOFTMAX_LOSS = "SoftmaxWithLoss", EUCLIDEAN_LOSS = "EuclideanLoss", HINGE_LOSS = "HingeLoss",
  INFOGAIN_LOSS = "InfogainLoss", CONTRASTIVE_LOSS = "ContrastiveLoss",
  MULTINOMIAL_LOGISTIC_LOSS = "MultinomialLogisticLoss", ACCURACY = "Accuracy", SILENCE = "Silence",
  SIGMOID_CROSS_ENTROPY_LOSS = "SigmoidCrossEntropyLoss", HDF5_OUTPUT = "HDF5Output",
}

-- ---- Reading the description ------------------------------------------------------------------

-- Whether a layer's include and exclude rules (NetStateRule) let it take part.
local function rule_holds(rule, state)
  if type(rule) ~= "table" then return false end
  if rule.phase and rule.phase[1] ~= state.phase then return false end
  if rule.min_level and rule.min_level[1] > 0 or rule.max_level and rule.max_level[1] < 0 then
    return false
  end
  for _, stage in ipairs(rule.stage or {}) do
    if not state.stages[stage] then return false end
  end
  for _, stage in ipairs(rule.not_stage or {}) do
    if state.stages[stage] then return false end
  end
  return true
end

local function any_holds(rules, state)
  for _, rule in ipairs(rules) do
    if rule_holds(rule, state) then return true end
  end
  return false
end

local function takes_part(tree, state)
  if tree.include then return any_holds(tree.include, state) end
  return not (tree.exclude and any_holds(tree.exclude, state))
end

local function strings(values, what)
  for _, v in ipairs(values or {}) do
    if type(v) ~= "string" then error(what .. " is not text", 0) end
  end
  return values or {}
end

local function read_layer(tree, index)
  if type(tree) ~= "table" then error(("layer %d is not a message"):format(index), 0) end
  local name = strings(tree.name, "the name of a layer")[1] or "layer " .. index
  local kind = strings(tree.type, "the type of layer " .. name)[1] or "(none)"
  return { name = name, type = old_types[kind] or kind, tree = tree,
           bottoms = strings(tree.bottom, "a bottom of layer " .. name),
           tops = strings(tree.top, "a top of layer " .. name) }
end

local function read_layers(net, state)
  local layers = {}
  for i, tree in ipairs(net.layer or net.layers or {}) do
    local layer = read_layer(tree, i)
    if takes_part(tree, state) then layers[#layers + 1] = layer end
  end
  if #layers == 0 then error("describes no layers", 0) end
  return layers
end

local function refuse_unsupported(layers)
  local names = {}
  for _, l in ipairs(layers) do
    if not (convert[l.type] or data_types[l.type] or dropped_types[l.type] or l.type == "Split") then
      names[#names + 1] = ("%s (layer '%s')"):format(l.type, l.name)
    end
  end
  if #names > 0 then error("unsupported layer types: " .. table.concat(names, ", "), 0) end
end

-- ---- Inputs and preprocessing -----------------------------------------------------------------

local function add_sources(graph, blobs, shapes)
  for i, blob in ipairs(blobs) do graph.sources[blob] = shapes[i] or shapes[1] or {} end
end

-- The inputs of files without Input layers: `input`, with `input_shape` or four `input_dim` each.
local function add_old_inputs(graph, net)
  local shapes = {}
  for i, message in ipairs(net.input_shape or {}) do
    shapes[i] = schema.extents(message) or error("has a bad input_shape", 0)
  end
  local dims = schema.integers(net.input_dim or {}) or error("has a bad input_dim", 0)
  for i = 1, #dims // 4 do shapes[#shapes + 1] = table.move(dims, 4 * i - 3, 4 * i, 1, {}) end
  add_sources(graph, strings(net.input, "an input"), shapes)
end

-- What a data layer tells about the images it would feed.
local function add_data(graph, l)
  if l.type == "Input" then
    return add_sources(graph, l.tops, schema.read(l.tree, "input_param").shape or {})
  end
  local memory = schema.read(l.tree, "memory_data_param")
  local how = schema.read(l.tree, "transform_param")
  local size = how.crop_size or 0
  local channels = memory.channels or (how.force_gray and 1) or 0
  add_sources(graph, l.tops, { { 0, channels, memory.height or size, memory.width or size } })
  graph.transform = next(how) and how or graph.transform
end

-- Caffe's habit: pixels 0..255 in the order blue, green, red; (pixel - mean) * scale.
local function preprocessing(graph)
  local shape, how = graph.inputs[1].declared, graph.transform or {}
  if #shape ~= 4 then return nil end
  local scale = how.scale or 1
  return { size = shape[3] > 0 and shape[4] > 0 and { shape[3], shape[4] } or nil,
           channels = (shape[2] == 1 or how.force_gray) and "grey" or "BGR", scale = 255,
           mean = how.mean_value, std = scale ~= 1 and scale ~= 0 and { 1 / scale } or nil }
end

-- ---- Loading ------------------------------------------------------------------------------------

local function finish(graph, source)
  if #graph.nodes == 0 then error("describes no layers that compute", 0) end
  local preprocess = preprocessing(graph)
  for _, input in ipairs(graph.inputs) do input.declared = nil end
  return { inputs = graph.inputs, nodes = graph.nodes, constants = graph.constants,
           outputs = graph:outputs(), aliases = graph:aliases(), preprocess = preprocess,
           source = source }
end

local function build(net, weights, options, source)
  local graph = Graph.new(weights, core.rng.new(options.seed or 0))
  local layers = read_layers(net, { phase = options.phase or "TEST", stages = set(options.stages or "") })
  refuse_unsupported(layers)
  add_old_inputs(graph, net)
  for _, l in ipairs(layers) do
    local action = data_types[l.type] and add_data or not dropped_types[l.type] and graph.convert
    local ok, message = pcall(action or function() end, graph, l)
    if not ok then error(("layer '%s': %s"):format(l.name, message), 0) end
  end
  return finish(graph, source)
end

local function read_file(path)
  local bytes, message = file.read(path)
  return bytes or error(message, 0)
end

-- { layer name = blobs } of a .caffemodel.
local function read_weights(path)
  local ok, layers = pcall(core.caffe.weights, read_file(path))
  if not ok then error(("%s: %s"):format(path, layers), 0) end
  if not layers then error(path .. ": not a Caffe model, or damaged", 0) end
  if #layers == 0 then error(path .. ": not a Caffe model: it holds no weights", 0) end
  local by_name = {}
  for _, blobs in ipairs(layers) do by_name[blobs.name] = by_name[blobs.name] or blobs end
  return by_name
end

--- Reads a net: load(prototxt, options) -> description for sb.net. options:
-- weights (path of the .caffemodel; false: untrained weights, He initialisation from `seed`, default 0),
-- phase ("TEST" default, or "TRAIN") and stages ("a b"): which include and exclude rules hold.
-- Raises with the file's name for a file that cannot be read, layers that are not supported (all of
-- them, by type and name), and weights that do not fit.
function caffe.load(path, options)
  options = options or {}
  local net, message = prototxt.parse(read_file(path))
  if not net then error(("%s: %s"):format(path, message), 0) end
  local weights = options.weights and read_weights(options.weights) or nil
  local ok, result = pcall(build, net, weights, options, options.weights or path)
  if not ok then error(("%s: %s"):format(path, result), 0) end
  return result
end

return caffe
