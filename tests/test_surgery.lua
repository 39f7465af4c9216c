-- Nets made from nets: what changes, what stays, and who shares memory with whom.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

local function lenet() return sb.load("lenet5", { untrained = true, seed = 3 }) end
local function digit(seed) return sb.randn(sb.rng(seed or 1), 2, 1, 28, 28) end
local function scores(net, x) return net:forward(x or digit(), { record = false })[net.outputs[1]] end
local function weight(net, name) return net:node(name).layer.params.weight end

-- The old net must be as it was, whatever is done to the new one.
local function unchanged(net, f)
  local before, names = scores(net), net:names()
  f()
  lu.assertEquals(net:names(), names)
  h.close(scores(net), before, 0)
end

function T.test_clone_has_its_own_memory()
  local net = lenet()
  local copy = net:clone()
  h.close(scores(copy), scores(net), 0)
  unchanged(net, function() weight(copy, "conv1"):fill_(0) end)
end

-- Weights are shared until one of the nets is trained.
function T.test_training_one_never_changes_the_other()
  local net = lenet()
  local head = net:head(10)
  lu.assertIs(weight(head, "conv1"), weight(net, "conv1"))
  unchanged(net, function()
    for _, p in ipairs(head:parameters()) do p.value:fill_(0.5) end
  end)
  local list = net:parameters()
  local derived = net:upto("fc2")
  local before = scores(derived)
  for _, p in ipairs(list) do p.value:fill_(0.5) end
  h.close(scores(derived), before, 0)
  lu.assertIs(list[1].value, weight(net, "conv1")) -- whoever trains goes on training the same tensors
end

function T.test_upto()
  local net = lenet()
  local part = net:upto("relu2")
  lu.assertEquals(part:names(), { "conv1", "relu1", "pool1", "conv2", "relu2" })
  h.close(scores(part), net:forward(digit())["relu2"], 0)
  h.error_has(net.upto, "no layer is called 'relu9'", net, "relu9")
  local inception = sb.load("googlenet", { untrained = true }):upto("inception_3a/output")
  lu.assertEquals(inception.outputs, { "inception_3a/output" })
end

-- Zeiler & Fergus 2013, table 3: what is left of the network when layers are removed.
function T.test_without_as_in_zeiler_and_fergus()
  local net = sb.load("zfnet64", { untrained = true, seed = 1 })
  local less, remade = net:without { "conv3", "conv4" }
  lu.assertEquals(remade, { "conv5" })
  lu.assertEquals(weight(less, "conv5"):size(), { 256, 96, 3, 3 })
  lu.assertNil(less.by_name.bn3)
  lu.assertNil(less.by_name.relu4)
  lu.assertNotNil(less.by_name.pool3)
  lu.assertIs(weight(less, "conv2"), weight(net, "conv2"))
  lu.assertEquals(scores(less, sb.randn(sb.rng(1), 2, 3, 64, 64)):size(), { 2, 40 })
  less, remade = net:without { "fc6", "fc7" }
  lu.assertEquals(remade, { "fc8" })
  lu.assertNil(less.by_name.drop7)
  lu.assertEquals(weight(less, "fc8"):size(), { 40, 4096 })
  lu.assertEquals(less:node("fc8").inputs, { "flatten" })
  lu.assertEquals(select(2, net:without { "conv3", "conv4", "fc6", "fc7" }), { "conv5", "fc8" })
  lu.assertEquals(net:without("pool2"):shapes()["conv3"], { 1, 192, 32, 32 })
end

-- New weights depend on the seed alone, and have He's variance.
function T.test_what_no_longer_fits_is_drawn_from_the_seed()
  local net = lenet()
  local a, b, c = net:without("conv1"), net:without("conv1"), net:without("conv1", { seed = 1 })
  h.close(weight(a, "conv2"), weight(b, "conv2"), 0)
  lu.assertTrue(h.rel_l2(weight(a, "conv2"), weight(c, "conv2")) > 0.5)
  lu.assertAlmostEquals(weight(a, "conv2"):square():mean(), 2 / 25, 0.01)
end

function T.test_without_refuses_what_is_no_chain()
  local net = sb.load("resnet18", { untrained = true })
  h.error_has(net.without, "'layer1.0.add' joins or splits values", net, "layer1.0.add")
  h.error_has(net.without, "no layer is called 'conv9'", net, { "conv9" })
  h.error_has(net.without, "layer 'layer2.0.add'", net, "layer2.0.conv1") -- halves the branch no more
  h.error_has(lenet().without, "no layer would be left", lenet():upto("conv1"), "conv1")
end

function T.test_replace()
  local net = lenet()
  local wide, remade = net:replace("conv1", sb.layer.conv2d { in_channels = 1, out_channels = 8, kernel = 7,
                                                              pad = 3 })
  lu.assertEquals(remade, { "conv2" })
  lu.assertEquals(scores(wide):size(), { 2, 10 })
  lu.assertEquals(net:replace("pool1", sb.layer.avgpool { kernel = 2 }):node("pool1").layer.kind, "avgpool")
  lu.assertEquals(net:node("pool1").layer.kind, "maxpool")
  lu.assertEquals(select(2, net:replace("pool2", sb.layer.maxpool { kernel = 5 })), { "fc1" })
  h.error_has(net.replace, "replace: give a layer", net, "conv1", {})
  h.error_has(net.replace, "layer 'pool1': maxpool", net, "pool1", sb.layer.maxpool { kernel = 50 })
