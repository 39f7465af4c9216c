-- Nets, passes and backward rules on a small network whose every number can be recomputed layer by layer.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- data -> conv -> relu -> pool -> (branch a, branch b) -> cat -> fc -> prob
local function small_net()
  local rng, L = sb.rng(3), sb.layer
  return sb.net {
    inputs = { { name = "data", shape = { 0, 2, 0, 0 } } },
    nodes = {
      { name = "prob", inputs = { "fc" }, layer = L.softmax { axis = -1 } },
      { name = "conv", inputs = { "data" },
        layer = L.conv2d { in_channels = 2, out_channels = 3, kernel = 3, pad = 1, rng = rng } },
      { name = "relu", inputs = { "conv" }, layer = L.relu {} },
      { name = "pool", inputs = { "relu" }, layer = L.maxpool { kernel = 3, stride = 2 } },
      { name = "a", inputs = { "pool" },
        layer = L.conv2d { in_channels = 3, out_channels = 2, kernel = 1, rng = rng } },
      { name = "relu_a", inputs = { "a" }, layer = L.relu {} },
      { name = "b", inputs = { "pool" },
        layer = L.conv2d { in_channels = 3, out_channels = 2, kernel = 3, pad = 1, rng = rng } },
      { name = "cat", inputs = { "relu_a", "b" }, layer = L.concat { axis = 2 } },
      { name = "gap", inputs = { "cat" }, layer = L.global_avgpool {} },
      { name = "flat", inputs = { "gap" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" }, layer = L.linear { in_features = 4, out_features = 5, rng = rng } },
    },
    outputs = { "prob" },
    aliases = { features = "cat" },
    labels = { "tench, Tinca tinca", "goldfish", "great white shark", "tiger shark", "hen" },
  }
end

local function input(seed) return sb.randn(sb.rng(seed or 1), 1, 2, 9, 9) end

function T.test_runs_in_topological_order_whatever_the_given_order()
  local pass = small_net():forward(input())
  h.close(pass["prob"]:sum(), 1, 1e-6)
  lu.assertEquals(pass["cat"]:size(), { 1, 4, 4, 4 })
  lu.assertIs(pass["features"], pass["cat"])
end

function T.test_values_equal_the_layers_run_by_hand()
  local net, x = small_net(), input()
  local pass = net:forward(x)
  local by_hand = net:node("conv").layer:forward(x)
  h.close(pass["conv"], by_hand, 0)
  h.close(pass["relu"], by_hand:clamp(0, math.huge), 0)
end

function T.test_runs_up_to_a_layer_only()
  local pass = small_net():forward(input(), { upto = "pool" })
  lu.assertEquals(pass["pool"]:size(), { 1, 3, 4, 4 })
  h.error_has(function() return pass["cat"] end, "'cat' was not computed")
end

function T.test_forward_only_keeps_what_was_asked_for()
  local pass = small_net():forward(input(), { record = false, keep = { "relu" } })
  lu.assertNotNil(pass["prob"])
  lu.assertNotNil(pass["relu"])
  h.error_has(function() return pass["conv"] end, "not computed or kept")
  h.error_has(function() pass:backward { class = 1 } end, "kept no tapes")
end

function T.test_other_input_sizes_and_batches()
  local net = small_net()
  local one, two = sb.randn(sb.rng(1), 1, 2, 11, 8), sb.randn(sb.rng(2), 1, 2, 11, 8)
  local both = net:forward(sb.cat({ one, two }, 1))
  h.close(both["fc"]:select(1, 1), net:forward(one)["fc"]:select(1, 1), 1e-6)
  h.close(both["fc"]:select(1, 2), net:forward(two)["fc"]:select(1, 1), 1e-6)
end

function T.test_wrong_inputs_are_explained()
  local net = small_net()
  h.error_has(function() net:forward(sb.zeros(1, 3, 9, 9)) end,
    "input 'data' is 1x3x9x9, expected ?x2x?x?")
  h.error_has(function() net:forward(sb.zeros(1, 2, 1, 1)) end, "layer 'pool': maxpool")
end

function T.test_unknown_names_suggest_near_ones()
  local net = small_net()
  h.error_has(function() net:value("poool") end, "no layer is called 'poool'; did you mean 'pool'")
  h.error_has(function() net:class("tensh") end, "no class is called 'tensh'")
  h.error_has(function() net:forward(input()):backward { class = 1, rule = "guidde" } end,
    "unknown backward rule 'guidde'; did you mean 'guided'")
end

function T.test_classes_by_index_and_by_label()
  local net = small_net()
  lu.assertEquals(net:class(4), 4)
  lu.assertEquals(net:class("goldfish"), 2)
  lu.assertEquals(net:class("Tinca"), 1)
  lu.assertEquals(net:class("great"), 3)
  h.error_has(function() net:class(6) end, "class 6 is out of range: the net has 5")
end

function T.test_top_lists_probabilities_with_labels()
  local pass = small_net():forward(input())
  local top = pass:top(3)
  lu.assertEquals(#top, 3)
  lu.assertTrue(top[1].p >= top[2].p and top[2].p >= top[3].p)
  h.close(pass["prob"][{ 1, top[1].index }], top[1].p, 1e-6)
  lu.assertStrContains(tostring(top), top[1].label)
end

-- Central differences of one number of the net with respect to some pixels.
local function check_gradient(net, x, gradient, value)
  local step, flat = 1e-2, x:reshape(-1)
  local g = gradient:reshape(-1)
  for k = 1, x:count(), 17 do
    local v = flat[k]
    flat[k] = v + step
    local above = value(net:forward(x))
    flat[k] = v - step
    local below = value(net:forward(x))
    flat[k] = v
    -- The piecewise linear net is exact in the step unless a switch flips; rounding gives 1e-4.
    lu.assertAlmostEquals(g[k], (above - below) / (2 * step), 2e-3)
  end
end

-- The gradients that layer.grads of each of the net's layers hold, by the layer's name, and forgets them.
local function taken_grads(net)
  local taken = {}
  for _, node in ipairs(net.order) do
    for name, g in pairs(node.layer.grads or {}) do taken[node.name .. "." .. name] = g:clone() end
    if next(node.layer.params) then node.layer:zero_grads() end
  end
  return taken
end

-- Down to the lowest weights and no further: the same weight gradients, and none of the input.
function T.test_weight_gradients_alone()
  local net, x = small_net(), input(5)
  local pass = net:forward(x, { weights = true })
  local seeds = { fc = sb.randn(sb.rng(1), 1, 5) }
  lu.assertEquals(pass:backward({ seeds = seeds, weights = true }):size(), x:size())
  local want = taken_grads(net)
  lu.assertEquals(select("#", pass:backward { seeds = seeds, weights = true, to = {} }), 0)
  local count, got = 0, taken_grads(net)
  for name, g in pairs(want) do
    h.close(got[name], g, 0)
    count = count + 1
  end
  lu.assertEquals(count, 8)
  h.error_has(pass.backward, "to = {} asks for no gradient", pass, { seeds = seeds, to = {} })
end

function T.test_class_gradient_matches_finite_differences_at_the_logit()
  local net, x = small_net(), input(5)
  local gradient = net:forward(x):backward { class = 2 }
  check_gradient(net, x, gradient, function(pass) return pass["fc"][{ 1, 2 }] end)
end

function T.test_gradient_of_several_layers_at_once_is_the_sum()
  local net, x = small_net(), input(6)
  local pass = net:forward(x)
  local both = pass:backward { from = { "a", "pool" }, keep = "map", seed = "one" }
  local one = pass:backward { from = "a", keep = "map", seed = "one" }
  local other = pass:backward { from = "pool", keep = "map", seed = "one" }
  h.close(both, one + other, 1e-5)
end

function T.test_walk_to_a_middle_layer()
  local net, x = small_net(), input(7)
  local pass = net:forward(x)
  local at_pool, at_conv = pass:backward { class = 3, to = { "pool", "conv" } }
  lu.assertEquals(at_pool:size(), pass["pool"]:size())
  lu.assertEquals(at_conv:size(), pass["conv"]:size())
  h.error_has(function() pass:backward { from = "conv", to = "pool" } end,
    "no path leads from 'pool' to 'conv'")
end

function T.test_seed_keeps_what_is_asked()
  local net, x = small_net(), input(8)
  local pass = net:forward(x)
  local seed = require "switchback.seed"
  local maps = pass["relu"]
  local one = seed.activation(maps, { channel = 2 })
  local strongest = maps:select(1, 1)[2]:max()
  h.close(one:sum(), strongest, 1e-6)
  lu.assertEquals((one:ne(0)):sum(), 1)
  local whole = seed.activation(maps, { channel = 2, keep = "map" })
  h.close(whole:sum(), maps:select(1, 1)[2]:sum(), 1e-5)
  local three = seed.activation(maps, { channel = 2, keep = 3, seed = "one" })
  h.close(three:sum(), 3, 0)
  local at = seed.activation(maps, { channel = 2, keep = { 4, 5 } })
  h.close(at:sum(), maps[{ 1, 2, 4, 5 }], 1e-6)
  h.error_has(seed.activation, "channel 4 is out of range: the layer has 3", maps, { channel = 4 })
  h.error_has(seed.activation, "position {10, 1} is outside the 9x9 map", maps,
    { channel = 1, keep = { 10, 1 } })
end

-- The three rules through one ReLU and one convolution, recomputed from their definitions.
function T.test_rules_follow_their_definitions()
  local net, x = small_net(), input(9)
  local pass = net:forward(x)
  local seed = sb.randn(sb.rng(10), pass["relu"]:size())
  local positive = seed:clamp(0, math.huge)
  local lit = pass["conv"]:gt(0)
  local through = { gradient = seed * lit, guided = positive * lit, deconv = positive }
  local conv = net:node("conv").layer
  local _, tape = conv:forward(x)
  for rule, at_conv in pairs(through) do
    local got = pass:backward { seeds = { relu = seed }, rule = rule }
    h.close(got, conv:backward(tape, at_conv), 1e-5)
  end
end

function T.test_a_rule_may_depend_on_the_node()
  local net, x = small_net(), input(11)
  local pass = net:forward(x)
  local mixed = pass:backward { class = 1, rule = function(node)
    return node.name == "relu" and "guided" or "gradient"
  end }
  local plain = pass:backward { class = 1 }
  lu.assertFalse((mixed:close(plain, 1e-6)))
  h.close(pass:backward { class = 1, rule = function() return "gradient" end }, plain, 0)
end

-- y = unpooled maxima: in overlapping windows the adjoint adds, Torch's MaxUnpooling overwrites.
function T.test_overlap_option()
  local pool = sb.layer.maxpool { kernel = 2, stride = 1 }
  local net = sb.net { inputs = { { name = "x", shape = { 1, 1, 1 + 1, 3 } } },
    nodes = { { name = "pool", inputs = { "x" }, layer = pool } } }
  local x = sb.tensor { { { { 0, 9, 0 }, { 1, 2, 3 } } } }
  local pass = net:forward(x)
  local seeds = { pool = sb.tensor { { { { 5, 7 } } } } }
  h.close(pass:backward { seeds = seeds }, sb.tensor { { { { 0, 12, 0 }, { 0, 0, 0 } } } }, 0)
  h.close(pass:backward { seeds = seeds, overlap = "overwrite" },
    sb.tensor { { { { 0, 7, 0 }, { 0, 0, 0 } } } }, 0)
end

function T.test_two_runs_do_not_spoil_each_other()
  local net = small_net()
  local first = net:forward(input(12))
  local alone = first:backward { class = 1 }
  net:forward(input(13)):backward { class = 2 }
  h.close(first:backward { class = 1 }, alone, 0)
end

function T.test_receptive_fields()
  local net = small_net()
  lu.assertEquals(net:receptive_field("conv"), { size = { 3, 3 }, stride = { 1, 1 }, offset = { 0, 0 } })
  lu.assertEquals(net:receptive_field("pool"), { size = { 5, 5 }, stride = { 2, 2 }, offset = { 0, 0 } })
  lu.assertEquals(net:receptive_field("cat"), { size = { 9, 9 }, stride = { 2, 2 }, offset = { -2, -2 } })
  lu.assertNil(net:receptive_field("fc"))
  lu.assertEquals({ net:receptive_field("pool", 2, 3) }, { 2, 4, 6, 8 })
end

-- A pixel inside the field moves the activation, one outside does not (but for the rounding of a
-- Winograd tile, which reaches a few pixels further).
function T.test_receptive_field_is_what_the_gradient_touches()
  local net = small_net()
  local pass = net:forward(sb.randn(sb.rng(14), 1, 2, 21, 21))
  local top, left, bottom, right = net:receptive_field("b", 5, 4)
  local g = pass:backward { from = "b", keep = { 5, 4 }, seed = "one" }:select(1, 1)
  local most = g:abs():max()
  lu.assertTrue(most > 0)
  for y = 1, 21 do
    for x = 1, 21 do
      local inside = y >= top and y <= bottom and x >= left and x <= right
      if not inside then lu.assertAlmostEquals(g[{ 1, y, x }], 0, 1e-6 * most) end
    end
  end
end

function T.test_printing_shows_the_layers()
  local text = tostring(small_net())
  lu.assertStrContains(text, "conv2d")
  lu.assertStrContains(text, "parameters")
  lu.assertStrContains(text, "11 layers, ")
end

function T.test_broken_graphs_are_refused()
  local relu = sb.layer.relu {}
  local function net(nodes)
    return function() sb.net { inputs = { { name = "x", shape = { 1 } } }, nodes = nodes } end
  end
  local function node(name, from) return { name = name, inputs = { from }, layer = relu } end
  h.error_has(net { node("a", "y") }, "node 'a' reads 'y', which nothing makes")
  h.error_has(net { node("a", "b"), node("b", "a") }, "part of a cycle")
  h.error_has(net { node("a", "x"), node("a", "x") }, "two nodes are named 'a'")
end

return T
