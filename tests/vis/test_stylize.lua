-- Stylising: the shared transform nets against reference values, and what holds for any such net.
local frames = require "switchback.frames"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local strips = require "switchback.strips"

local T = {}

-- ---- Against PyTorch ------------------------------------------------------------------------------

local function reference(name)
  return sb.safetensors.load(h.shared("reference/" .. name .. ".safetensors"))
end

-- Fails unless a picture is within 1e-3 of the range of what the reference, in units of 0..range, shows.
local function assert_shows(picture, output, range)
  local shown = (output / range):clamp(0, 1)[1]
  shown = shown:narrow(2, 1, picture:size(2)):narrow(3, 1, picture:size(3))
  lu.assertTrue((picture - shown):abs():max() <= 1e-3)
end

function T.test_van_gogh_at_even_and_odd_sizes()
  for _, name in ipairs { "starry_night", "wheatfield_with_crows" } do
    local values = reference("style_" .. name)
    local net = sb.load(h.shared("models/style/vangogh_" .. name .. ".onnx"))
    for _, case in ipairs { "a", "b" } do
      local picture = values["image_" .. case][1] / 255
      local made = sb.vis.stylize(net, picture)
      lu.assertEquals({ made.image:size(), made.strips, made.styles }, { picture:size(), 1, 1 })
      assert_shows(made.image, values["stylized_" .. case], 255)
    end
  end
end

function T.test_26_styles_and_a_blend()
  local net, values = sb.load(h.shared "models/style/style26.safetensors"), reference "style26"
  local photo = values.image[1]
  assert_shows(sb.vis.stylize(net, photo).image, values.style0, 1)
  assert_shows(sb.vis.stylize(net, photo, { style = 8 }).image, values.style7, 1)
  assert_shows(sb.vis.stylize(net, photo, { style = { 5, [8] = 3, [26] = 2 } }).image, values.mix_0_7_25, 1)
end

-- Plainly different: by more than 1/20 of the range on average, at an odd size.
function T.test_a_blend_is_neither_of_its_styles()
  local net = sb.load(h.shared "models/style/style26.safetensors")
  local photo = sb.image.resize(reference("style26").image[1], 77, 103):clamp(0, 1)
  local function made(style) return sb.vis.stylize(net, photo, { style = style }).image end
  local one, other, both = made(1), made(8), made { 1, [8] = 1 }
  for _, pair in ipairs { { one, other }, { one, both }, { other, both } } do
    lu.assertEquals(pair[1]:size(), { 3, 77, 103 })
    lu.assertTrue((pair[1] - pair[2]):abs():mean() > 0.05)
  end
end

-- ---- Strips ---------------------------------------------------------------------------------------

