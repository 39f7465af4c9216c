-- Style transfer and texture synthesis on a small network; what real ones make of pictures is looked at.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- Two convolutions with ReLUs "a" and "b" on RGB pictures.
local function small_net()
  local generator, nodes, last = sb.rng(3), {}, "picture"
  local function add(name, layer)
    nodes[#nodes + 1] = { name = name, inputs = { last }, outputs = { name }, layer = layer }
    last = name
  end
  for i, name in ipairs { "a", "b" } do
    add(name .. "_conv", sb.layer.conv2d { in_channels = i == 1 and 3 or 8, out_channels = 8, kernel = 3,
                                           pad = 1, stride = i, rng = generator })
    add(name, sb.layer.relu {})
  end
  local inputs = { { name = "picture", shape = { 0, 3, 0, 0 } } }
  return sb.net { inputs = inputs, nodes = nodes, outputs = { "b" } }
end

local net = small_net()
local content = sb.image.resize(sb.rand(sb.rng(1), 3, 6, 8), 24, 32):clamp(0, 1)
local stripes = (sb.arange(0, 31):reshape(1, 1, 32):expand(3, 32, 32) * 0.8):sin() * 0.5 + 0.5
local red = sb.cat({ sb.ones(1, 20, 20), sb.zeros(2, 20, 20) }, 1)

local function style(options)
  local o = { styles = { stripes }, content_layers = { "b" }, style_layers = { "a", "b" }, size = 32,
              steps = 15 }
  for key, value in pairs(options or {}) do o[key] = value end
  return sb.vis.style(net, content, o)
end

function T.test_losses_fall_with_either_optimizer()
  for _, optimizer in ipairs { "lbfgs", "adam" } do
    for _, init in ipairs { "image", "random" } do
      local made = style { optimizer = optimizer, init = init }
      lu.assertEquals(made.image:size(), { 3, 24, 32 })
      lu.assertTrue(made.history[#made.history] < 0.5 * made.history[1], optimizer .. " " .. init)
      lu.assertTrue(made.image:min() >= 0 and made.image:max() <= 1)
    end
  end
end

function T.test_the_first_loss_is_that_of_the_equations()
  local made = style { steps = 1, content_weight = 3, tv_weight = 0, style_weight = 10, init = "random",
                       seed = 5 }
  local x = (sb.randn(sb.rng(5), 3, 24, 32) * 0.1 + 0.5):unsqueeze(1)
  local f, p = net:forward(x), net:forward(content:unsqueeze(1))
  local s = net:forward(stripes:unsqueeze(1))
  local function square(t) return t:dot(t) end
  local expected = 3 * square(f.b - p.b) / square(p.b)
  for _, layer in ipairs { "a", "b" } do
    local a = sb.gram(s[layer], { normalise = true })
    expected = expected + 10 / 2 * square(sb.gram(f[layer], { normalise = true }) - a) / square(a)
  end
  lu.assertAlmostEquals(made.history[1] / expected, 1, 1e-4)
end

function T.test_original_colors_keep_the_chroma()
  local made = style { original_colors = true, tv_weight = 0 }
  local change = made.image - content
  local inside = made.image:gt(0) * made.image:lt(1)
  local same = inside:prod(1, true) -- where no channel was clamped, all changed alike
  h.close((change:narrow(1, 1, 1) - change:narrow(1, 3, 1)) * same, sb.zeros(1, 24, 32), 1e-5)
  lu.assertTrue(change:abs():max() > 0.05)
end

function T.test_blends_lie_between_their_styles()
  local function redness(blend)
    local picture = style({ styles = { stripes, red }, blend = blend, init = "random" }).image
    return picture[1]:mean() - picture[3]:mean()
  end
  local none, half, all = redness { 1, 0 }, redness { 1, 1 }, redness { 0, 1 }
  lu.assertTrue(none < half and half < all, ("%g %g %g"):format(none, half, all))
end

function T.test_scales_and_threads()
  local function bytes(threads)
    sb.threads(threads)
    return style({ scales = 2, init = "random", steps = { 5, 3 } }).image:bytes()
  end
  local before = sb.threads()
  local one, two = bytes(1), bytes(2)
  sb.threads(before)
  lu.assertTrue(one == two)
end

-- Work at small sizes first must not cost the content: it ends nearer to it, and with a smaller loss, than as
-- many steps at full size alone.
function T.test_scales_keep_the_content()
  local vgg = sb.load(h.shared "models/vgg19_pruned/encoder5.onnx", { preprocess = { channels = "RGB" } })
  local photo = sb.image.load(h.shared "images/chelsea.png")
  local painting = sb.image.load(h.shared "images/starry_night_google.jpg")
  local function losses(scales)
    local made = sb.vis.style(vgg, photo, { styles = { painting }, size = 160, scales = scales, steps = 25,
      style_layers = { "relu1_1", "relu2_1", "relu3_1", "relu4_1" } })
    local last, terms = #made.history, made.history.terms
    lu.assertEquals(terms[5].name, "content relu4_2")
    return terms[5].values[last], made.history[last]
  end
  local content_of_one, total_of_one = losses(1)
  local content_of_three, total_of_three = losses(3)
  lu.assertTrue(content_of_three < content_of_one, ("%g, %g"):format(content_of_three, content_of_one))
  lu.assertTrue(total_of_three < total_of_one, ("%g, %g"):format(total_of_three, total_of_one))
end

function T.test_mistakes_are_explained()
  h.error_has(style, "give styles", { styles = {} })
  h.error_has(style, "1 styles, but 2 weights", { blend = { 1, 2 } })
  h.error_has(style, "unknown optimizer 'adan'", { optimizer = "adan" })
  h.error_has(style, "unknown init", { init = "grey" })
  h.error_has(style, "no layer is called 'c'", { style_layers = { "c" } })
end

local function texture(options)
  options.size, options.source_size = 24, 32
  return sb.vis.texture(net, stripes, options)
end

function T.test_texture_matches_what_it_is_told_to()
  local made = texture { layers = { "a", "b" }, steps = 40 }
  lu.assertEquals(made.image:size(), { 3, 24, 24 })
  lu.assertTrue(made.history[#made.history] < 0.02 * made.history[1])
  local one, two = texture { layers = { "a" }, steps = 3 }, texture { layers = { "a" }, steps = 3, seed = 1 }
  lu.assertFalse((one.image:close(two.image, 1e-3)))
end

return T
