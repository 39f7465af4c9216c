-- maximize and classimage on a tiny net: what rises, what is skipped, that seeds decide all.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local tiny = require "tiny_model"

local T = {}

local function tiny_net() return sb.load(tiny.model()) end

function T.test_channels_rise_with_every_parameterisation()
  local net = tiny_net()
  for param, steps in pairs { fourier = 8, laplacian = 8, pixels = 8, cppn = 8 } do
    local options = { layer = "conv2", channels = { 2, 5 }, param = param, steps = steps }
    local found = sb.vis.maximize(net, nil, options)
    for i, channel in ipairs { 2, 5 } do
      lu.assertEquals({ found[i].channel, found[i].stuck }, { channel, false })
      lu.assertTrue(found[i].value > found[i].first, param)
      lu.assertEquals(found[i].picture:size(), { 3, 48, 48 })
    end
  end
end

function T.test_the_value_is_the_mean_of_the_channel()
  local net = tiny_net()
  local options = { layer = "conv2", channels = { 3 }, param = "pixels", steps = 1, rate = 0 }
  local found = sb.vis.maximize(net, nil, options)[1]
  local maps = net:forward(net:input(found.picture)):value "conv2"
  -- pixels outside of [0,1] are clamped after the step, so that the mean is of slightly other pixels
  h.close(found.value, maps[1][3]:mean(), 0.05)
end

function T.test_neurons_and_classes_rise()
  local net = tiny_net()
  for _, options in ipairs { { layer = "conv2", channels = { 1 }, position = { 2, 4 } },
                             { layer = "conv2", channels = { 1 }, position = "middle" },
                             { classes = { "bee", 4 } } } do
    options.steps = 6
    for _, target in ipairs(sb.vis.maximize(net, nil, options)) do
      lu.assertTrue(target.value > target.first, target.label)
    end
  end
end

-- A net whose second channel is below zero for every picture.
local function net_with_a_dead_channel()
  local weight = sb.randn(sb.rng(1), 2, 3, 3, 3)
  local layer = sb.layer.conv2d { weight = weight, bias = sb.tensor { 5, -1000 } }
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = { size = { 16, 16 } },
    nodes = { { name = "conv", inputs = { "x" }, layer = layer },
              { name = "relu", inputs = { "conv" }, layer = sb.layer.relu {} } },
  }
end

function T.test_what_is_stuck_at_zero_is_skipped()
  for _, rule in ipairs { "gradient", "redirected" } do
    local found = sb.vis.maximize(net_with_a_dead_channel(), nil, { layer = "relu", steps = 3, size = 16,
      rule = rule })
    lu.assertEquals({ found[1].stuck, found[2].stuck }, { false, true })
    lu.assertNil(found[2].picture)
  end
end

-- A channel's picture does not depend on which others are asked for, nor on the number of threads.
function T.test_seeds_decide_all()
  local net, threads = tiny_net(), sb.threads()
  local function picture(channels, seed)
    return sb.vis.maximize(net, nil, { layer = "conv2", channels = channels, steps = 4, seed = seed })
  end
  local first = picture({ 1, 4 }, 0)[2].picture
  h.close(picture({ 4 }, 0)[1].picture, first, 0)
  lu.assertFalse(picture({ 4 }, 1)[1].picture:close(first, 1e-3))
  sb.threads(threads == 1 and 2 or 1)
  local other = picture({ 4 }, 0)[1].picture
  sb.threads(threads)
  lu.assertEquals(sb.image.encode(other, "png"), sb.image.encode(first, "png"))
end

