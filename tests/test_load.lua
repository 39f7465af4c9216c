-- load.lua and description.lua: which file is loaded, and what comes with it.
local lu = require "luaunit"
local sb = require "switchback"
local description = require "switchback.description"
local paths = require "switchback.paths"
local writer = require "caffe_writer"
local h = require "helper"

local T = {}

local prototxt = [[
  layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }
  layer { name: "s" type: "Scale" bottom: "data" top: "s" }]]
local weights = writer.encode { { name = "s", sb.tensor { 1, 2, 3 } } }

-- Calls f(folder) with a fresh folder that holds { name = content }, and removes it.
local function in_folder(content, f)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  for name, bytes in pairs(content) do
    assert(os.execute(("mkdir -p %s/%s"):format(folder, paths.folder(name))))
    writer.write(folder .. "/" .. name, bytes)
  end
  local ok, message = pcall(f, folder)
  os.execute("rm -r " .. folder)
  if not ok then error(message, 0) end
end

local function works(net)
  lu.assertEquals(net:forward(sb.ones(1, 3, 2, 2)).s:size(), { 1, 3, 2, 2 })
end

function T.test_finds_the_other_half_of_a_caffe_model()
  in_folder({ ["a.caffemodel"] = weights, ["deploy.prototxt"] = prototxt }, function(folder)
    works(sb.load(folder .. "/a.caffemodel"))
    works(sb.load(folder .. "/deploy.prototxt", { weights = folder .. "/a.caffemodel" }))
    works(sb.load(folder .. "/deploy.prototxt", { untrained = true }))
    h.error_has(sb.load, "deploy.caffemodel", folder .. "/deploy.prototxt")
  end)
  local content = { ["a.caffemodel"] = weights, ["a.prototxt"] = prototxt, ["deploy.prototxt"] = "" }
  in_folder(content, function(folder)
    works(sb.load(folder .. "/a.caffemodel"))
    works(sb.load(folder .. "/a.prototxt"))
  end)
  in_folder({ ["a.caffemodel"] = weights, ["net.txt"] = prototxt }, function(folder)
    h.error_has(sb.load, folder .. "/a.prototxt, " .. folder .. "/deploy.prototxt", folder .. "/a.caffemodel")
    works(sb.load(folder .. "/a.caffemodel", { prototxt = folder .. "/net.txt" }))
  end)
end

function T.test_content_tells_where_the_name_does_not()
  in_folder({ model = weights, ["deploy.prototxt"] = prototxt, text = prototxt, noise = ("\255"):rep(99) },
    function(folder)
      works(sb.load(folder .. "/model"))
      works(sb.load(folder .. "/text", { weights = folder .. "/model" }))
      h.error_has(sb.load, "not a model file that is known", folder .. "/noise")
      assert(sb.safetensors.save(folder .. "/tensors", { a = sb.zeros(1) }))
      h.error_has(sb.load, "not the network that they belong to", folder .. "/tensors")
    end)
end

local side = [[return { preprocess = { size = 4, mean = 0.5 }, labels = { "x", "y", "z" } }]]

function T.test_side_files_travel_with_the_weights()
  local content = { ["a.caffemodel"] = weights, ["a.prototxt"] = prototxt, ["a.model.lua"] = side }
  in_folder(content, function(folder)
    local net = sb.load(folder .. "/a.caffemodel")
    lu.assertEquals(net.labels, { "x", "y", "z" })
    lu.assertEquals(net.preprocess.mean, { 0.5, 0.5, 0.5 })
    lu.assertEquals(net.preprocess.channels, "BGR") -- what the side file leaves open, the format says
    lu.assertEquals(net:prepare(sb.zeros(3, 9, 8)):size(), { 1, 3, 4, 4 })
  end)
end

function T.test_options_win()
  in_folder({ ["a.caffemodel"] = weights, ["a.prototxt"] = prototxt, ["a.model.lua"] = side,
              ["l.txt"] = "n01440764 tench, Tinca tinca\r\ncat\n" }, function(folder)
    local path = folder .. "/a.caffemodel"
    local net = sb.load(path, { preprocess = { channels = "RGB" }, labels = folder .. "/l.txt" })
    lu.assertEquals(net.labels, { "tench, Tinca tinca", "cat" })
    lu.assertEquals(net.preprocess.channels, "RGB")
    lu.assertEquals(net.preprocess.size, { 4, 4 })
    local bare = sb.load(path, { preprocess = false, labels = false })
    lu.assertNil(bare.labels)
    h.error_has(bare.prepare, "no preprocessing", bare, sb.zeros(3, 4, 4))
    h.error_has(sb.load, "unknown option 'label'; did you mean 'labels'?", path, { label = {} })
    h.error_has(sb.load, "none.txt", path, { labels = folder .. "/none.txt" })
  end)
end

local named = [[return { weights = { "sub/b.caffemodel", "a.caffemodel" }, labels = "l.txt",
  prototxt = "net.prototxt", title = "A net", source = "here", licence = "MIT" }]]

