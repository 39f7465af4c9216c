-- formats/torch/t7.lua and nn.lua: files as t7_writer.lua makes them. Wanted values are computed by layers
-- that are put together here by hand.
local lu = require "luaunit"
local sb = require "switchback"
local w = require "t7_writer"
local h = require "helper"

local T = {}

local PATH <const> = "net.t7"

local function write(bytes)
  local path = h.temporary(PATH)
  local f = assert(io.open(path, "wb"))
  f:write(bytes)
  f:close()
  return path
end

local function load_object(object) return sb.torch.load(write(w.write(object))) end

local function load_net(object) return sb.load(write(w.write(object))) end

local function refused(text, bytes)
  local value, message = sb.torch.load(write(bytes))
  lu.assertNil(value)
  lu.assertStrContains(message, PATH .. ": ")
  lu.assertStrContains(message, text)
end

-- ---- Objects ------------------------------------------------------------------------------------------

function T.test_values()
  local shared = { 1, 2 }
  local value = assert(load_object { n = -2.5, s = "text", yes = true, no = false, list = shared,
                                     again = shared, [3] = "three", o = w.instance("my.Class", { x = 1 }) })
  lu.assertEquals({ value.n, value.s, value.yes, value.no, value[3] }, { -2.5, "text", true, false, "three" })
  lu.assertEquals(value.list, { 1, 2 })
  lu.assertTrue(rawequal(value.list, value.again))
  lu.assertEquals({ sb.torch.typename(value.o), value.o.x }, { "my.Class", 1 })
  lu.assertNil(sb.torch.typename(value))
end

