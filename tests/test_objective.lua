-- Objectives: gradients against finite differences, values against definitions, the algebra.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"
local obj = sb.objective

local T = {}

-- The value along `direction` of o's gradient at what it reads under `key`, and by central differences.
local function slopes(o, activations, key, direction, step)
  local _, gradients = o:evaluate(activations)
  local exact, there = gradients[key]:dot(direction), {}
  for name, t in pairs(activations) do there[name] = t end
  there[key] = activations[key] + direction * step
  local above = o:evaluate(there)
  there[key] = activations[key] - direction * step
  return exact, (above - o:evaluate(there)) / (2 * step)
end

-- Checks o's gradient at `key` along random directions. Values are sums in double of float32 products, so
-- that differences of step 1e-2 hold about 4 digits.
local function check_gradient(o, activations, key, tolerance)
  local rng = sb.rng(5)
  for _ = 1, 3 do
    local direction = sb.randn(rng, activations[key]:size())
    local exact, measured = slopes(o, activations, key, direction / direction:norm(), 1e-2)
    local scale = math.max(math.abs(exact), math.abs(measured), 1e-3)
    lu.assertTrue(math.abs(exact - measured) <= (tolerance or 2e-3) * scale,
      ("%s: gradient %.6g, differences %.6g"):format(o, exact, measured))
  end
end

local function activations()
  local rng = sb.rng(1)
  return { a = sb.randn(rng, 2, 4, 5, 6), b = sb.randn(rng, 2, 3, 4, 4), logits = sb.randn(rng, 2, 7),
           image = sb.rand(rng, 2, 3, 8, 9) }
end

local toy_net = { class = function(_, c) return c end, label = function(_, c) return "label " .. c end,
                  logits = function() return "logits" end }

-- { objective, what it reads }
local function each()
  local rng = sb.rng(2)
  local mask = sb.tensor { { 1, 0.5, 0 }, { 0, 1, 1 } }
  local like_a, like_b = sb.randn(rng, 1, 4, 5, 6), sb.randn(rng, 2, 3, 4, 4)
  return {
    { obj.channel("a", 3), "a" }, { obj.channel("a", 1, { image = 2 }), "a" },
    { obj.neuron("a", 2, { 5, 6 }), "a" }, { obj.neuron("a", 2), "a" }, { obj.layer "b", "b" },
    { obj.class(toy_net, 5), "logits" }, { obj.amplify "a", "a" },
    { obj.content("a", like_a), "a" }, { obj.content("b", like_b, { normalise = "mean" }), "b" },
    { obj.content("a", like_a, { normalise = "energy" }), "a" },
    { obj.style("a", { a = like_a }), "a" }, { obj.style({ "a", "b" }, { a = like_a, b = like_b }), "b" },
    { obj.relative({ "a", "b" }, { a = like_a, b = like_b }, { a = 2, b = 0.5 }), "b" },
    { obj.relative("a", { a = like_a }), "a" },
    { obj.direction("a", { 1, -2, 0.5, 3 }), "a" },
    { obj.direction("a", sb.randn(rng, 4), { power = 2 }), "a" },
    { obj.guided("a", sb.randn(rng, 1, 4, 7, 3)), "a", 2e-2 }, -- a step may change which fits best
    { obj.interpolation("a", 1, "b", 3), "a" },
    { obj.interpolation("a", 1, "b", 3), "b" }, { obj.diversity "a", "a" },
    { obj.style("a", { a = like_a }, { mask = mask, target_mask = mask:transpose() }), "a" },
    { obj.range { low = -0.5, high = 0.5, layer = "a" }, "a" }, { obj.linf { layer = "a" }, "a" },
    { obj.norm { power = 3, layer = "a" }, "a" }, { obj.blur(), "image" }, { obj.alpha { layer = "a" }, "a" },
    { obj.tv(), "image" }, { obj.tv { beta = 1.5, form = "anisotropic" }, "image", 1e-2 },
    { obj.l2 { centre = 0.5 }, "image" }, { obj.l1(), "image" }, { obj.l2 { layer = "b" }, "b" },
  }
end

function T.test_gradients_are_those_of_the_values()
  for _, case in ipairs(each()) do
    check_gradient(case[1], activations(), case[2], case[3])
    check_gradient(-2.5 * case[1], activations(), case[2], case[3])
  end
end

function T.test_gradients_are_new_tensors()
  for _, case in ipairs(each()) do
    local given, untouched = activations(), activations()
    local _, gradients = case[1]:evaluate(given)
    gradients[case[2]]:fill_(7)
    local _, again = case[1]:evaluate(given)
    h.close(given[case[2]], untouched[case[2]], 0)
    lu.assertFalse((again[case[2]]:close(gradients[case[2]], 0)))
  end
end

