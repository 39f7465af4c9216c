-- The shared classifiers on the shared photos, from file to names of classes, against PyTorch's answers.
local lu = require "luaunit"
local cjson = require "cjson"
local sb = require "switchback"
local h = require "helper"

local T = {}

local models = { "googlenet", "squeezenet1_1", "tinydarknet" }

-- The net by name, from the shared folder.
local nets = {}
local function net(name)
  nets[name] = nets[name] or sb.load(name, { models = h.shared "models/README.md":match "^(.*)/" })
  return nets[name]
end

local function expected_answers()
  local text = assert(io.open(h.shared "reference/classification_top5.json")):read "a"
  return cjson.decode(text).images
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- Compares the top 5: the same first class, at least 4 classes in common, and for each class in common a
-- probability within 0.01. The margin is for decoders of JPEG, which differ by a level here and there.
local function check_top(what, top, expected)
  lu.assertEquals(top[1].index, expected[1].class + 1, what) -- the file counts classes from 0
  local ours, common = {}, 0
  for _, entry in ipairs(top) do ours[entry.index] = entry end
  for _, e in ipairs(expected) do
    local entry = ours[e.class + 1]
    if entry then
      common = common + 1
      lu.assertAlmostEquals(entry.p, e.p, 0.01, what)
      lu.assertEquals(entry.label, e.label, what)
    end
  end
  lu.assertTrue(common >= 4, what .. ": only " .. common .. " of the top 5")
end

for _, model in ipairs(models) do
  T["test_photos_" .. model] = function()
    local images = expected_answers()
    for _, photo in ipairs(sorted_keys(images)) do
      local image = assert(sb.image.load(h.shared("images/" .. photo)))
      local pass = net(model):forward(net(model):prepare(image))
      check_top(model .. " on " .. photo, pass:top(5), images[photo][model])
    end
  end
end

-- From the stored input tensors, where resizing plays no part: float32 against float64, 1e-5 absolute.
for _, model in ipairs(models) do
  T["test_stored_inputs_" .. model] = function()
    for _, photo in ipairs { "chelsea", "astronaut" } do
      local path = h.shared(("reference/%s_%s.safetensors"):format(model, photo))
      local stored = assert(sb.safetensors.load(path, { "input", "probs", "logits" }))
      local pass = net(model):forward(stored.input)
      h.close(pass:probabilities():reshape(1000), stored.probs:reshape(1000), 1e-5)
      lu.assertTrue(h.rel_l2(pass:scores():reshape(1000), stored.logits:reshape(1000)) < 1e-4)
    end
  end
end

-- One network in two formats: every value that both name, on one photo, to 1e-5 of its norm.
function T.test_caffe_and_onnx_agree()
  local caffe = sb.load(h.shared "models/googlenet/bvlc_googlenet.caffemodel")
  local onnx = net "googlenet"
  local path = h.shared "reference/googlenet_astronaut.safetensors"
  local input = assert(sb.safetensors.load(path, { "input" })).input
  local a, b, compared = caffe:forward(input), onnx:forward(input), 0
  local names = {}
  for _, name in ipairs(onnx:names()) do names[name] = true end
  for _, name in ipairs(caffe:names()) do
    if names[name] then
      compared = compared + 1
      lu.assertTrue(h.rel_l2(a[name]:reshape(-1), b[name]:reshape(-1)) < 1e-5, name)
    end
  end
  lu.assertTrue(compared >= 140, "only " .. compared .. " names in common")
  lu.assertEquals(caffe.labels[286], "Egyptian cat")
  lu.assertEquals(caffe.preprocess, onnx.preprocess)
end

return T
