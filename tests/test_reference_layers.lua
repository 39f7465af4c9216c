-- Every single-layer case of the shared reference values (PyTorch in float64; see reference/README):
-- outputs, gradients to inputs and weights, recorded indices and statistics, and the backward rules.
local lu = require "luaunit"
local cjson = require "cjson"
local sb = require "switchback"
local h = require "helper"

local T = {}

-- Relative L2. float32 PyTorch misses these values by up to 4e-7.
local TOLERANCE = { exact = 1e-6, fast = 1e-5 }

local function shared_index()
  local file = io.open((os.getenv "SWITCHBACK_SHARED" or "../shared") .. "/reference/index.json")
  local index = file and cjson.decode(file:read "a")
  return index and index.cases.layers.layers or {}
end

-- A case: its attributes, its tensors by name, and got(name, t), which compares t with the expected tensor
-- and notes that it was.
local function open_case(name, case, tensors)
  local self = { attrs = case.attrs, t = {}, seen = {} }
  for key in pairs(case.tensors) do self.t[key] = tensors[name .. "/" .. key] end
  function self.got(key, t)
    local want = self.t[key]
    local miss = h.rel_l2(t:reshape(want:size()), want)
    lu.assertTrue(miss <= TOLERANCE[sb.precision()], ("%s/%s: relative L2 %g"):format(name, key, miss))
    self.seen[key] = true
  end
  return self
end

-- Runs the layer forward and back and compares what the case holds: y, indices, gx, gw, gb, gx_<rule>.
local function check(layer, c)
  local y, tape = layer:forward(c.t.x, { training = c.attrs.training })
  c.got("y", y)
  if c.t.indices then c.got("indices", tape.switches - 1) end
  c.got("gx", layer:backward(tape, c.t.gy, { weights = true }))
  if c.t.gw then c.got("gw", layer.grads.weight) end
  if c.t.gb then c.got("gb", layer.grads.bias) end
  for _, rule in ipairs { "guided", "deconv" } do
    local key = "gx_" .. rule
    if c.t[key] then c.got(key, layer:backward(tape, c.t.gy, { rectifier = rule })) end
  end
  return y, tape
end

local function convolution(kind)
  return function(c)
    local a = c.attrs
    check(sb.layer[kind] { weight = c.t.w, bias = c.t.b or false, stride = a.stride, pad = a.padding,
      dilation = a.dilation, groups = a.groups, output_pad = a.output_padding }, c)
  end
end

local function affine(c, config)
  config.weight, config.bias, config.eps = c.t.w, c.t.b, c.attrs.eps
  return config
end

local function plain(kind, config) return function(c) check(sb.layer[kind](config), c) end end

-- The gradient of the mean (or sum) over rows of -log p[target].
local function cross_entropy(c)
  local targets, rows = c.t.target:totable(), c.t.logits:size(1)
  c.got("probs", (sb.layer.softmax { axis = 2 }:forward(c.t.logits)))
  local layer = sb.layer.log_softmax { axis = 2 }
  local log_p, tape = layer:forward(c.t.logits)
  local seed, loss = sb.zeros(log_p:size()), 0
  local share = c.attrs.reduction == "mean" and 1 / rows or 1
  for row = 1, rows do
    local at = { row, targets[row] // 1 + 1 }
    seed[at], loss = -share, loss - share * log_p[at]
  end
  c.got("loss", sb.tensor { loss })
  c.got("glogits", layer:backward(tape, seed))
end

local ops = {
  conv2d = convolution "conv2d",
  conv_transpose2d = convolution "conv2d_transpose",
  linear = function(c) check(sb.layer.linear { weight = c.t.w, bias = c.t.b }, c) end,
  max_pool2d = function(c)
    local a = c.attrs
    check(sb.layer.maxpool { kernel = a.kernel, stride = a.stride, pad = a.padding,
      ceil_mode = a.ceil_mode }, c)
  end,
  max_unpool2d = function(c)
    local pooled, tape = sb.layer.maxpool { kernel = c.attrs.kernel, stride = c.attrs.stride }:forward(c.t.x)
    c.got("pooled", pooled)
    c.got("indices", tape.switches - 1)
    local size = c.t.y:size()
    c.got("y", sb.unpool(pooled, tape.switches, { size[3], size[4] }))
  end,
  avg_pool2d = function(c)
    local a = c.attrs
    check(sb.layer.avgpool { kernel = a.kernel_size, stride = a.stride, pad = a.padding,
      ceil_mode = a.ceil_mode, count_include_pad = a.count_include_pad }, c)
  end,
  global_avg_pool = plain "global_avgpool",
  local_response_norm = function(c) check(sb.layer.lrn(c.attrs), c) end,
  batch_norm = function(c)
    local mean, variance = c.t.running_mean:clone(), c.t.running_var:clone()
    check(sb.layer.batchnorm(affine(c, { mean = mean, variance = variance, momentum = c.attrs.momentum })), c)
    if c.attrs.training then
      c.got("running_mean_after", mean)
      c.got("running_var_after", variance)
    end
  end,
  instance_norm = function(c) check(sb.layer.instancenorm(affine(c, {})), c) end,
  relu = plain "relu",
  leaky_relu = function(c) check(sb.layer.leaky_relu { slope = c.attrs.slope }, c) end,
  clip = function(c) check(sb.layer.clip { min = c.attrs.min, max = c.attrs.max }, c) end,
  sigmoid = plain "sigmoid",
  tanh = plain "tanh",
  softmax = function(c) check(sb.layer.softmax { axis = c.attrs.axis + 1 }, c) end,
  softmax_cross_entropy = cross_entropy,
  pad = function(c)
    local top, bottom, left, right = table.unpack(c.attrs.pads_tblr)
    check(sb.layer.pad { pads = { top, left, bottom, right }, mode = c.attrs.mode }, c)
  end,
  resize = function(c)
    local a, scale = c.attrs, c.attrs.scale
    check(sb.layer.resize { sizes = a.size, scales = scale and { scale, scale }, mode = a.mode,
      coordinate_transformation_mode = a.coordinate_transformation_mode }, c)
  end,
  concat = function(c)
    local layer = sb.layer.concat { axis = c.attrs.axis + 1 }
    local y, tape = layer:forward(c.t.a, c.t.b)
    c.got("y", y)
    local ga, gb = layer:backward(tape, c.t.gy)
    c.got("ga", ga)
    c.got("gb", gb)
  end,
}

-- Tensors of a case that are not results.
local GIVEN = { x = true, w = true, b = true, a = true, gy = true, logits = true, target = true,
  running_mean = true, running_var = true }

local function run_case(name, case, tensors)
  local c = open_case(name, case, tensors)
  lu.assertNotNil(ops[case.op], name .. ": no layer is known for " .. case.op)
  ops[case.op](c)
  for key in pairs(case.tensors) do
    lu.assertTrue(c.seen[key] or GIVEN[key] or false, ("%s/%s was not compared"):format(name, key))
  end
end

local count = 0
for name, case in pairs(shared_index()) do
  count = count + 1
  T["test_" .. name] = function()
    for mode in pairs(TOLERANCE) do
      sb.precision(mode)
      run_case(name, case, sb.safetensors.load(h.shared "reference/layers.safetensors"))
    end
  end
end

function T.test_all_cases_were_there()
  h.shared "reference/layers.safetensors"
  lu.assertEquals(count, 45)
end

function T.tearDown() h.usual_precision() end

return T
