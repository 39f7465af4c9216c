-- formats/caffe.lua: layers against stored PyTorch values and against Caffe's formulas worked by hand;
-- names, rules and refusals against what Caffe documents.
local lu = require "luaunit"
local core = require "switchback.core"
local sb = require "switchback"
local caffe = require "switchback.formats.caffe"
local writer = require "caffe_writer"
local h = require "helper"

local T = {}

-- The description of that prototxt text, with weights if any are given.
local function description(text, layers, options)
  local path, weights = os.tmpname(), nil
  writer.write(path, text)
  options = options or {}
  if layers then
    weights = os.tmpname()
    writer.write(weights, writer.encode(layers, options.old))
  end
  local ok, result = pcall(caffe.load, path, { weights = weights, phase = options.phase,
    stages = options.stages, seed = options.seed })
  os.remove(path)
  if weights then os.remove(weights) end
  return ok and result or error(result, 0)
end

local function input_of(x)
  return ('input: "x" input_shape { dim: %s }\n'):format(table.concat(x:size(), " dim: "))
end

-- A net of one layer named "y" that reads input "x".
local function single(x, kind, parameters, blobs)
  local text = ('layer { name: "y" type: "%s" bottom: "x" top: "y" %s }'):format(kind, parameters)
  if blobs then blobs.name = "y" end
  return sb.net(description(input_of(x) .. text, blobs and { blobs }))
end

local function run_single(x, ...) return single(x, ...):forward(x).y end

-- Checks a layer against stored values (float64 PyTorch rounded to float32); 1e-5 is the project's bound.
local function check_case(case, kind, parameters, blob_names)
  local t = assert(sb.safetensors.load(h.shared "reference/layers.safetensors"))
  local blobs = blob_names and {}
  for i, name in ipairs(blob_names or {}) do blobs[i] = t[case .. "/" .. name] end
  local y = run_single(t[case .. "/x"], kind, parameters, blobs)
  lu.assertTrue(h.rel_l2(y, t[case .. "/y"]) < 1e-5, case)
end

function T.test_convolution()
  local function conv(n, text) return ("convolution_param { num_output: %d %s }"):format(n, text) end
  check_case("conv2d_3x3", "Convolution", conv(4, "kernel_size: 3 pad: 1"), { "w", "b" })
  check_case("conv2d_stride", "Convolution",
    conv(4, "kernel_h: 5 kernel_w: 3 stride_h: 2 stride_w: 3 pad_h: 2 pad_w: 1"), { "w", "b" })
  check_case("conv2d_dilation", "Convolution",
    conv(3, "kernel_size: 3 pad: 2 pad: 3 dilation: 2 dilation: 3"), { "w", "b" })
  check_case("conv2d_groups", "Convolution", conv(8, "kernel_size: 3 pad: 1 group: 2"), { "w", "b" })
  check_case("conv2d_depthwise_s2", "Convolution",
    conv(5, "kernel_size: 3 pad: 1 stride: 2 group: 5 bias_term: false"), { "w" })
end

function T.test_deconvolution()
  local function conv(n, text) return ("convolution_param { num_output: %d %s }"):format(n, text) end
  check_case("conv_transpose2d_k4_s2", "Deconvolution",
    conv(2, "kernel_size: 4 stride: 2 pad: 1"), { "w", "b" })
  check_case("conv_transpose2d_dilation", "Deconvolution",
    conv(3, "kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 1 dilation: 2"), { "w", "b" })
end

function T.test_pooling()
  local function pool(text) return "pooling_param { " .. text .. " }" end
  check_case("maxpool_k3s2_ceil", "Pooling", pool "pool: MAX kernel_size: 3 stride: 2")
  check_case("maxpool_k3s2p1_ceil", "Pooling", pool "kernel_size: 3 stride: 2 pad: 1")
  check_case("maxpool_k3s2_floor", "Pooling", pool "pool: 0 kernel_size: 3 stride: 2 round_mode: 1")
  check_case("avgpool_k3s2_ceil", "Pooling", pool "pool: AVE kernel_size: 3 stride: 2")
  check_case("avgpool_k3s2p1_include", "Pooling",
    pool "pool: AVE kernel_size: 3 stride: 2 pad: 1 round_mode: FLOOR")
  check_case("global_avgpool", "Pooling", pool "pool: AVE global_pooling: true")
