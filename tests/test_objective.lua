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
  local like_a, like_b = sb.randn(rng, 1, 4, 5, 6), sb.randn(rng, 2, 3, 4, 4)
  return {
    { obj.channel("a", 3), "a" }, { obj.channel("a", 1, { image = 2 }), "a" },
    { obj.neuron("a", 2, { 5, 6 }), "a" }, { obj.neuron("a", 2), "a" }, { obj.layer "b", "b" },
    { obj.class(toy_net, 5), "logits" }, { obj.amplify "a", "a" },
    { obj.content("a", like_a), "a" }, { obj.content("b", like_b, { normalise = "mean" }), "b" },
    { obj.content("a", like_a, { normalise = "energy" }), "a" },
    { obj.style("a", { a = like_a }), "a" }, { obj.style({ "a", "b" }, { a = like_a, b = like_b }), "b" },
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
  h.error_has(function() return obj.style({ "a" }, {}) end, "no target for 'a'")
end

return T
