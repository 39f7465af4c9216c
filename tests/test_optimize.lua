-- sb.optimize: each step against the arithmetic that it stands for, and runs against runs.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local obj, optim = sb.objective, sb.optim

local T = {}

-- A net of one path with overlapping pooling, strides and padding of both kinds, for pictures of any size.
local function small_net(rng)
  local L = sb.layer
  rng = rng or sb.rng(5)
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = { mean = 0.5, std = 0.25 },
    nodes = {
      { name = "conv1", inputs = { "x" },
        layer = L.conv2d { in_channels = 3, out_channels = 6, kernel = 5, stride = 2, pad = 2, rng = rng } },
      { name = "relu1", inputs = { "conv1" }, layer = L.relu {} },
      { name = "pool1", inputs = { "relu1" },
        layer = L.maxpool { kernel = 3, stride = 2, ceil_mode = true } },
      { name = "pad2", inputs = { "pool1" }, layer = L.pad { pads = { 1, 1, 1, 1 }, mode = "reflect" } },
      { name = "conv2", inputs = { "pad2" },
        layer = L.conv2d { in_channels = 6, out_channels = 8, kernel = 3, rng = rng } },
      { name = "relu2", inputs = { "conv2" }, layer = L.relu {} },
      { name = "gap", inputs = { "relu2" }, layer = L.global_avgpool {} },
      { name = "flat", inputs = { "gap" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" }, layer = L.linear { in_features = 8, out_features = 4, rng = rng } },
    },
  }
end

local function photo(seed, height, width) return sb.rand(sb.rng(seed or 1), 3, height or 24, width or 32) end

-- The sum of squared differences from a picture.
local function distance(target)
  return obj.custom({}, function(activations)
    local d = activations.image - target
    return d:dot(d), { image = d * 2 }
  end)
end

-- ---- Steps -------------------------------------------------------------------------------------------

-- x + rate g / mean|g|, g the gradient through net and preprocessing.
function T.test_one_step_by_hand()
  local net, image = small_net(), photo()
  local pass = net:forward(net:prepare(image))
  local a = pass.conv2
  local g = pass:backward { seeds = { conv2 = a } }:select(1, 1) / 0.25
  local dream, history = sb.optimize { net = net, image = image, maximize = obj.amplify "conv2", steps = 1,
                                       rate = 0.01 }
  h.close(dream, (image + g * (0.01 / g:abs():mean())):clamp(0, 1), 1e-5)
  h.close(history[1], a:dot(a) / 2, 1e-5)
end

function T.test_every_optimiser_reaches_a_picture()
  local target = photo(2)
  for name, rate in pairs { sgd = 0.1, adam = 0.05, adamw = 0.05, lbfgs = 1 } do
    local opt = optim[name] { rate = rate, weight_decay = name == "adamw" and 0 or nil }
    local found, history = sb.optimize { image = photo(1), minimize = distance(target), optimizer = opt,
                                         steps = 200 }
    lu.assertTrue((found - target):abs():mean() < 0.01, name)
    lu.assertTrue(history[#history] < 1e-2 * history[1], name)
  end
end

function T.test_a_class_and_a_channel_rise()
  local net = small_net()
  for _, goal in ipairs { obj.class(net, 2), obj.channel("relu2", 3), obj.neuron("conv1", 1) } do
    local _, history = sb.optimize { net = net, image = photo(), maximize = goal, steps = 5, rate = 1e-3 }
    lu.assertTrue(history[5] > history[1], goal.name)
  end
end

function T.test_the_image_is_left_alone_and_the_result_within_limits()
  local image = photo()
  local before = image:clone()
  local function rise(activations) return activations.image:sum(), { image = activations.image * 0 + 1 } end
  local found = sb.optimize { image = image, maximize = rise, rate = 0.3, steps = 3 }
  h.close(image, before, 0)
  lu.assertEquals(found:size(), { 3, 24, 32 })
  lu.assertEquals((found:max()), 1)
  local free = sb.optimize { image = image, maximize = rise, rate = 0.3, steps = 3, clamp = false }
  h.close(free, image + 0.9, 1e-5)
end

-- A batch is worked on as its pictures are alone.
function T.test_a_batch()
  local net, images = small_net(), { photo(1), photo(2) }
  local function dream(image)
    return (sb.optimize { net = net, image = image, maximize = obj.amplify "relu2", steps = 3, jitter = 4,
                          seed = 7 })
  end
  local both = dream(sb.stack(images))
  for n = 1, 2 do h.close(both[n], dream(images[n]), 1e-5) end
end

-- Terms of one objective are reported as given, and their sum is what is optimised.
function T.test_the_loss_table()
  local net = small_net()
  local goal = obj.channel("relu2", 1) - 0.01 * obj.tv()
  local _, history = sb.optimize { net = net, image = photo(), maximize = goal, steps = 12 }
  lu.assertEquals(#history.terms, 2)
  for step = 1, 12 do
    local sum = history.terms[1].values[step] - 0.01 * history.terms[2].values[step]
    lu.assertAlmostEquals(history[step], sum, 1e-6)
  end
  local text = tostring(history)
  lu.assertStrContains(text, "channel relu2:1")
  lu.assertStrContains(text, "-0.01 tv")
  lu.assertStrContains(text, "\n    12       1")
  lu.assertEquals(history.ended, "steps")
end

-- With `normalise` the gradients of two terms at a layer, however large, weigh as their weights say.
function T.test_normalised_terms()
  local net, image = small_net(), photo()
  local g = {}
  for i, layer in ipairs { "conv1", "conv2" } do
    local pass = net:forward(net:prepare(image))
    local a = pass[layer]
    g[i] = pass:backward { seeds = { [layer] = a / a:abs():sum() } }:select(1, 1) / 0.25
  end
  local goal = 1000 * obj.amplify "conv1" + 3000 * obj.amplify "conv2"
  local found = sb.optimize { net = net, image = image, maximize = goal, steps = 1, normalise = true,
                              optimizer = optim.sgd { rate = 1e-4 } }
  h.close(found, (image + (g[1] + 3 * g[2]) * 0.1):clamp(0, 1), 1e-5)
end

-- A net whose ReLU stops everything: the gradient is none, the redirected one raises its inputs.
function T.test_redirected_gradients()
  local L = sb.layer
  local pool = { name = "then", inputs = { "relu" }, layer = L.maxpool { kernel = 2 } }
  for _, extra in ipairs { false, pool } do
    local conv = L.conv2d { weight = sb.ones(1, 3, 1, 1), bias = sb.tensor { -100 } }
    local net = sb.net { inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = {},
      nodes = { { name = "conv", inputs = { "x" }, layer = conv },
                { name = "relu", inputs = { "conv" }, layer = L.relu {} }, extra or nil } }
    local goal = obj.layer(extra and "then" or "relu")
    local image = photo()
    local stuck = sb.optimize { net = net, image = image, maximize = goal, steps = 1 }
    h.close(stuck, image, 0)
    local found = sb.optimize { net = net, image = image, maximize = goal, steps = 1, rule = "redirected" }
    lu.assertTrue((found - image):sum() > 0)
    local down = sb.optimize { net = net, image = image, minimize = goal, steps = 1, rule = "redirected" }
    h.close(down, image, 0)
  end
end

-- ---- Octaves -----------------------------------------------------------------------------------------

function T.test_octaves()
  local sizes, rates = {}, {}
  local opt = optim.normalised {}
  local found = sb.optimize {
    image = photo(1, 40, 60), maximize = function(activations)
      rates[#rates + 1] = opt.rate
      return activations.image:sum(), { image = activations.image * 0 + 1 }
    end, optimizer = opt, octaves = 3, octave_scale = 2, steps = { 1, 2, 1 }, rate = { 0.1, 0.02, 0.03 },
    snapshot_every = 1, snapshot = function(picture, step, octave)
      sizes[step] = { octave, picture:size(2), picture:size(3) }
    end,
  }
  lu.assertEquals(sizes, { { 1, 10, 15 }, { 2, 20, 30 }, { 2, 20, 30 }, { 3, 40, 60 } })
  lu.assertEquals(rates, { 0.1, 0.02, 0.02, 0.03 })
  lu.assertEquals(found:size(), { 3, 40, 60 })
end

-- The picture's own detail survives: what is added at all sizes is 0.1 + 0.02, however fine the picture.
function T.test_octaves_keep_detail()
  local image = photo(1, 40, 60) * 0.5
  local function rise(activations) return activations.image:sum(), { image = activations.image * 0 + 1 } end
  local found = sb.optimize { image = image, maximize = rise, octaves = 2, steps = 1, rate = { 0.1, 0.02 } }
  h.close(found, image + 0.12, 1e-5)
end

function T.test_octaves_of_a_parameterisation()
  local net = small_net()
  local p = sb.param.pixels { size = { 32, 48 }, rng = sb.rng(1) }
  local goal = obj.channel("relu2", 1)
  local found = sb.optimize { net = net, param = p, maximize = goal, octaves = 2, steps = 2 }
  lu.assertEquals(found:size(), { 1, 3, 32, 48 })
end

-- ---- Ends --------------------------------------------------------------------------------------------

function T.test_early_ends()
  local target = photo(2)
  local _, history = sb.optimize { image = photo(), minimize = distance(target), optimizer = optim.lbfgs {},
                                   steps = 100 }
  lu.assertEquals(history.ended, "converged")
  lu.assertTrue(#history < 100)
  local totals = {}
  _, history = sb.optimize { image = photo(), minimize = distance(target), rate = 0.3, steps = 100,
    patience = 3, progress = function(done, total) totals[done] = total end }
  lu.assertEquals(history.ended, "patience")
  lu.assertEquals(totals[#history], #history)
  lu.assertEquals(totals[1], 100)
end

-- A rate at which the loss goes up and down: "best" answers the smallest that was seen.
function T.test_keep_best()
  local target = photo(2)
  local found, history = sb.optimize { image = photo(), minimize = distance(target), rate = 0.3, steps = 9,
                                       keep = "best" }
  local least = math.huge
  for _, value in ipairs(history) do least = math.min(least, value) end
  h.close((found - target):pow(2):sum(), least, 1e-4)
end

function T.test_a_loss_that_is_no_number()
  h.error_has(sb.optimize, "the loss is not a number at step 3", { image = photo(), steps = 5,
    minimize = (function()
      local calls = 0
      return function(activations)
        calls = calls + 1
        return calls < 3 and 1 or 0 / 0, { image = activations.image * 0 }
      end
    end)() })
end

local INTERRUPTED = [[
local sb = require "switchback"
local seen
local found, history = sb.optimize {
  image = sb.full(0.25, 3, 32, 32), octaves = 2, steps = 1000000, rate = 1e-3, maximize = function(a)
    return a.image:sum(), { image = a.image * 0 + 1 }
  end,
  progress = function(done) if done == 5 then io.popen "kill -INT $PPID":close() end end,
}
local risen = found:mean() - 0.25
print(history.ended, #history < 100000, found:size(3), math.abs(risen - (#history - 1) * 1e-3) < 1e-4)
]]

-- Ctrl-C: the best so far, at the size that was asked for.
function T.test_interrupt()
  local output = h.shell(h.host .. " -", INTERRUPTED)
  lu.assertEquals(output, "interrupted\ttrue\t32\ttrue\n")
end

-- ---- The same bytes ----------------------------------------------------------------------------------

local function png_bytes(picture)
  local path = h.temporary "optimize.png"
  assert(sb.image.save(path, picture))
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function dream(options)
  local all = { net = small_net(), image = photo(3, 40, 48), maximize = obj.amplify "relu2" - 0.01 * obj.tv(),
                octaves = 2, steps = 6, jitter = 3, seed = 11 }
  for key, value in pairs(options or {}) do all[key] = value end
  return sb.optimize(all)
end

function T.test_threads_do_not_matter()
  local before, bytes = sb.threads(), {}
  for threads = 1, 2 do
    sb.threads(threads)
    bytes[threads] = png_bytes((dream()))
  end
  sb.threads(before)
  lu.assertTrue(bytes[1] == bytes[2])
  lu.assertTrue(bytes[1] ~= png_bytes((dream { seed = 12 })))
end

-- Runs that break off after any step go on from their checkpoint to the same bytes.
function T.test_resume()
  for _, name in ipairs { "normalised", "adam", "lbfgs" } do
    local whole, whole_history = dream { optimizer = optim[name] {}, jitter = name == "lbfgs" and 0 or 3 }
    for _, last in ipairs { 1, 5, 6, 7, 11 } do
      local options = { optimizer = optim[name] {}, checkpoint = h.temporary("run" .. name .. last),
                        checkpoint_every = 2, resume = true, jitter = name == "lbfgs" and 0 or 3 }
      options.progress = function(done) if done == last then error("broken off", 0) end end
      h.error_has(dream, "broken off", options)
      options.progress, options.optimizer = nil, optim[name] {}
      local resumed, history = dream(options)
      lu.assertTrue(resumed:bytes() == whole:bytes(), ("%s broken off at %d"):format(name, last))
      lu.assertEquals(history, whole_history)
    end
  end
end

local KILLED = [[
local sb = require "switchback"
local rng, L = sb.rng(5), sb.layer
local net = sb.net { inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = {}, nodes = {
  { name = "conv", inputs = { "x" },
    layer = L.conv2d { in_channels = 3, out_channels = 6, kernel = 3, pad = 1, rng = rng } } } }
local picture = sb.optimize { net = net, image = sb.rand(sb.rng(1), 3, 24, 24), steps = 40, jitter = 2,
  maximize = sb.objective.amplify "conv", optimizer = sb.optim.adam { rate = 0.01 }, checkpoint_every = 7,
  checkpoint = CHECKPOINT, resume = CHECKPOINT and true,
  progress = function(done) if done == DIE then io.popen "kill -9 $PPID":close() end end }
assert(sb.image.save(OUT, picture))
]]

-- kill -9 in the middle of a run, resumed: the PNG of the unbroken run.
function T.test_kill_and_resume()
  local function run(out, checkpoint, die)
    local head = ("CHECKPOINT, DIE, OUT = %s, %d, %q\n"):format(checkpoint and ("%q"):format(checkpoint), die,
      h.temporary(out))
    return select(2, h.shell(h.host .. " -", head .. KILLED))
  end
  local checkpoint = h.temporary "killed.safetensors"
  lu.assertEquals(run("unbroken.png", nil, 0), 0)
  lu.assertEquals(run("resumed.png", checkpoint, 18), 137)
  lu.assertEquals(run("resumed.png", checkpoint, 0), 0)
  local _, status = h.shell(("cmp %s %s"):format(h.temporary "unbroken.png", h.temporary "resumed.png"))
  lu.assertEquals(status, 0)
end

function T.test_foreign_checkpoints()
  local path = h.temporary "foreign"
  dream { checkpoint = path }
  h.error_has(dream, "the checkpoint is of another run: its seed is 11, here it is 12",
    { checkpoint = path, resume = true, seed = 12 })
  assert(sb.safetensors.save(path, { x = sb.ones(2) }))
  h.error_has(dream, "not a checkpoint", { checkpoint = path, resume = true })
  h.error_has(dream, "resume needs checkpoint", { resume = true })
end

-- ---- Memory ------------------------------------------------------------------------------------------

local MEMORY = [[
local sb = require "switchback"
local net = sb.load(arg[1])
local process_memory = dofile "tests/process_memory.lua"
local announced
sb.threads(2)
local goal = sb.objective.amplify(arg[2])
sb.optimize { net = net, image = sb.rand(sb.rng(1), 3, 400, 400), maximize = goal, jitter = 4, steps = 3,
  tile = math.tointeger(arg[3]), announce = function(bytes) announced = bytes end }
print(announced, process_memory "VmHWM" * 1024)
]]

-- What is announced before a run is within 15 % of what the process then takes, tiled or not.
function T.test_announced_memory()
  h.needs_own_memory()
  local model = h.shared "models/googlenet/googlenet.onnx"
  local script = h.temporary "memory.lua"
  local file = assert(io.open(script, "w"))
  file:write(MEMORY)
  file:close()
  for _, tile in ipairs { "none", "160" } do
    local output = h.shell(("%s %s %s inception_3b/output %s"):format(h.host, script, model, tile))
    local announced, used = output:match "^(%S+)\t(%S+)\n$"
    lu.assertNotNil(announced, output)
    lu.assertAlmostEquals(announced / used, 1, 0.15, ("tile %s: announced %s bytes, used %s"):format(tile,
      announced, used))
  end
end

-- ---- Errors ------------------------------------------------------------------------------------------

function T.test_errors()
  local image, net, goal = photo(), small_net(), obj.tv()
  h.error_has(sb.optimize, "say what to change", { minimize = goal })
  h.error_has(sb.optimize, "say what to change", { minimize = goal, image = image, input = image })
  h.error_has(sb.optimize, "say what to do", { image = image })
  h.error_has(sb.optimize, "say what to do", { image = image, minimize = goal, maximize = goal })
  h.error_has(sb.optimize, "reads a net: give net =", { image = image, maximize = obj.layer "relu1" })
  h.error_has(sb.optimize, "unknown option 'step'; did you mean 'steps'", { step = 1 })
  h.error_has(sb.optimize, "steps must be a positive whole number, got 0",
    { image = image, minimize = goal, steps = 0 })
  h.error_has(sb.optimize, "3 octaves, but steps has 2 entries",
    { image = image, minimize = goal, steps = { 1, 2 }, octaves = 3 })
  h.error_has(sb.optimize, "octave 1 of 9 would be", { image = image, minimize = goal, octaves = 9 })
  h.error_has(sb.optimize, "no layer is called 'rely1'; did you mean 'relu1'",
    { net = net, image = image, maximize = obj.layer "rely1" })
  h.error_has(sb.optimize, "unknown keep 'first'", { image = image, minimize = goal, keep = "first" })
end

return T