end

-- Of the padded 5x5 input (3x3 with 1 around), windows of 3 at stride 2 start at -1 and 1; both lie
-- inside, so each average divides by 9: (1+2+4+5)/9 and so on.
function T.test_average_pooling_counts_padding()
  local x = sb.arange(9):reshape(1, 1, 3, 3)
  local y = run_single(x, "Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }")
  h.close(y:reshape(4), sb.tensor { 12 / 9, 16 / 9, 24 / 9, 28 / 9 }, 1e-6)
end

function T.test_global_max_pooling()
  local x = sb.randn(sb.rng(1), 2, 3, 4, 5)
  local y = run_single(x, "Pooling", "pooling_param { global_pooling: true }")
  h.close(y, x:reshape(2, 3, 20):max(3):reshape(2, 3, 1, 1), 0)
end

function T.test_normalisation_across_channels()
  check_case("lrn_n5", "LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
  check_case("lrn_n5_strong", "LRN", "lrn_param { k: 2 }") -- Caffe's default alpha is 1, beta 0.75
  check_case("lrn_n3", "LRN",
    "lrn_param { local_size: 3 alpha: 0.5 beta: 0.5 norm_region: ACROSS_CHANNELS }")
end

-- y = x / (1 + alpha/9 * sum of squares over the 3x3 around)^beta, whatever k says.
function T.test_normalisation_within_a_channel()
  local x = sb.tensor { { { { 1, 2 }, { 3, 4 } } } }
  local text = "lrn_param { local_size: 3 alpha: 0.9 beta: 0.5 k: 7 norm_region: WITHIN_CHANNEL }"
  local scale = math.sqrt(1 + 0.1 * (1 + 4 + 9 + 16))
  h.close(run_single(x, "LRN", text), x / scale, 1e-6)
end

function T.test_inner_product_flattens()
  local rng = sb.rng(4)
  local x, w, b = sb.randn(rng, 2, 3, 2, 2), sb.randn(rng, 5, 12), sb.randn(rng, 5)
  local expected = x:reshape(2, 12):matmul(w:transpose(1, 2)) + b
  local param = "inner_product_param { num_output: 5 }"
  h.close(run_single(x, "InnerProduct", param, { w, b }), expected, 1e-5)
  local turned = "inner_product_param { num_output: 5 transpose: true }"
  h.close(run_single(x, "InnerProduct", turned, { w:transpose(1, 2), b }), expected, 1e-5)
end

function T.test_batch_norm_with_scale()
  local t = assert(sb.safetensors.load(h.shared "reference/layers.safetensors"))
  local function value(name) return t["batchnorm_eval/" .. name] end
  local text = input_of(value "x") .. [[
    layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { use_global_stats: true } }
    layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }]]
  local count = 0.25 -- blobs 1 and 2 are sums, to be divided by blob 3
  local net = sb.net(description(text, {
    { name = "bn", value "running_mean" * count, value "running_var" * count, sb.full(count, 1) },
    { name = "scale", value "w", value "b" } }))
  lu.assertTrue(h.rel_l2(net:forward(value "x").y, value "y") < 1e-5)
  local empty = sb.net(description(text, { { name = "bn", value "w", value "w", sb.zeros(1) },
                                           { name = "scale", value "w", value "b" } }))
  local y = empty:forward(value "x").bn -- a count of 0 stands for mean 0 and variance 0
  h.close(y, value "x" / math.sqrt(1e-5), 1e-2)
end

function T.test_rectifiers()
  local x = sb.tensor { { { { -2, 3 } }, { { -1, 0.5 } } } }
  local function like(...) return sb.tensor { ... }:reshape(1, 2, 1, 2) end
  h.close(run_single(x, "ReLU", ""), like(0, 3, 0, 0.5), 0)
  h.close(run_single(x, "ReLU", "relu_param { negative_slope: 0.5 }"), like(-1, 3, -0.5, 0.5), 0)
  h.close(run_single(x, "PReLU", "", { sb.tensor { 0.5, 2 } }), like(-1, 3, -2, 0.5), 0)
  local shared = "prelu_param { channel_shared: true }"
  h.close(run_single(x, "PReLU", shared, { sb.tensor { 3 } }), like(-6, 3, -3, 0.5), 0)
  local elu = like(2 * (math.exp(-2) - 1), 3, 2 * (math.exp(-1) - 1), 0.5)
  h.close(run_single(x, "ELU", "elu_param { alpha: 2 }"), elu, 1e-6)
