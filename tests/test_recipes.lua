-- The recipes that come with the project, as commands, on a model small enough to be made here.
local cjson = require "cjson"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local tiny = require "tiny_model"

local T = {}

-- Runs a recipe; answers its JSON and the picture that it wrote.
local function run(name, arguments, model)
  local out = h.temporary(name .. "/" .. "picture.png")
  model = model or tiny.model()
  local command = ("%s %s --model %s %s --out %s --json"):format(h.host, name, model, arguments, out)
  local text, status = h.shell(command)
  lu.assertEquals(status, 0, text)
  local result = cjson.decode(text)
  lu.assertEquals(result.files, { out })
  return result, assert(sb.image.load(out))
end

local function on_photo(arguments) return "--image " .. tiny.photo() .. " " .. (arguments or "") end

function T.test_classify()
  local result, picture = run("classify", on_photo "--top 3")
  local net = sb.load(tiny.model())
  local top = net:forward(net:prepare(sb.image.load(tiny.photo()))):top(3)
  lu.assertEquals(#result.classes, 3)
  for i, class in ipairs(top) do
    lu.assertEquals({ result.classes[i].index, result.classes[i].label }, { class.index, class.label })
    lu.assertAlmostEquals(result.classes[i].p, class.p, 1e-6)
  end
  lu.assertEquals(picture:size(1), 3)
  local lines = h.shell(("%s classify --model %s %s"):format(h.host, tiny.model(), on_photo "--top 1"))
  lu.assertEquals(lines, tostring(net:forward(net:prepare(sb.image.load(tiny.photo()))):top(1)) .. "\n")
end

function T.test_saliency()
  local result, wide = run("saliency", on_photo "--class bee")
  lu.assertEquals({ result.class.index, result.class.label }, { 2, "bee, honey bee" })
  local _, narrow = run("saliency", on_photo "--class 2 --rule guided --form signed")
  lu.assertTrue(narrow:size(3) < wide:size(3)) -- no heat map over the input
end

function T.test_attribute()
  local result, wide = run("attribute", on_photo "--class bee --steps 2 --samples 2")
  lu.assertEquals({ result.class.index, #result.methods }, { 2, 8 })
  local one, narrow = run("attribute", on_photo "--method gradcam++")
  lu.assertEquals(one.methods, { "gradcam++" })
  lu.assertTrue(narrow:count() < wide:count())
end

function T.test_fool()
  local fooled = h.temporary "fooled.png"
  local command = ("%s fool --model %s %s --most 200 --confidence 0 --class eel --picture %s --out %s --json")
    :format(h.host, tiny.model(), on_photo(), fooled, h.temporary "fool.png")
  local text, status = h.shell(command)
  lu.assertEquals(status, 0, text)
  local result = cjson.decode(text)
  lu.assertTrue(result.fooled)
  lu.assertEquals({ result.class.label, result.loaded.label }, { "eel", "eel" })
  lu.assertAlmostEquals(result.loaded.p, result.class.after, 1e-6)
  lu.assertEquals(assert(sb.image.load(fooled)):size(), { 3, 48, 48 })
end

function T.test_maximize()
  local result = run("maximize", "--layer conv2 --steps 2 --most 3")
  lu.assertEquals(#result.found, 3)
  lu.assertEquals({ result.found[1].channel, result.found[3].channel }, { 1, 5 })
  result = run("maximize", "--class bee,4 --steps 2 --param pixels")
  lu.assertEquals({ result.found[1].label, result.found[2].class }, { "bee", 4 })
end

function T.test_classimage()
  local result = run("classimage", "--class bee,4 --steps 2")
  lu.assertEquals({ result.classes[1].index, result.classes[2].label }, { 2, "dog" })
  local photo = run("classimage", "--class 1 --steps 2 --photos tests/images")
  lu.assertEquals(#photo.classes, 1)
end

function T.test_segment()
  local mask = h.temporary "mask.png"
  local command = ("%s segment --model %s %s --map gradient --back 0.1 --mask %s --out %s --json")
    :format(h.host, tiny.model(), on_photo(), mask, h.temporary "segment.png")
  local text, status = h.shell(command)
  lu.assertEquals(status, 0, text)
  local result, written = cjson.decode(text), assert(sb.image.load(mask))
  lu.assertEquals(written:size(), { 1, 300, 451 })
  lu.assertAlmostEquals(written:mean(), result.share, 1e-6)
end

function T.test_deconv()
  local result = run("deconv", on_photo "--layer relu1,relu2 --strongest 2")
  lu.assertEquals(#result.probes, 4)
  lu.assertEquals({ result.probes[1].layer, result.probes[4].layer }, { "relu1", "relu2" })
  result = run("deconv", on_photo "--strongest 3")
  lu.assertEquals({ #result.probes, result.probes[6].layer }, { 6, "relu2" })
  result = run("deconv", on_photo "--layer relu2 --channel 3 --keep 1,2")
  lu.assertEquals({ result.probes[1].channel, result.probes[1].y, result.probes[1].x }, { 3, 1, 2 })
end

function T.test_activations_and_filters()
  local result = run("activations", on_photo "--layer relu2 --most 4 --scale all")
  lu.assertEquals({ result.layer, #result.channels }, { "relu2", 4 })
  lu.assertEquals(run("filters", "").shape, { 8, 3, 5, 5 })
  local layer = run("filters", "--layer conv2")
  lu.assertEquals({ layer.shape, layer.surveys[2].layer }, { { 6, 8, 3, 3 }, "conv2" })
  lu.assertNotEquals(layer.surveys[1].rms, layer.surveys[2].rms) -- of the net before training
  local data = " --pictures 9 --data " .. require "picture_set".folder()
  local surveys = run("filters", "--versus " .. tiny.model() .. data).surveys
  lu.assertEquals({ #surveys, surveys[2].filters, surveys[1].dead }, { 2, 8, 0 })
end

function T.test_stylize()
  local folder = h.temporary "frames"
  assert(sb.image.save(h.temporary "frame.png", sb.image.resize(sb.image.load(tiny.photo()), 20, 30)))
  h.shell(("mkdir '%s'; cp '%s' '%s/f1.png'; cp '%s' '%s/f2.png'"):format(folder,
    h.temporary "frame.png", folder, h.temporary "frame.png", folder))
  local result = run("stylize", "--image " .. tiny.photo(), tiny.transform_net())
  lu.assertEquals({ result.pictures, result.interrupted }, { 1, false })
  local _, small = run("stylize", "--size 40 --image " .. tiny.photo(), tiny.transform_net())
  lu.assertEquals(small:size(), { 3, 27, 40 })
  local out = h.temporary "stylized"
  local text, status = h.shell(("%s stylize --model %s --image %s --out %s"):format(h.host,
    tiny.transform_net(), folder, out))
  lu.assertEquals({ text, status }, { ("wrote %s/f1.png\nwrote %s/f2.png\n"):format(out, out), 0 })
  lu.assertEquals(sb.image.load(out .. "/f2.png"):size(), { 3, 20, 30 })
end

function T.test_quilt()
  local out = h.temporary "quilt/quilt.png"
  local function quilt(arguments)
    return h.shell(("%s quilt --image %s --crop 200,300,40,40 --out %s %s"):format(h.host, tiny.photo(), out,
      arguments))
  end
  local text, status = quilt "--size 20,30 --window 5 --json"
  lu.assertEquals({ status, cjson.decode(text).size }, { 0, { 3, 20, 30 } })
  lu.assertEquals(sb.image.load(out):size(), { 3, 20, 30 })
  text, status = quilt "--method efros-leung --window 5 --hole 10,20,6,8 --json"
  lu.assertEquals({ status, cjson.decode(text).size }, { 0, { 3, 300, 451 } })
  local photo, made = sb.image.load(tiny.photo()), sb.image.load(out)
  lu.assertEquals((made - photo):narrow(2, 16, 285):abs():max(), 0)
  lu.assertTrue((made - photo):narrow(2, 10, 6):narrow(3, 20, 8):abs():max() > 0)
  lu.assertEquals(quilt "--size 9 --hole 1,2", "switchback quilt: --hole: expected Y,X,H,W, got 2 numbers\n")
end

-- The same command writes the same bytes, at any number of threads.
function T.test_pictures_are_reproducible()
  local function bytes(threads)
    run("deconv", on_photo("--layer relu2 --threads " .. threads))
    return assert(io.open(h.temporary "deconv/picture.png", "rb")):read "a"
  end
  local first = bytes(1)
  lu.assertTrue(#first > 1000)
  lu.assertTrue(first == bytes(1))
  lu.assertTrue(first == bytes(3))
end

-- neural-style's names of options, and ours.
function T.test_style()
  local layers = "--content-layers relu2 --style-layers relu1,relu2 --size 48 --steps 4"
  local result, picture = run("style", on_photo(layers .. " --style " .. tiny.photo()), tiny.model(0))
  lu.assertEquals({ result.steps, result.ended }, { 4, "steps" })
  lu.assertEquals(math.max(picture:size(2), picture:size(3)), 48)
  local theirs = "-content_image %s -style_image %s -content_layers relu2 -style_layers relu1,relu2 "
    .. "-image_size 48 -num_iterations 4"
  local again = run("style", theirs:format(tiny.photo(), tiny.photo()), tiny.model(0))
  lu.assertEquals(again.loss, result.loss)
end

-- A style's second scale, made anew after the first one's checkpoint.
function T.test_style_goes_on()
  local layers = "--content-layers relu2 --style-layers relu1"
  local state = " --checkpoint " .. h.temporary "style.state"
  local arguments = on_photo(layers .. " --size 48 --steps 3 --scales 2 --style " .. tiny.photo() .. state)
  local _, whole = run("style", arguments, tiny.model(0))
  lu.assertTrue(os.remove(h.temporary "style-run0002.state"))
  local _, resumed = run("style", arguments .. " --resume", tiny.model(0))
  lu.assertEquals(resumed:totable(), whole:totable())
end

function T.test_texture()
  local arguments = "--layers relu1,relu2 --size 32 --source-size 32 --steps 3 --growth"
  local result, picture = run("texture", on_photo(arguments), tiny.model(0))
  lu.assertEquals(#result.losses, 2)
  lu.assertTrue(picture:size(3) > 3 * 32)
end

function T.test_embed()
  local data = "--most 36 --data " .. require "picture_set".folder()
  local result, picture = run("embed", data .. " --perplexity 5 --steps 100 --size 300")
  lu.assertEquals({ result.layer, result.pictures }, { "gap", 36 })
  lu.assertTrue(picture:size(2) > 300)
  local points = h.temporary "points.safetensors"
  for _, show in ipairs { "labels", "grid" } do
    run("embed", ("%s --method pca --layer pixels --show %s --points %s"):format(data, show, points))
  end
  lu.assertEquals(assert(sb.safetensors.load(points)).map:size(), { 36, 2 })
end

function T.test_neighbors()
  local data = "--data " .. require "picture_set".folder()
  local result = run("neighbors", data .. " --query 3,30 --nearest 4 --layer relu1")
  lu.assertEquals({ result.layer, result.queries[2].at, #result.queries[2].by_pixels }, { "relu1", 30, 4 })
  lu.assertEquals(result.same_class.all, 8)
  run("neighbors", on_photo(data .. " --metric cosine"))
end

function T.test_adaptive()
  local result = run("adaptive", on_photo "--steps 5 --size 60 --lambda 1,5")
  lu.assertEquals({ #result.results, result.filters }, { 2, { 8, 3, 5, 5 } })
  local kept = h.temporary "filters.safetensors"
  local few = "--filters learned --updates 2 --count 3 --side 5 --steps 3 --size 60 --keep "
  run("adaptive", on_photo(few .. kept))
  result = run("adaptive", on_photo("--steps 3 --size 60 --filters " .. kept))
  lu.assertEquals(result.filters, { 3, 1, 5, 5 })
end

function T.test_top9()
  local index = h.temporary "top9.safetensors"
  local command = "%s top9 --model %s --data %s --channels 2 --strongest 3 --index %s --out %s --json"
  local text, status = h.shell(command:format(h.host, tiny.model(), require "picture_set".folder(), index,
    h.temporary "top9.png"))
  lu.assertEquals(status, 0, text)
  local result = cjson.decode(text)
  lu.assertEquals({ result.pictures, #result.layers, result.layers[2].layer }, { 36, 2, "relu2" })
  lu.assertEquals(#result.layers[1].channels[2].pictures, 3)
  lu.assertEquals(assert(sb.safetensors.load(index))["relu1/activation"]:size(), { 8, 3 })
end

function T.test_optimal()
  lu.assertEquals(run("optimal", "--layer conv1").closed, true)
  local result = run("optimal", "--layer relu2 --channel 3 --steps 5 --lanczos 4 --size 32", tiny.model(0))
  lu.assertEquals({ result.closed, #result.units, #result.units[1].curvatures }, { false, 1, 4 })
end

function T.test_mistakes_are_one_line()
  local function fails(arguments, text)
    local out, status = h.shell(("%s %s --model %s"):format(h.host, arguments, tiny.model()))
    lu.assertEquals(status, 1)
    lu.assertStrContains(out, text)
    lu.assertEquals(select(2, out:gsub("\n", "")), 1)
  end
  fails("saliency --image /nowhere.png", "switchback saliency: /nowhere.png: No such file")
  fails("saliency " .. on_photo "--class owl", "switchback saliency: no class is called 'owl'")
  fails("deconv " .. on_photo "--layer rule1", "did you mean 'relu1'")
  fails("deconv " .. on_photo "--layer relu1 --channel 9", "channel 9 is out of range: the layer has 8")
  fails("activations " .. on_photo "--layer fc", "switchback activations: 'fc' has no maps")
  fails("fool " .. on_photo "--picture a.jpg", "--picture: expected a name that ends in .png, got 'a.jpg'")
  fails("saliency " .. on_photo "--out a.gif", "--out: expected a name that ends in .png or .jpg")
end

function T.test_every_recipe_explains_itself()
  for name in h.shell(h.host .. " --help"):match "recipes:\n(.*)$":gmatch "  (%S+) +[^\n]+\n" do
    local out, status = h.shell(("%s %s --help"):format(h.host, name))
    lu.assertEquals(status, 0)
    lu.assertStrContains(out, "Usage: switchback " .. name)
    lu.assertNil(out:find("    \n", 1, true), name .. " has an option without help")
  end
end

return T
