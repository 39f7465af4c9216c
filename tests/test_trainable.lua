-- The weights that training changes.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

local function net() return sb.load("lenet5", { untrained = true, seed = 3 }) end

local function names(list)
  local out = {}
  for i, p in ipairs(list) do out[i] = p.name end
  return out
end

function T.test_parameters_are_listed_in_running_order()
  lu.assertEquals(names(net():parameters()), {
    "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight", "fc1.bias",
    "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias" })
end

function T.test_running_statistics_are_none()
  for _, p in ipairs(sb.load("resnet18", { untrained = true }):parameters()) do
    lu.assertTrue(p.key == "weight" or p.key == "bias", p.name)
  end
end

function T.test_gradients_are_those_of_the_walk()
  local n, x = net(), sb.randn(sb.rng(1), 2, 1, 28, 28)
  local list = n:parameters()
  lu.assertNil(list[1].gradient())
  local output = n.outputs[1]
  local pass = n:forward(x, { training = true })
  pass:backward { seeds = { [output] = sb.ones(2, 10) }, weights = true, to = {} }
  h.close(list[10].gradient(), sb.ones(10) * 2, 0) -- the last bias: one from each image
  lu.assertTrue(list[1].gradient():norm() > 0)
end

-- A weight that two layers share is one parameter; its gradient is the sum.
function T.test_shared_weights()
  local w = sb.randn(sb.rng(1), 3, 3)
  local function node(name, input)
    return { name = name, inputs = { input }, layer = sb.layer.linear { weight = w, bias = false } }
  end
  local n = sb.net { inputs = { { name = "x", shape = { 0, 3 } } },
                     nodes = { node("a", "x"), node("b", "a") } }
  local list, x = n:parameters(), sb.randn(sb.rng(2), 1, 3)
  lu.assertEquals(names(list), { "a.weight" })
  lu.assertIs(n:node("a").layer.params.weight, n:node("b").layer.params.weight)
  local function value() return n:forward(x)["b"]:sum() end
  n:forward(x, { weights = true }):backward { seeds = { b = sb.ones(1, 3) }, weights = true, to = {} }
  h.check_gradients(value, { list[1].value }, { list[1].gradient() })
end

function T.test_weights_from_a_file_get_memory_of_their_own_once()
  local path = h.temporary "trainable.safetensors"
  local w = sb.randn(sb.rng(1), 2, 3)
  assert(sb.safetensors.save(path, { w = w }))
  local mapped = assert(sb.safetensors.load(path)).w
  local n = sb.net { inputs = { { name = "x", shape = { 0, 3 } } },
    nodes = { { name = "a", inputs = { "x" }, layer = sb.layer.linear { weight = mapped, bias = false } } } }
  local value = n:parameters()[1].value
  value:fill_(0)
  h.close(mapped, w, 0)
  lu.assertIs(n:parameters()[1].value, value)
  lu.assertIs(n:node("a").layer.params.weight, value)
end

function T.test_halves_become_floats()
  local n = net():half()
  local list = n:parameters()
  lu.assertEquals(list[#list].name, "fc3.bias")
  lu.assertEquals(list[5].value:dim(), 2)
  lu.assertIs(n:node("fc1").layer.params.weight, list[5].value)
  n:forward(sb.randn(sb.rng(1), 1, 1, 28, 28), { weights = true })
    :backward { class = 1, weights = true, to = {} }
end

function T.test_freezing()
  local n = net()
  lu.assertIs(n:freeze("conv"), n)
  lu.assertEquals(#n:parameters(), 6)
  lu.assertEquals(#n:freeze("^fc1%.weight$"):parameters(), 5)
  lu.assertEquals(#n:unfreeze("conv1"):parameters(), 7)
  lu.assertEquals(#n:freeze():parameters(), 0)
  lu.assertEquals(#n:unfreeze():parameters(), 10)
  h.error_has(n.freeze, "no weight is called 'conw2.weight'; did you mean 'conv2.weight'", n, "conw2.weight")
  n.aliases.first = "conv1"
  lu.assertEquals(#n:freeze("first"):parameters(), 8)
end

return T