end

function T.test_other_pointwise_layers()
  check_case("sigmoid", "Sigmoid", "")
  check_case("tanh", "TanH", "")
  check_case("softmax_axis1", "Softmax", "")
  local x = sb.randn(sb.rng(2), 2, 3)
  h.close(run_single(x, "Dropout", "dropout_param { dropout_ratio: 0.4 }"), x, 0)
end

local function eltwise(parameters, n)
  local x = sb.tensor { { 1, -2, 3 } }
  local text = input_of(x) .. 'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }\n' ..
    ('layer { name: "y" type: "Eltwise" bottom: "x" bottom: "r" %s top: "y" eltwise_param { %s } }')
      :format(n == 3 and 'bottom: "x"' or "", parameters)
  return sb.net(description(text)):forward(x).y
end

function T.test_eltwise()
  h.close(eltwise "", sb.tensor { { 2, -2, 6 } }, 0)
  h.close(eltwise "operation: SUM coeff: 2 coeff: -1", sb.tensor { { 1, -4, 3 } }, 0)
  h.close(eltwise("coeff: [1, 1, 0.5]", 3), sb.tensor { { 2.5, -3, 7.5 } }, 0)
  h.close(eltwise "operation: PROD", sb.tensor { { 1, 0, 9 } }, 0)
  h.close(eltwise("operation: PROD", 3), sb.tensor { { 1, 0, 27 } }, 0)
  h.close(eltwise "operation: MAX", sb.tensor { { 1, 0, 3 } }, 0)
  h.error_has(eltwise, "has 1 coefficients for 2 inputs", "coeff: 2")
end

function T.test_concat_slice_and_split()
  local x = sb.arange(8):reshape(1, 4, 2, 1)
  local net = sb.net(description(input_of(x) .. [[
    layer { name: "s" type: "Slice" bottom: "x" top: "a" top: "b" slice_param { slice_point: 1 } }
    layer { name: "copy" type: "Split" bottom: "b" top: "b1" top: "b2" }
    layer { name: "y" type: "Concat" bottom: "b1" bottom: "a" bottom: "b2" top: "y" concat_param { axis: 1 } }
    layer { name: "z" type: "Concat" bottom: "x" bottom: "x" top: "z" concat_param { axis: -2 } }]]))
  local pass = net:forward(x)
  h.close(pass.y:reshape(14), sb.tensor { 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8 }, 0)
  lu.assertEquals(pass.z:size(), { 1, 4, 4, 1 })
  lu.assertEquals(pass.b1:size(), { 1, 3, 2, 1 })
end

-- The cases of Caffe's documentation of reshape_param, for an input of 2 x 8.
function T.test_flatten_and_reshape()
  local x = sb.arange(16):reshape(2, 8)
  local function shape(text) return run_single(x, "Reshape", "reshape_param { " .. text .. " }"):size() end
  lu.assertEquals(shape "shape { dim: 2 dim: 2 dim: 4 }", { 2, 2, 4 })
  lu.assertEquals(shape "shape { dim: 0 dim: -1 dim: 4 }", { 2, 2, 4 })
  lu.assertEquals(shape "shape { dim: 2 dim: 4 } axis: 1", { 2, 2, 4 })
  lu.assertEquals(shape "shape { dim: 2 dim: 4 } axis: -2", { 2, 2, 4 })
  lu.assertEquals(shape "shape { dim: 1 dim: 2 } num_axes: 1", { 1, 2, 8 })
  lu.assertEquals(shape "shape { dim: 1 } num_axes: 0", { 1, 2, 8 })
  lu.assertEquals(shape "shape { dim: 1 } axis: 1 num_axes: 0", { 2, 1, 8 })
  local volume = sb.zeros(2, 3, 4, 5)
  lu.assertEquals(run_single(volume, "Flatten", ""):size(), { 2, 60 })
  local part = run_single(volume, "Flatten", "flatten_param { axis: 1 end_axis: 2 }")
  lu.assertEquals(part:size(), { 2, 12, 5 })