-- What was done goes on from checkpoints to the same bytes, each channel from its own.
function T.test_recipes_resume()
  for name, arguments in pairs { maximize = "--layer conv2 --most 2", classimage = "--class 1,2" } do
    local state, out = h.temporary(name .. ".state"), h.temporary(name .. ".png")
    local function make(more)
      local text, status = h.shell(("%s %s --model %s %s --steps 12 --out %s --quiet %s"):format(h.host, name,
        tiny.model(), arguments, out, more))
      lu.assertEquals(status, 0, text)
      return sb.image.encode(assert(sb.image.load(out)), "png")
    end
    local whole = make("--threads 1")
    lu.assertEquals(make("--threads 2 --checkpoint " .. state), whole)
    -- The second channel, or the second class's small steps, anew.
    local last = name == "maximize" and "-run0002.state" or "-run0004.state"
    lu.assertTrue(os.remove(h.temporary(name .. last)))
    lu.assertEquals(make("--resume --checkpoint " .. state), whole)
  end
end

function T.test_a_class_image_is_seen_as_the_class()
  local net = tiny_net()
  for _, penalty in ipairs { "l2", "l1", "none" } do
    local found = sb.vis.classimage(net, nil, { class = "cat", penalty = penalty, steps = 30 })
    lu.assertEquals({ found.class.index, found.class.label }, { 3, "cat" })
    lu.assertTrue(found.class.p > found.before + 0.05, penalty)
    local seen = net:forward(net:input(found.picture)):probabilities()[{ 1, 3 }]
    h.close(found.class.p, seen, 1e-6)
    h.close(found.picture * 255, (found.picture * 255 + 0.5):floor(), 1e-4)
  end
end

-- The value is the logarithm of the probability, and that rises more than with the logit alone.
function T.test_a_class_image_by_log_probability()
  local net = tiny_net()
  local function p_after(score)
    return sb.vis.classimage(net, nil, { class = "dog", score = score, penalty = "none", steps = 20 }).class.p
  end
  lu.assertTrue(p_after "log-probability" > p_after "logit")
  local one = sb.vis.classimage(net, nil, { class = 4, score = "log-probability", penalty = "none", steps = 1,
    jitter = 0, rate = 0 })
  h.close(one.value, math.log(one.before), 1e-5)
end

-- With a large weight the penalty wins: the picture is drawn to the mean colour.
function T.test_the_penalty_draws_to_the_mean_colour()
  local net = tiny_net()
  local free = sb.vis.classimage(net, nil, { class = 2, steps = 12, penalty = "none" }).picture
  local held = sb.vis.classimage(net, nil, { class = 2, steps = 12, weight = 0.9 }).picture
  for c, level in ipairs { 0.485, 0.456, 0.406 } do
    lu.assertTrue((held[c] - level):abs():mean() < (free[c] - level):abs():mean())
  end
end

function T.test_a_class_image_starts_from_a_picture_or_a_mean()
  local photos = { sb.rand(sb.rng(1), 3, 50, 60), sb.rand(sb.rng(2), 1, 48, 48) }
  local found = sb.vis.classimage(tiny_net(), photos, { class = 1, steps = 1 })
  local mean = sb.image.fit(photos[1], 48, 48) / 2 + sb.image.rgb(photos[2]) / 2
  h.close(found.start, mean, 1e-6)
  local one = sb.vis.classimage(tiny_net(), photos[2], { class = 1, steps = 1 })
  h.close(one.start, sb.image.rgb(photos[2]), 0)
end

function T.test_errors_name_what_is_wrong()
  local net = tiny_net()
  local function maximize(o) return function() return sb.vis.maximize(net, nil, o) end end
  h.error_has(maximize {}, "maximize: say what: layer =")
  h.error_has(maximize { layer = "conv2", channels = { 9 } }, "channel 9 is out of range: 'conv2' has 6")
  h.error_has(maximize { layer = "conv9" }, "no layer is called 'conv9'")
  h.error_has(maximize { layer = "conv2", param = "furier" }, "unknown parameterisation 'furier'")
  h.error_has(sb.vis.classimage, "say which class", net, nil, {})
  h.error_has(sb.vis.classimage, "unknown penalty 'l3'", net, nil, { class = 1, penalty = "l3" })
end

return T
