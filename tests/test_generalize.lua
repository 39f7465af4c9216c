-- Linear classifiers of features, and the table of layers.
local datasets = require "datasets"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local classifier = require "switchback.classifier"
local core = require "switchback.core"

local t = {}

local function list(first, last)
  local out = {}
  for i = first, last do out[#out + 1] = i end
  return out
end

-- n examples of `classes` classes in d dimensions, in turn, around means that lie `apart` apart.
local function examples(n, classes, d, apart, seed)
  local rng = sb.rng(seed or 1)
  local means, x, labels = sb.randn(rng, classes, d) * apart, sb.randn(rng, n, d), {}
  for i = 1, n do
    labels[i] = (i - 1) % classes + 1
    x[i] = x[i] + means[labels[i]]
  end
  return x, labels
end

-- ---- Coordinates -----------------------------------------------------------------------------------------

-- The coordinates have the inner products of the centred features of length 1.
function t.test_coordinates_keep_the_inner_products()
  local x = examples(30, 3, 50, 1)
  local train, test = list(1, 20), list(21, 30)
  local a, b = core.svm.coordinates(classifier.products(x:clone()), train, test)
  lu.assertEquals({ a:size(), b:size() }, { { 20, 20 }, { 10, 20 } })
  local centred = x - x:narrow(1, 1, 20):mean(1)
  for i = 1, 30 do centred[i] = centred[i] / centred[i]:norm() end
  local first, second = centred:narrow(1, 1, 20), centred:narrow(1, 21, 10)
  local ridge = sb.zeros(20, 20)
  for i = 1, 20 do ridge[{ i, i }] = 1e-4 end
  h.close(a:matmul(a:transpose()), first:matmul(first:transpose()) + ridge, 2e-5)
  h.close(b:matmul(a:transpose()), second:matmul(first:transpose()), 2e-5)
end

function t.test_features_that_are_no_numbers_are_told()
  local x = examples(6, 2, 4, 1)
  x[{ 3, 2 }] = 0 / 0
  local k = classifier.products(x)
  h.error_has(classifier.accuracy, "no number", "svm", k, { 1, 2, 1, 2, 1, 2 }, list(1, 4), { 5, 6 }, 2, 1)
end

-- ---- Classifiers -----------------------------------------------------------------------------------------

-- Fewest errors: the minimum of each problem, found by conditions on its gradient.
local function gradient_of_softmax(x, labels, w, b, cost)
  local _, g = sb.criterion.cross_entropy {}(x:matmul(w:transpose()) + b, labels)
  g:mul_(cost * #labels)
  return g:transpose():matmul(x) + w, g:sum(1) + b
end

function t.test_softmax_is_at_its_minimum()
  local x, labels = examples(40, 4, 6, 0.7)
  local w, b = classifier.softmax(x, labels, 4, 2)
  local of_w, of_b = gradient_of_softmax(x, labels, w, b, 2)
  lu.assertTrue(of_w:abs():max() < 2e-3 and of_b:abs():max() < 2e-3)
end

-- Squared hinge loss of one class against the rest, and its penalty.
local function svm_loss(x, labels, class, w, b, cost)
  local loss = (w:dot(w) + b * b) / 2
  local scores = x:matmul(w)
  for i, label in ipairs(labels) do
    local y = label == class and 1 or -1
    loss = loss + cost * math.max(0, 1 - y * (scores[i] + b)) ^ 2
  end
  return loss
end

function t.test_svm_is_near_its_minimum()
  local x, labels = examples(40, 3, 5, 0.7)
  local w, b = classifier.svm(x, labels, 3, 0.5)
  local rng = sb.rng(3)
  for class = 1, 3 do
    local least = svm_loss(x, labels, class, w[class], b[class], 0.5)
    for _ = 1, 50 do
      local moved = w[class] + sb.randn(rng, 5) * 0.05
      lu.assertTrue(svm_loss(x, labels, class, moved, b[class] + 0.05 * rng:normal(), 0.5) > least * 0.99)
    end
  end
end

function t.test_two_classes_and_absent_ones()
  local x, labels = examples(30, 2, 4, 3)
  local w, b = classifier.svm(x, labels, 3, 1)
  local scores = x:matmul(w:transpose()) + b
  for i, label in ipairs(labels) do
    lu.assertTrue(scores[{ i, label }] > 0)
    lu.assertAlmostEquals(scores[{ i, 1 }], -scores[{ i, 2 }], 1e-6)
    lu.assertEquals(scores[{ i, 3 }], 0)
  end
end

function t.test_accuracy_separates_classes_and_finds_none_in_noise()
  local x, labels = examples(200, 4, 300, 1)
  local noise = sb.randn(sb.rng(9), 200, 300)
  for _, kind in ipairs { "svm", "softmax" } do
    local function accuracy(features)
      local k = classifier.products(features:clone())
      return classifier.accuracy(kind, k, labels, list(1, 120), list(121, 200), 4, 1)
    end
    lu.assertTrue(accuracy(x) > 0.97)
    lu.assertAlmostEquals(accuracy(noise), 0.25, 0.2) -- deviation 0.05 of 80 guesses
    lu.assertEquals(accuracy(x), accuracy(x))
  end
end

-- ---- Features and the table ------------------------------------------------------------------------------

local function tiny_net()
  local L, rng = sb.layer, sb.rng(2)
  return sb.net {
    inputs = { { name = "data", shape = { 0, 3, 8, 8 } } },
    nodes = {
      { name = "conv", inputs = { "data" },
        layer = L.conv2d { in_channels = 3, out_channels = 6, kernel = 3, pad = 1, rng = rng } },
      { name = "relu", inputs = { "conv" }, layer = L.relu {} },
      { name = "pool", inputs = { "relu" }, layer = L.maxpool { kernel = 2, stride = 2 } },
      { name = "flat", inputs = { "pool" }, layer = L.flatten {} },
      { name = "out", inputs = { "flat" },
        layer = L.linear { in_features = 96, out_features = 3, rng = rng } },
    },
    outputs = { "out" },
    preprocess = { size = 8, mean = 0.5, std = 0.25 },
  }
end

-- Three classes, told by their colour.
local function colour_set(n)
  local path = datasets.folder "colours"
  local rng = sb.rng(8)
  for class = 1, 3 do
    datasets.folder("colours/" .. class)
    for i = 1, n do
      local picture = sb.rand(rng, 3, 10, 10) * 0.6
      picture[class] = picture[class] + 0.3
      datasets.write(("%s/%d/%02d.png"):format(path, class, i), assert(sb.image.encode(picture, "png")))
    end
  end
  return assert(sb.data.open(path))
end

function t.test_features_are_what_the_net_answers()
  local features = require "switchback.features"
  local net, set = tiny_net(), colour_set(6)
  local found = features.of_layers(net, set, { "pool", "conv" }, { batch = 4, grid = 4 })
  lu.assertEquals({ found.pool:size(), found.conv:size() }, { { 18, 96 }, { 18, 96 } })
  local x = net:prepare(set:picture(7))
  local pass = net:forward(x)
  h.close(found.pool[7], pass.pool:reshape(96), 1e-5)
  h.close(found.conv[7], sb.image.resize(pass.conv, 4, 4, { method = "area" }):reshape(96), 1e-5)
  h.error_has(features.of_layers, "did you mean 'pool'?", net, set, { "pol" })
end

function t.test_the_table_of_layers()
  local generalize = require "switchback.generalize"
  local rows = generalize.run(tiny_net(), colour_set(6),
    { layers = { "conv", "pool" }, counts = { 1, 4 }, folds = 4 })
  lu.assertEquals(#rows, 8)
  lu.assertEquals({ rows[4].layer, rows[4].classifier, rows[4].count }, { "conv", "softmax", 4 })
  for _, row in ipairs(rows) do -- colours show through any weights
    lu.assertTrue(row.pretrained.mean > 0.7 and row.random.mean > 0.5)
    lu.assertTrue(row.pretrained.deviation >= 0)
  end
  lu.assertEquals(#generalize.charts(rows), 2)
  lu.assertEquals(#generalize.charts(rows)[1].series, 4)
  h.error_has(generalize.run, "class '1' has 6 pictures, 6 to train on leave none to test", tiny_net(),
    colour_set(6), { counts = { 6 } })
end

function t.test_the_recipe()
  local cjson, tiny = require "cjson", require "tiny_model"
  local path, out = datasets.class_folders "recipe", h.temporary "generalize/table.png"
  local text = h.shell(("%s generalize --model %s --data %s --count 2 --folds 2 --json --quiet --out %s")
    :format(h.host, tiny.model(), path, out))
  local result = cjson.decode(text)
  lu.assertEquals({ result.pictures, result.classes, #result.rows % 2 }, { 6, { "n01", "n02" }, 0 })
  for _, row in ipairs(result.rows) do lu.assertTrue(row.random.mean >= 0 and row.pretrained.mean <= 1) end
  lu.assertEquals(assert(sb.image.load(out)):size(1), 3)
end

return t