end

function T.test_head()
  local net = lenet()
  net.labels = {}
  local other = net:head(3, { labels = { "a", "b", "c" }, seed = 5 })
  lu.assertEquals(scores(other):size(), { 2, 3 })
  lu.assertEquals(other.labels, { "a", "b", "c" })
  lu.assertIs(weight(other, "fc2"), weight(net, "fc2"))
  lu.assertNil(net:head(3).labels)
  local squeeze = sb.load("squeezenet1_1", { untrained = true }):head(7) -- its classifier is a convolution
  lu.assertEquals(squeeze:shapes()[squeeze.outputs[1]], { 1, 7 })
  h.error_has(net.head, "head: 2 labels for 3 classes", net, 3, { labels = { "a", "b" } })
  h.error_has(net.head, "the number of classes must be a whole number of at least 1", net, 0)
  h.error_has(net.head, "'pool1' does not come from a linear layer", net:upto("pool1"), 3)
end

function T.test_reset()
  local net = sb.load("convnet4", { untrained = true, seed = 1 })
  net:node("bn1").layer.params.mean:fill_(3)
  local he, again = net:reset { seed = 2 }, net:reset { seed = 2 }
  h.close(weight(he, "conv3"), weight(again, "conv3"), 0)
  lu.assertAlmostEquals(weight(he, "conv3"):square():mean(), 2 / (64 * 9), 1e-4)
  h.close(he:node("bn1").layer.params.mean, sb.zeros(32), 0)
  local xavier = net:reset { layers = "fc1", method = "xavier" }
  local limit = math.sqrt(6 / (2048 + 128))
  lu.assertAlmostEquals(weight(xavier, "fc1"):max(), limit, 1e-3 * limit)
  lu.assertAlmostEquals(weight(xavier, "fc1"):square():mean(), limit ^ 2 / 3, 1e-2 * limit ^ 2)
  lu.assertIs(weight(xavier, "fc2"), weight(net, "fc2"))
  h.error_has(net.reset, "reset: unknown method 'xaver'; did you mean 'xavier'?", net, { method = "xaver" })
  h.error_has(net.reset, "no layer with weights is called 'relu'", net, { layers = "relu" })
end

-- Statistics and gains that are not those of a new batch norm.
local function seasoned(net, seed)
  local rng = sb.rng(seed)
  for _, node in ipairs(net.order) do
    local p = node.layer.params
    if p.variance then
      p.mean:copy_(sb.randn(rng, p.mean:size(1)) * 0.3)
      p.variance:copy_(sb.rand(rng, p.mean:size(1)) + 0.5)
      p.weight:copy_(sb.rand(rng, p.mean:size(1)) + 0.5)
      p.bias:copy_(sb.randn(rng, p.mean:size(1)) * 0.2)
    end
  end
  return net
end

-- The same function with fewer layers: scores and the gradient to the input agree to rounding.
function T.test_fold()
  for name, left in pairs { convnet4 = 0, zfnet64 = 0, resnet18 = 0, mobilenet_v2 = 0 } do
    local net = seasoned(sb.load(name, { untrained = true, classes = 10 }), 4)
    local folded, x = net:fold(), sb.randn(sb.rng(1), 1, 3, 64, 64)
    local found = 0
    for _, node in ipairs(folded.order) do found = found + (node.layer.kind == "batchnorm" and 1 or 0) end
    lu.assertEquals(found, left, name)
    local a, b = net:forward(x), folded:forward(x)
    lu.assertTrue(h.rel_l2(b:scores(), a:scores()) < 1e-5, name)
    if net.by_name.bn1 then h.close(b["bn1"], a["bn1"], 1e-4) end
    lu.assertTrue(h.rel_l2(b:backward { class = 3 }, a:backward { class = 3 }) < 1e-2, name)
  end
end

-- A batch norm whose convolution others read too, and one after no convolution, stay.
function T.test_fold_leaves_what_cannot_be_folded()
  local function node(name, input, layer) return { name = name, inputs = { input }, layer = layer } end
  local net = sb.net { inputs = { { name = "x", shape = { 0, 2, 0, 0 } } }, nodes = {
    node("first", "x", sb.layer.batchnorm { channels = 2 }),
    node("conv", "first", sb.layer.conv2d { in_channels = 2, out_channels = 2, kernel = 1 }),
    node("second", "conv", sb.layer.batchnorm { channels = 2, affine = false }),
    { name = "sum", inputs = { "conv", "second" }, layer = sb.layer.add {} },
    node("up", "sum", sb.layer.conv2d_transpose { in_channels = 2, out_channels = 3, kernel = 2,
                                                  bias = false }),
    node("third", "up", sb.layer.batchnorm { channels = 3, affine = false }),
    node("scale", "third", sb.layer.scale { channels = 3, rng = sb.rng(1) }),
  } }
  net:node("third").layer.params.mean:fill_(0.5)
  net:node("scale").layer.params.weight:copy_(sb.tensor { 1, 2, 3 })
  local folded, x = net:fold(), sb.randn(sb.rng(2), 1, 2, 4, 4)
  lu.assertEquals(folded:names(), { "first", "conv", "second", "sum", "up" })
  h.close(scores(folded, x), scores(net, x), 1e-5)
end

return T