-- Adam's steps (Kingma & Ba 2015) on what the objective reads, downwards and upwards.
function T.test_three_steps_improve()
  for _, case in ipairs(each()) do
    for _, sign in ipairs { 1, -1 } do
      local o, given = sign * case[1], activations()
      local adam, x = sb.optim.adam { rate = 1e-3 }, given[case[2]]
      local function closure()
        local value, gradients = o:evaluate(given)
        return value, { gradients[case[2]] }
      end
      local before = closure()
      for _ = 1, 3 do adam:step({ x }, closure) end
      lu.assertTrue(closure() < before, tostring(o))
    end
  end
end

local function value_of(o, given) return (o:evaluate(given)) end

function T.test_values_by_hand()
  local a = sb.tensor { { { { 3, 1 } }, { { 4, 0 } } } } -- (1,2,1,2): the positions hold (3,4) and (1,0)
  local given = { a = a, image = sb.tensor { { { { 0, 1 }, { 3, -2 } } } } }
  local function expect(o, value) lu.assertAlmostEquals(value_of(o, given), value, 1e-6) end
  expect(obj.channel("a", 2), 2)
  expect(obj.neuron("a", 2, { 1, 1 }), 4)
  expect(obj.neuron("a", 1), 1)
  expect(obj.layer "a", 2)
  expect(obj.amplify "a", 13)
  expect(obj.direction("a", { 0, 2 }), (8 + 0) / 2)
  expect(obj.direction("a", { 0, 2 }, { power = 1 }), (8 * 0.8 + 0 * 0.1) / 2)
  expect(obj.guided("a", sb.tensor { { { { 1, 0 } }, { { 0, 2 } } } }), (8 + 1) / 2)
  expect(obj.content("a", a - 1), 2)
  expect(obj.content("a", a - 1, { normalise = "mean" }), 0.5)
  expect(obj.tv(), 1 + 9)
  expect(obj.tv { form = "anisotropic", beta = 1 }, 1 + 5 + 3 + 3)
  expect(obj.l1 { centre = 1 }, 1 + 0 + 2 + 3)
  expect(obj.l2 { centre = 1 }, 1 + 0 + 4 + 9)
  expect(obj.linf { centre = 1 }, 3)
  expect(obj.norm { power = 4 }, 1 + 81 + 16)
  expect(obj.range(), 4 + 4)
end

-- Gatys' equations on (1,2,1,2) maps: G = F F^T / 2.
function T.test_style_by_hand()
  local f, p = sb.tensor { { { { 3, 1 } }, { { 4, 0 } } } }, sb.tensor { { { { 1, 0 } }, { { 0, 1 } } } }
  local g = sb.tensor { { 10, 12 }, { 12, 16 } } / 2 - sb.tensor { { 1, 0 }, { 0, 1 } } / 2
  local expected = (g * g):sum() / 16
  lu.assertAlmostEquals(value_of(obj.style("a", { a = p }), { a = f }), expected, 1e-5)
  lu.assertAlmostEquals(value_of(obj.style("a", obj.grams { a = p }), { a = f }), expected, 1e-5)
  local a = obj.grams({ a = p }).a
  lu.assertAlmostEquals(value_of(obj.relative("a", { a = p }, { a = 3 }), { a = f }),
    3 * 16 * expected / a:dot(a), 1e-4)
  local inside = obj.style("a", obj.grams { a = p }, { mask = sb.tensor { { 0, 1 } } })
  g = sb.tensor { { 1, 0 }, { 0, 0 } } - sb.tensor { { 1, 0 }, { 0, 1 } } / 2
  lu.assertAlmostEquals(value_of(inside, { a = f }), (g * g):sum() / 16, 1e-5)
end

function T.test_a_blend_of_styles_has_the_gradient_of_their_sum()
  local given, rng, layers = activations(), sb.rng(4), { "a", "b" }
  local one = { a = sb.randn(rng, 1, 4, 3, 3), b = sb.randn(rng, 1, 3, 5, 5) }
  local two = { a = sb.randn(rng, 1, 4, 9, 2), b = sb.randn(rng, 1, 3, 4, 4) }
  local _, blended = obj.style(layers, obj.blend { { one, 1 }, { two, 3 } }):evaluate(given)
  local _, summed = (0.25 * obj.style(layers, one) + 0.75 * obj.style(layers, two)):evaluate(given)
  for _, layer in ipairs(layers) do h.close(blended[layer], summed[layer], 1e-6) end
end

-- A smooth ramp loses nothing inside, a chessboard everything: half the squares of +-1 each.
function T.test_blur_punishes_what_is_fine()
  local board = sb.tensor { { 1, -1, 1, -1 }, { -1, 1, -1, 1 }, { 1, -1, 1, -1 }, { -1, 1, -1, 1 } }
  local plain = sb.ones(1, 1, 4, 4)
  lu.assertAlmostEquals(value_of(obj.blur(), { image = plain }), 0, 1e-9)
  local inner = value_of(obj.blur(), { image = sb.tile(board, 8, 8):reshape(1, 1, 32, 32) })
  lu.assertTrue(inner > 0.5 * 30 * 30)