function T.test_names_are_searched_in_the_folders_of_models()
  in_folder({ ["one/toy.model.lua"] = named, ["one/l.txt"] = "cat\ndog\nowl", ["two/a.caffemodel"] = weights,
              ["two/net.prototxt"] = prototxt }, function(folder)
    local models = folder .. "/one:" .. folder .. "/two"
    local net = sb.load("toy", { models = models })
    works(net)
    lu.assertEquals(net.labels, { "cat", "dog", "owl" })
    -- the same weights by path: their base name is in the description
    local by_path = sb.load(folder .. "/two/a.caffemodel", { models = models })
    lu.assertEquals(by_path.labels, { "cat", "dog", "owl" })
    local message = h.error_has(sb.load, "weights were not found", "toy", { models = folder .. "/one" })
    lu.assertStrContains(message, folder .. "/one/sub/b.caffemodel")
    lu.assertStrContains(message, folder .. "/one/a.caffemodel")
    h.error_has(sb.load, "no network is called 'toi'; did you mean 'toy'?", "toi", { models = models })
    h.error_has(sb.load, "googlenet", "nothing-like-it", { models = models })
  end)
end

-- One description for several files of weights, each known by its own name.
function T.test_a_family_of_weights()
  local family = [[return { weights = { "sub/a.caffemodel", "b.caffemodel" }, prototxt = "net.prototxt",
    labels = { "x", "y", "z" } }]]
  in_folder({ ["toys.model.lua"] = family, ["sub/a.caffemodel"] = weights, ["sub/net.prototxt"] = prototxt,
              ["b.caffemodel"] = weights, ["net.prototxt"] = prototxt }, function(folder)
    local function loaded(name) return sb.load(name, { models = folder }) end
    for _, name in ipairs { "toys", "a", "b" } do
      works(loaded(name))
      lu.assertEquals(loaded(name).labels, { "x", "y", "z" })
    end
    assert(os.remove(folder .. "/b.caffemodel"))
    h.error_has(loaded, "weights were not found", "b")
  end)
end

-- Tensors alone, and the network of the zoo that a description says they belong to.
function T.test_tensors_of_a_network_of_the_zoo()
  local tensors = require("switchback.zoo").tensors(sb.load("lenet5", { untrained = true, seed = 3 }))
  in_folder({ ["digits.model.lua"] = [[return { network = "lenet5", weights = "digits.safetensors" }]],
              ["bad.model.lua"] = [[return { network = "lenet6", weights = "bad.safetensors" }]] },
  function(folder)
    assert(sb.safetensors.save(folder .. "/digits.safetensors", tensors))
    assert(sb.safetensors.save(folder .. "/bad.safetensors", tensors))
    local x = sb.randn(sb.rng(1), 1, 1, 28, 28)
    local want = sb.load("lenet5", { untrained = true, seed = 3 }):forward(x):scores()
    for _, name in ipairs { "digits", folder .. "/digits.safetensors" } do
      h.close(sb.load(name, { models = folder }):forward(x):scores(), want, 1e-6)
    end
    h.error_has(sb.load, "bad.safetensors: the zoo has no network 'lenet6'; did you mean 'lenet5'?", "bad",
      { models = folder })
  end)
end

function T.test_missing_files_are_named()
  for _, path in ipairs { "none/a.onnx", "none/a.prototxt", "none/a.caffemodel", "none/a" } do
    h.error_has(sb.load, path, path)
  end
end

local function refused(text, source)
  local d, message = description.evaluate(source, "a.model.lua")
  lu.assertNil(d)
  lu.assertStrContains(message, text)
  lu.assertStrContains(message, "a.model.lua")
end

function T.test_descriptions_are_data()
  lu.assertEquals(description.evaluate("return { title = 'x' .. 1 + 1 }", "d"), { title = "x2" })
  refused("does not return a table", "return 1")
  refused("unknown key 'labells'; did you mean 'labels'?", "return { labells = {} }")
  refused("labels is a number", "return { labels = 1 }")
  refused("runs for too long", "while true do end")
  refused("too much memory", "local s = 'xxxxxxxx' while true do s = s .. s end")
  refused("global 'os'", "return { title = os.getenv 'HOME' }")
  refused("index a string value", "return { title = ('x'):rep(1e9) }")
  refused("unexpected symbol", "return {{")
  lu.assertNil(description.evaluate(string.dump(function() return {} end), "a.model.lua"))
  lu.assertEquals(("x"):rep(2), "xx") -- strings have their methods back
end

-- The descriptions that the project carries: weights in the shared folder, 1000 classes each.
function T.test_the_descriptions_of_the_project()
  local folder = assert(paths.find "models")
  for name, first in pairs { googlenet = "tench, Tinca tinca", squeezenet1_1 = "tench, Tinca tinca",
                             tinydarknet = "kit fox" } do
    local d = assert(description.read(folder .. "/" .. name .. ".model.lua"))
    lu.assertEquals(#d.labels, 1000)
    lu.assertEquals(d.labels[1], first)
    lu.assertTrue(#d.source > 0 and #d.licence > 0)
    h.shared("models/" .. d.weights[1])
  end
end

-- The labels that are carried are those of the shared lists, without the WordNet identifiers.
function T.test_the_labels_that_are_carried()
  local lines = assert(io.open(h.shared "models/synset_words.txt")):read "a"
  local carried = assert(io.open(paths.find "models/imagenet_labels.txt")):read "a"
  lu.assertEquals(carried, (lines:gsub("n%d%d%d%d%d%d%d%d ", "")))
end

return T