end

local in_place = [[
  layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
  layer { name: "scale1" type: "Scale" bottom: "data" top: "blob" }
  layer { name: "relu1" type: "ReLU" bottom: "blob" top: "blob" }
  layer { name: "blob2" type: "Scale" bottom: "blob" top: "blob2" }
  layer { name: "relu2" type: "ReLU" bottom: "blob2" top: "blob2" }]]

function T.test_layers_in_place_keep_their_names()
  local minus = sb.tensor { -1, -1 }
  local net = sb.net(description(in_place, { { name = "scale1", minus }, { name = "blob2", minus } }))
  local x = sb.randn(sb.rng(6), 1, 2, 3, 3)
  local pass = net:forward(x)
  h.close(pass.scale1, -x, 0)
  h.close(pass.relu1, (-x):clamp(0), 0)
  h.close(pass.blob, pass.relu1, 0) -- the blob's name alone: what it holds after the run
  h.close(pass.blob2, -pass.relu1, 0) -- a layer's own name comes first
  lu.assertEquals(net.outputs, { "relu2" })
  lu.assertEquals(net:names(), { "scale1", "relu1", "blob2", "relu2" })
end

function T.test_old_files_are_read_alike()
  local text = [[
    name: "old" input: "x" input_dim: 2 input_dim: 3 input_dim: 4 input_dim: 4
    layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" blobs_lr: 1 weight_decay: 1
             convolution_param { num_output: 2 kernel_size: 3 } }
    layers { name: "r" type: RELU bottom: "c" top: "c" }
    layers { name: "y" type: INNER_PRODUCT bottom: "c" top: "y" inner_product_param { num_output: 3 } }
    layers { name: "loss" type: SOFTMAX_LOSS bottom: "y" bottom: "label" }]]
  local rng = sb.rng(7)
  local w, b, f, g = sb.randn(rng, 2, 3, 3, 3), sb.randn(rng, 2), sb.randn(rng, 3, 8), sb.randn(rng, 3)
  local layers = { { name = "c", w, b }, { name = "y", f, g } }
  local x = sb.randn(rng, 2, 3, 4, 4)
  local old = sb.net(description(text, layers, { old = true })):forward(x).y
  local c = sb.layer.conv2d { weight = w, bias = b }:forward(x):clamp(0)
  h.close(old, c:reshape(2, 8):matmul(f:transpose(1, 2)) + g, 1e-5)
end

local phases = [[
  layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
          transform_param { crop_size: 9 mean_value: 1 } data_param { source: "nowhere" batch_size: 64 } }
  layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
          transform_param { crop_size: 5 scale: 0.5 mean_value: 10 mean_value: 20 mean_value: 30 } }
  layer { name: "drop" type: "Dropout" bottom: "data" top: "data" include { phase: TRAIN } }
  layer { name: "y" type: "ReLU" bottom: "data" top: "y" exclude { stage: "bare" } }
  layer { name: "z" type: "Sigmoid" bottom: "data" top: "z" include { stage: "bare" } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "label" top: "loss" }
  layer { name: "accuracy" type: "Accuracy" bottom: "y" bottom: "label" top: "accuracy" }]]

local function names_of(...) return sb.net(description(...)):names() end