function T.test_tensors_share_storages()
  local storage = w.storage("Float", { 1, 2, 3, 4, 5, 6 })
  local value = assert(load_object { a = w.tensor("Float", storage, 1, { 2, 3 }, { 3, 1 }),
    t = w.tensor("Float", storage, 1, { 3, 2 }, { 1, 3 }), tail = w.tensor("Float", storage, 5, { 2 }, { 1 }),
    s = storage, empty = w.tensor("Float", nil, 1, {}, {}) })
  lu.assertEquals(value.a:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
  lu.assertEquals(value.t:totable(), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
  lu.assertEquals(value.tail:totable(), { 5, 6 })
  lu.assertEquals(value.s:totable(), { 1, 2, 3, 4, 5, 6 })
  lu.assertEquals(value.empty:size(), { 0 })
end

function T.test_every_type_of_numbers()
  for _, kind in ipairs { "Double", "Long", "Int", "Byte", "Cuda" } do
    local value = assert(load_object { w.of(sb.tensor { 3, 0, 200 }, kind) })
    lu.assertEquals(value[1]:totable(), { 3, 0, 200 }, kind)
  end
end

-- ---- Nets -------------------------------------------------------------------------------------------------

local rng = sb.rng(4)
local function random(...) return sb.randn(rng, ...) end

local function conv(ins, outs, size, fields)
  local all = { nInputPlane = ins, nOutputPlane = outs, kW = size, kH = size, dW = 1, dH = 1, padW = 0,
                padH = 0, weight = random(outs, ins, size, size), bias = random(outs) }
  for key, value in pairs(fields or {}) do all[key] = value end
  return all
end

-- An instance whose tensors are written as torch.FloatTensor.
local function module(class, fields)
  local out = {}
  for key, value in pairs(fields or {}) do out[key] = type(value) == "userdata" and w.of(value) or value end
  return w.instance("nn." .. class, out)
end

local function sequential(...) return module("Sequential", { modules = { ... } }) end

local function size(...) return w.storage("Long", { ... }) end

-- What a layer of ours makes of x.
local function run(kind, config, ...) return (sb.layer[kind](config):forward(...)) end

local function run_conv(fields, x, pad)
  return run("conv2d", { in_channels = fields.nInputPlane, out_channels = fields.nOutputPlane,
                         kernel = fields.kW, pad = pad or 0, weight = fields.weight, bias = fields.bias }, x)
end

function T.test_a_classifier()
  local c1, c2 = conv(2, 4, 3, { padW = 1, padH = 1 }), conv(4, 3, 3)
  local fc = { weight = random(5, 27), bias = random(5) }
  local flat = conv(4, 3, 3, { weight = c2.weight:reshape(3, 36), bias = c2.bias })
  local pool = { kW = 2, kH = 2, dW = 2, dH = 2, padW = 0, padH = 0, ceil_mode = true }
  local net = load_net(sequential(module("SpatialConvolution", c1), module("ReLU", { inplace = true }),
    module("SpatialMaxPooling", pool), module("SpatialConvolutionMM", flat), module "Tanh",
    module("Reshape", { size = size(27) }), module("Dropout", { p = 0.5, v2 = true }), module("Linear", fc),
    module "LogSoftMax"))
  lu.assertEquals(net:names(), { "1", "2", "3", "4", "5", "6", "7", "8", "9" })
  lu.assertEquals(net.inputs[1].shape, { 0, 2, 0, 0 })
  local x = random(2, 2, 9, 10)
  local y = run("relu", {}, run_conv(c1, x, 1))
  y = run_conv(c2, run("maxpool", { kernel = 2, stride = 2, ceil_mode = true }, y))
  local out = run("linear", { in_features = 27, out_features = 5, weight = fc.weight, bias = fc.bias },
    run("flatten", {}, run("tanh", {}, y)))
  lu.assertTrue(h.rel_l2(net:forward(x)["9"], run("log_softmax", {}, out)) < 1e-5)
end

-- fast-neural-style's pieces: a residual block without padding, instance norm, upsampling, scaling.
function T.test_a_transformation_net()
  local norm = { nOutput = 3, eps = 1e-5, weight = random(3), bias = random(3) }
  local inner, up = conv(3, 3, 3), conv(3, 2, 4, { dW = 2, dH = 2, padW = 1, padH = 1, adjW = 1, adjH = 0 })
  up.weight, up.bias = random(3, 2, 4, 4), random(2)
  local block = module("ConcatTable", { modules = { sequential(module("SpatialConvolution", inner),
    module("InstanceNormalization", norm)), module("ShaveImage", { size = 1 }) } })
  local border = module("SpatialReflectionPadding", { pad_l = 1, pad_r = 2, pad_t = 3, pad_b = 0 })
  local net = load_net { model = sequential(border, sequential(block, module "CAddTable"),
    module("SpatialFullConvolution", up), module "Tanh", module("MulConstant", { constant_scalar = 150 }),
    module("TotalVariation", { strength = 1 })) }
  local x = random(1, 3, 6, 7)
  local y = run("pad", { pads = { 3, 1, 0, 2 }, mode = "reflect" }, x)
  local normed = run("instancenorm", { channels = 3, eps = 1e-5, weight = norm.weight, bias = norm.bias },
    run_conv(inner, y))
  y = normed + y:narrow(3, 2, y:size(3) - 2):narrow(4, 2, y:size(4) - 2)
  y = run("conv2d_transpose", { in_channels = 3, out_channels = 2, kernel = 4, stride = 2, pad = 1,
                                output_pad = { 0, 1 }, weight = up.weight, bias = up.bias }, y)
  lu.assertTrue(h.rel_l2(net:forward(x)[net.outputs[1]], run("tanh", {}, y) * 150) < 1e-5)
  lu.assertEquals(net:names "2.1.1.1", { "2.1.1.1" })
end

function T.test_branches_and_norms()
  local a, b = conv(2, 3, 1), conv(2, 2, 3, { padW = 1, padH = 1 })
  local mean, var = random(5), random(5):abs() + 0.5
  local weight, bias, eps = random(5), random(5), 1e-3
  local lrn = { size = 3, alpha = 0.1, beta = 0.75, k = 2 }
  local function net(fields)
    return load_net(sequential(module("DepthConcat", { dimension = 2, modules = {
      module("SpatialConvolution", a), sequential(module("SpatialConvolution", b)) } }),
      module("SpatialBatchNormalization", fields), module("SpatialCrossMapLRN", lrn),
      module("SpatialAveragePooling", { kW = 2, kH = 2, dW = 2, dH = 2, padW = 0, padH = 0 }),
      module("View", { size = size(-1) })))
  end
  local x = random(2, 2, 4, 4)
  local both = run("concat", { axis = 2 }, run_conv(a, x), run_conv(b, x, 1))
  local affine = { channels = 5, eps = eps, weight = weight, bias = bias, mean = mean, variance = var }
  local plain = { channels = 5, eps = eps, affine = false, mean = mean, variance = var }
  for _, case in ipairs { { affine, { running_var = var, weight = weight, bias = bias } },
                          { plain, { running_std = 1 / (var + eps):sqrt() } } } do
    local fields = case[2]
    fields.running_mean, fields.eps = mean, eps
    local wanted = run("flatten", {}, run("avgpool", { kernel = 2, stride = 2 },
      run("lrn", lrn, run("batchnorm", case[1], both))))
    lu.assertTrue(h.rel_l2(net(fields):forward(x):scores(), wanted) < 1e-5)
  end
end

function T.test_what_no_layer_stands_for_is_listed()
  local message = h.error_has(load_net, "net.t7: has modules that no layer stands for: nn.Foo (module " ..
    "'1'), nn.Bar (module '3')", sequential(module "Foo", module "ReLU", module "Bar"))
  lu.assertNotStrContains(message, "nn.ReLU")
  h.error_has(load_net, "holds no net of nn modules", { 1, 2 })
  h.error_has(load_net, "module '1', nn.Threshold: its value below the threshold is 1, not 0",
    sequential(module("Threshold", { threshold = 0, val = 1 })))
end

-- ---- Hostile files ----------------------------------------------------------------------------------

local function int(...) return string.pack(("<" .. ("i4"):rep(select("#", ...))), ...) end

function T.test_refuses_what_would_run()
  for _, kind in ipairs { 6, 7, 8 } do
    local dumped = int(kind, 2, 4) .. "\27Lua" .. int(0)
    refused("refuses a Lua function", int(3, 1, 1) .. int(2, 1) .. "f" .. dumped)
  end
  refused("refuses an object of class tds.Hash", w.write { w.raw("tds.Hash", int(7, 7)) })
  refused("refuses a torch.ComplexTensor", w.write { w.raw("torch.ComplexTensor", "") })
end

function T.test_refuses_lies()
  refused("claims 1152921504606846976 elements of 4 bytes", w.write { w.raw("torch.FloatStorage",
    string.pack("<i8", 1 << 60)) })
  refused("claims -1 elements", w.write { w.raw("torch.FloatStorage", string.pack("<i8", -1)) })
  local storage = w.storage("Float", { 1, 2, 3 })
  local function tensor(...) return w.write { w.tensor("Float", storage, ...) } end
  refused("more elements than its storage", tensor(1, { 1 << 30 }, { 0 }))
  refused("reaches beyond", tensor(1, { 2 }, { 1 << 62 }))
  refused("a part begins at -1", tensor(0, { 1 }, { 1 }))
  refused("is no storage", w.write { w.tensor("Float", { elements = 3 }, 1, { 3 }, { 1 }) })
  refused("7 dimensions", tensor(1, { 1, 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1, 1 }))
  refused("cut short", int(3, 1, 1 << 30))
  refused("cut short", int(3, 1, 1, 2, 1 << 30))
  refused("is of type 9", int(3, 1, 1, 9))
  refused("a key that is none", int(3, 1, 1, 0, 0))
end

function T.test_recursion_and_doubling()
  local deep = {}
  for _ = 1, 600 do deep = { deep } end
  refused("nested more than 512 deep", w.write(deep))
  local cyclic = {}
  cyclic[1] = cyclic
  local found = assert(load_object(cyclic))
  lu.assertTrue(rawequal(found, found[1]))
  local own = module "Sequential"
  own.fields.modules = { own }
  h.error_has(load_net, "nested more than 100 deep", own)
  local doubled = module("ReLU")
  for _ = 1, 40 do doubled = sequential(doubled, doubled) end
  h.error_has(load_net, "has more than 100000 modules", doubled)
end

function T.test_survives_mutations()
  local whole = w.write(sequential(module("SpatialConvolution", conv(1, 1, 2)), module("Linear", {
    weight = random(2, 2), bias = random(2) }), module("View", { size = size(-1, 4) })))
  local r = sb.rng(2)
  for _ = 1, 300 do
    local at = r:integer(1, #whole)
    local path = write(whole:sub(1, at - 1) .. string.char(r:integer(0, 255)) .. whole:sub(at + 1))
    local value, message = sb.torch.load(path)
    lu.assertTrue(value ~= nil or message == nil or not message:find "attempt to", message)
    pcall(sb.load, path)
    lu.assertNil((sb.torch.load(write(whole:sub(1, at - 1)))))
  end
end

return T