-- Down by 4 and up again with every sort of layer that sees a neighbourhood; pads differ with the parity of
-- the sides, as in networks from TensorFlow.
local function local_net()
  local L, rng, nodes, last = sb.layer, sb.rng(4), {}, "image"
  local function add(name, layer, ...)
    nodes[#nodes + 1] = { name = name, layer = layer, inputs = select("#", ...) > 0 and { ... } or { last } }
    last = name
  end
  local function conv(name, from, to, kernel, stride, pad)
    add(name, L.conv2d { in_channels = from, out_channels = to, kernel = kernel, stride = stride or 1,
                         pad = pad or kernel // 2, rng = rng })
    add(name .. "/relu", L.relu {})
  end
  conv("c1", 3, 6, 9)
  conv("c2", 6, 8, 3, 2)
  conv("c3", 8, 8, 3, 2)
  add("pad", L.pad { pads = { 1, 1, 1, 1 }, mode = "reflect" })
  conv("r", 8, 8, 3, 1, 0)
  add("sum", L.add {}, "r/relu", "c3/relu")
  add("bn", L.batchnorm { channels = 8 })
  add("up1", L.resize { scales = { 2, 2 }, mode = "nearest" })
  add("up2", L.conv2d_transpose { in_channels = 8, out_channels = 4, kernel = 4, stride = 2, pad = 1,
                                  rng = rng })
  conv("c4", 4, 3, 5)
  return sb.net { inputs = { { name = "image", shape = { 0, 3, 0, 0 } } }, nodes = nodes,
                  preprocess = { channels = "RGB" } }
end

function T.test_strips_equal_the_whole()
  local net = local_net()
  local geometry = strips.geometry(net)
  lu.assertEquals(geometry.period, 4)
  for _, height in ipairs { 96, 97, 99, 130 } do
    local inputs = { image = sb.randn(sb.rng(height), 1, 3, height, 30) }
    local whole = net:forward(inputs, { record = false })[net.outputs[1]]
    for _, rows in ipairs { 4, 20, 64 } do
      local y = strips.run(net, inputs, rows, geometry):narrow(3, 1, height)
      -- other tiles of Winograd's transform round otherwise
      lu.assertTrue((y - whole:narrow(3, 1, height)):abs():max() <= 1e-5 * whole:abs():max())
    end
  end
end

-- The halo is needed: with less of it there are seams.
function T.test_strips_need_their_halo()
  local net = local_net()
  local x = { image = sb.randn(sb.rng(1), 1, 3, 64, 24) }
  local whole = net:forward(x, { record = false })[net.outputs[1]]
  local y = strips.run(net, x, 16, { period = 4, halo = 12 })
  lu.assertTrue((y - whole):abs():max() > 1e-3 * whole:abs():max())
end

function T.test_little_memory_makes_strips()
  local net = local_net()
  local photo = sb.rand(sb.rng(2), 3, 400, 200)
  local whole = sb.vis.stylize(net, photo)
  local cut = sb.vis.stylize(net, photo, { memory = 3 })
  lu.assertEquals(whole.strips, 1)
  lu.assertTrue(cut.strips > 2)
  lu.assertTrue((cut.image - whole.image):abs():max() <= 1e-5)
end

-- ---- Mistakes -------------------------------------------------------------------------------------

local function transform_net()
  return sb.net(require("switchback.zoo").describe("dumoulin", { seed = 1 }))
end

function T.test_mistakes_are_explained()
  local net, photo = transform_net(), sb.rand(sb.rng(1), 3, 20, 16)
  local function refused(options, text) h.error_has(sb.vis.stylize, text, net, photo, options) end
  refused({ style = 27 }, "style 27 is out of range: the net has 26")
  refused({ style = { [0] = 1 } }, "style 0 is out of range")
  refused({ style = { 0 } }, "the weights of the styles add up to 0")
  refused({ style = { 1, -1 } }, "the weight of style 2 is -1, must be 0 or more")
  refused({ stile = 1 }, "did you mean 'style'?")
  h.error_has(sb.vis.stylize, "strips with this net: every pixel of its output depends on the whole picture",
    net, sb.rand(sb.rng(1), 3, 200, 200), { memory = 1 })
  local classifier = sb.load("squeezenet1_1", { untrained = true })
  h.error_has(sb.vis.stylize, "is 1x1000 for an input of 1x3x224x224: it is no transform net", classifier,
    photo)
end

-- ---- Frames ---------------------------------------------------------------------------------------

function T.test_frames_are_taken_in_the_order_of_their_numbers()
  local folder = h.temporary "numbered"
  lu.assertTrue(require("switchback.file").make_folders(folder))
  for _, name in ipairs { "f10.png", "f9.png", "f1.JPG", "notes.txt" } do
    assert(io.open(folder .. "/" .. name, "w")):close()
  end
  local plan = frames.plan(folder, "out")
  lu.assertEquals(plan, { { from = folder .. "/f1.JPG", to = "out/f1.png" },
    { from = folder .. "/f9.png", to = "out/f9.png" }, { from = folder .. "/f10.png", to = "out/f10.png" } })
  lu.assertEquals(frames.plan("a.jpg", "b.png"), { { from = "a.jpg", to = "b.png" } })
  assert(io.open(folder .. "/f9.jpg", "w")):close()
  h.error_has(frames.plan, "f9.jpg and " .. folder .. "/f9.png would both become f9.png", folder, "out")
  h.error_has(frames.plan, "need another folder to go to", folder, "out.png")
  h.error_has(frames.plan, "need another folder to go to", folder, folder)
end

return T