end

function T.test_a_batch_that_agrees_is_not_diverse()
  local a = sb.randn(sb.rng(1), 1, 4, 5, 6)
  lu.assertAlmostEquals(value_of(obj.diversity "a", { a = sb.cat({ a, a, a }, 1) }), 2, 1e-5)
  local apart = sb.zeros(2, 2, 1, 1)
  apart[{ 1, 1, 1, 1 }], apart[{ 2, 2, 1, 1 }] = 1, 1
  lu.assertAlmostEquals(value_of(obj.diversity "a", { a = apart }), 0, 1e-6)
end

function T.test_interpolation_goes_from_one_channel_to_the_other()
  local a = sb.rand(sb.rng(1), 3, 2, 2, 2)
  local _, g = obj.interpolation("a", 1, "a", 2):evaluate { a = a }
  h.close(g.a * 4, sb.tensor { 1, 0, 0.5, 0.5, 0, 1 }:reshape(3, 2, 1, 1):expand(3, 2, 2, 2), 1e-6)
end

function T.test_objectives_add_subtract_and_scale()
  local a, b = obj.channel("a", 3), obj.l2()
  local given = activations()
  local va, ga = a:evaluate(given)
  local vb, gb = b:evaluate(given)
  local value, gradients, values = (2 * a - b / 4):evaluate(given)
  lu.assertAlmostEquals(value, 2 * va - vb / 4, 1e-9)
  lu.assertEquals(values, { va, vb })
  h.close(gradients.a, ga.a * 2, 1e-6)
  h.close(gradients.image, gb.image * -0.25, 1e-6)
  local sum = -(a + b + a)
  lu.assertEquals(sum.layers, { "a" })
  h.close(select(2, sum:evaluate(given)).a, ga.a * -2, 1e-6)
end

function T.test_terms_are_what_a_sum_is_made_of()
  local names, weights = {}, {}
  for i, term in ipairs((obj.channel("a", 3) - 0.5 * obj.sum { obj.tv(), obj.l2() }):terms()) do
    names[i], weights[i] = term.name, term.weight
  end
  lu.assertEquals(names, { "channel a:3", "tv", "l2" })
  lu.assertEquals(weights, { 1, -0.5, -0.5 })
  lu.assertEquals(tostring(obj.layer "b" - 3 * obj.tv()), "layer b + -3 tv")
end

function T.test_functions_are_objectives()
  local cube = obj.custom({ "a" }, function(values)
    return (values.a * values.a * values.a):sum(), { a = values.a * values.a * 3 }
  end)
  check_gradient(cube, activations(), "a", 5e-3)
  local brightness = function(values) return values.image:sum(), { image = values.image * 0 + 1 } end
  local value, gradients = (obj.tv() * 0 + brightness):evaluate(activations())
  lu.assertAlmostEquals(value, activations().image:sum(), 1e-6)
  h.close(gradients.image, sb.ones(2, 3, 8, 9), 0)
end

function T.test_mistakes_are_explained()
  local function evaluate(o) return function() return o:evaluate(activations()) end end
  h.error_has(evaluate(obj.channel("a", 5)), "channel 5 is out of range: 'a' has 4")
  h.error_has(evaluate(obj.channel("nowhere", 1)), "no activations of 'nowhere'")
  h.error_has(evaluate(obj.channel("a", 1, { image = 3 })), "image 3 is out of range: the batch has 2")
  h.error_has(evaluate(obj.content("a", sb.zeros(1, 4, 5, 5))), "1x4x5x5, the layer 2x4x5x6")
  h.error_has(evaluate(obj.custom(function() return 1 end)), "a number and a table of gradients")
  h.error_has(function() return obj.layer "a" + 1 end, "got a number")
  h.error_has(function() return obj.layer "a" * obj.layer "b" end, "scaled by a number")
  h.error_has(function() return obj.tv { bet = 2 } end, "did you mean 'beta'")
  h.error_has(evaluate(obj.alpha()), "the picture has 3 channels")
  h.error_has(evaluate(obj.direction("a", { 1, 2 })), "has 2 numbers, 'a' 4 channels")
  h.error_has(evaluate(obj.style("a", { a = sb.zeros(1, 3, 2, 2) })), "1x3x3, that of the layer 2x4x4")
  local empty = obj.style("a", { a = sb.zeros(1, 4, 2, 2) }, { mask = sb.zeros(2, 2) })
  h.error_has(evaluate(empty), "mask is empty")
  h.error_has(function() return obj.style({ "a" }, {}) end, "no target for 'a'")
end

return T