function T.test_phases_stages_data_and_losses()
  lu.assertEquals(names_of(phases), { "y" })
  lu.assertEquals(names_of(phases, nil, { phase = "TRAIN" }), { "drop", "y" })
  lu.assertEquals(names_of(phases, nil, { stages = "bare" }), { "z" })
  local d = description(phases)
  lu.assertEquals(#d.inputs, 1)
  lu.assertEquals(d.preprocess, { size = { 5, 5 }, channels = "BGR", scale = 255, mean = { 10, 20, 30 },
                                  std = { 2 } })
end

function T.test_untrained_nets_follow_their_seed()
  local text = [[input: "x" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
    layer { name: "c" type: "Convolution" bottom: "x" top: "c"
            convolution_param { num_output: 4 kernel_size: 3 } }
    layer { name: "y" type: "InnerProduct" bottom: "c" top: "y" inner_product_param { num_output: 2 } }]]
  local x = sb.randn(sb.rng(1), 1, 3, 8, 8)
  local function y(seed) return sb.net(description(text, nil, { seed = seed })):forward(x).y end
  h.close(y(1), y(1), 0)
  lu.assertFalse(y(1):close(y(2), 1e-3))
  h.error_has(description, "more than 2^28 weights", (text:gsub("num_output: 2", "num_output: 9999999")))
end

local function refused(message, text, layers)
  h.error_has(description, message, 'input: "x" input_dim: [1, 2, 4, 4]\n' .. text, layers)
end

function T.test_refuses_all_unsupported_layers_at_once()
  refused("unsupported layer types: MVN (layer 'a'), Crop (layer 'b')", [[
    layer { name: "a" type: "MVN" bottom: "x" top: "a" } layer { name: "r" type: "ReLU" bottom: "a" top: "r" }
    layer { name: "b" type: "Crop" bottom: "r" top: "b" }]])
end

local function one(kind, rest)
  return ('layer { name: "y" type: "%s" bottom: "x" top: "y" %s }'):format(kind, rest)
end

function T.test_refusals_say_why()
  refused("layer 'y': convolution_param has no field 'kernal_size'; did you mean 'kernel_size'?",
    one("Convolution", "convolution_param { kernal_size: 3 }"))
  refused("layer 'y': convolution_param has a bad value of 'pad'",
    one("Convolution", "convolution_param { num_output: 1 kernel_size: 3 pad: 1.5 }"))
  refused("layer 'y': has no num_output", one("Convolution", "convolution_param { kernel_size: 3 }"))
  refused("has no kernel_size", one("Pooling", ""))
  refused("stochastic pooling", one("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"))
  refused("pooling_param has a bad value of 'pool'", one("Pooling", "pooling_param { pool: MEDIAN }"))
  refused("axis 2 is not supported", one("InnerProduct", "inner_product_param { num_output: 1 axis: 2 }"))
  refused("layer 'y': reads 'w', which no layer before it makes",
    'layer { name: "y" type: "ReLU" bottom: "w" }')
  refused("scale_train: false", one("Dropout", "dropout_param { scale_train: false }"))
  refused("describes no layers", "")
  refused("line 2: expected a value", "layer: ")
end

function T.test_refuses_weights_that_do_not_fit()
  local text = one("Convolution", "convolution_param { num_output: 3 kernel_size: 3 }")
  refused("layer 'y': the weights have no blob 1", text, { { name = "other", sb.zeros(1) } })
  refused("the weights have no blob 2", text, { { name = "y", sb.zeros(3, 2, 3, 3) } })
  refused("blob 1 has 10 numbers, its parameters ask for a multiple of 27", text,
    { { name = "y", sb.zeros(10) } })
  refused("blob 2 has 4 numbers, its parameters ask for 3", text,
    { { name = "y", sb.zeros(3, 2, 3, 3), sb.zeros(4) } })
  refused("input has 2 channels", text, { { name = "y", sb.zeros(3, 5, 3, 3), sb.zeros(3) } })
end

function T.test_survives_failed_allocations()
  local bytes = writer.encode { { name = "a", sb.ones(2, 3), sb.ones(2) } }
  local n = h.survives_failed_allocations(function() return core.caffe.weights(bytes) end)
  lu.assertTrue(n > 5)
end

-- An empty layer takes three bytes and unfolds to a hundred; two megabytes of them are no honest file.
function T.test_a_file_cannot_unfold_to_much_more_than_its_size()
  lu.assertNil(core.caffe.weights(("\162\6\0"):rep(700000)))
end

function T.test_refuses_files_of_another_kind()
  local path, weights = os.tmpname(), os.tmpname()
  writer.write(path, one("ReLU", ""))
  for _, bytes in ipairs { "", "not protobuf", ("\255"):rep(100), writer.encode {} } do
    writer.write(weights, bytes)
    h.error_has(caffe.load, weights, path, { weights = weights })
  end
  os.remove(weights)
  h.error_has(caffe.load, weights, path, { weights = weights })
  os.remove(path)
  h.error_has(caffe.load, path, path)
end

return T
