-- Weights stored as halves: the numbers, the layer that takes them, and nets.
local lu = require "luaunit"
local h = require "helper"
local process_memory = require "process_memory"
local sb = require "switchback"
local half = require("switchback.core").half

local T = {}

-- Every finite half is a float32, which must come back as it is: 2 * 31 * 1024 of them, by the definition of
-- IEEE 754 binary16 (sign, 5 bits of exponent, 10 of fraction).
local function all_halves()
  local values = {}
  for exponent = 0, 30 do
    for fraction = 0, 1023 do
      local v = exponent == 0 and fraction * 2.0 ^ -24 or (1024 + fraction) * 2.0 ^ (exponent - 25)
      values[#values + 1] = v
      values[#values + 1] = -v
    end
  end
  return values
end

function T.test_every_half_survives()
  local t = sb.tensor(all_halves())
  lu.assertEquals(half.new(t):float():bytes(), t:bytes())
end

-- Between two neighbours the nearer one, and in the middle the even one.
function T.test_rounds_to_the_nearest_even()
  local low, high, middle, expected = {}, {}, {}, {}
  local n = 0
  for exponent = 0, 29 do
    for fraction = 0, 1023, 3 do
      local unit = 2.0 ^ (math.max(exponent, 1) - 25)
      local v = (fraction + (exponent > 0 and 1024 or 0)) * unit
      n = n + 1
      low[n], middle[n], high[n] = v + 0.49 * unit, v + 0.5 * unit, v + 0.51 * unit
      expected[n] = { v, fraction % 2 == 0 and v or v + unit, v + unit }
    end
  end
  for k, values in ipairs { low, middle, high } do
    local got = half.new(sb.tensor(values)):float():totable()
    for i = 1, n do
      if got[i] ~= expected[i][k] then
        error(("%.9g became %.9g, not %.9g"):format(values[i], got[i], expected[i][k]))
      end
    end
  end
end

function T.test_what_does_not_fit_is_refused()
  lu.assertEquals(half.new(sb.tensor { 65504, -65504 }):float():totable(), { 65504, -65504 })
  for _, v in ipairs { 65505, -1e30, math.huge, 0 / 0 } do
    h.error_has(half.new, "half: a value is larger than 65504 or not a number", sb.tensor { 0, v })
  end
end

-- linear with halves is linear with these numbers as floats, for one row and for several; sizes that no
-- block divides, and an input gradient with zeros. Rounding of float32 sums alone is left.
function T.test_linear_computes_with_the_stored_numbers()
  local rng = sb.rng(1)
  for _, size in ipairs { { 67, 1100 }, { 3, 5 }, { 130, 2050 }, { 1, 1 } } do
    local w = half.new(sb.randn(rng, size))
    local stored = sb.layer.linear { weight = w, bias = sb.randn(rng, size[1]) }
    local plain = sb.layer.linear { weight = w:float(), bias = stored.params.bias }
    for rows = 1, 3 do
      local x, dy = sb.randn(rng, rows, size[2]), sb.randn(rng, rows, size[1])
      dy[1][1] = 0
      local y, tape = stored:forward(x)
      local y2, tape2 = plain:forward(x)
      lu.assertTrue(h.rel_l2(y, y2) < 2e-6)
      lu.assertTrue(h.rel_l2(stored:backward(tape, dy), plain:backward(tape2, dy)) < 2e-6)
    end
  end
end

-- The bound that net:half() states: |y' - y| <= sum of 2^-11 |w x| + 2^-25 |x|, and float32's rounding.
function T.test_error_stays_within_its_bound()
  local rng = sb.rng(2)
  local w, x = sb.randn(rng, 50, 400) * 0.01, sb.randn(rng, 1, 400)
  local layer = sb.layer.linear { weight = w, bias = false }
  local y = layer:forward(x)
  layer.params.weight = half.new(w)
  local difference = (layer:forward(x) - y):abs()
  local bound = x:abs():matmul(w:abs():transpose()) * (2 ^ -11 + 1e-6) + x:abs():sum() * 2 ^ -25
  lu.assertTrue((bound - difference):min() >= 0)
  lu.assertTrue(difference:max() > 0)
end

function T.test_same_bytes_at_any_number_of_threads()
  local rng, threads = sb.rng(3), sb.threads()
  local layer = sb.layer.linear { weight = half.new(sb.randn(rng, 300, 5000)), bias = false }
  local x, dy, bytes = sb.randn(rng, 2, 5000), sb.randn(rng, 2, 300), {}
  for _, rows in ipairs { 1, 2 } do
    for n = 1, 3 do
      sb.threads(n)
      local y, tape = layer:forward(x:narrow(1, 1, rows))
      bytes[n] = y:bytes() .. layer:backward(tape, dy:narrow(1, 1, rows)):bytes()
    end
    lu.assertEquals(bytes[2], bytes[1])
    lu.assertEquals(bytes[3], bytes[1])
  end
  sb.threads(threads)
end

function T.test_halves_are_not_trained_nor_taken_by_other_layers()
  local linear = sb.layer.linear { weight = half.new(sb.ones(2, 3)) }
  local _, tape = linear:forward(sb.ones(1, 3))
  h.error_has(linear.backward, "linear: 'weight' is stored as halves, so it has no gradient", linear, tape,
    sb.ones(1, 2), { weights = true })
  local conv = sb.layer.conv2d { in_channels = 1, out_channels = 1, kernel = 1 }
  conv.params.weight = half.new(conv.params.weight)
  h.error_has(conv.forward, "conv2d: params.weight cannot be halves", conv, sb.ones(1, 1, 2, 2))
  linear.params.weight = half.new(sb.ones(3, 2))
  h.error_has(linear.forward, "linear: 'weight' must be 2x3, got 3x2", linear, sb.ones(1, 3))
end

-- LeNet-5's scores move by no more than its rounded weights may move them, and the plan knows.
function T.test_net_half()
  local net = sb.load("lenet5", { untrained = true })
  local x = sb.randn(sb.rng(4), 1, 1, 28, 28)
  local before, plan = net:forward(x):scores(), net:plan { 1, 1, 28, 28 }
  lu.assertEquals(net:half(), net)
  local after = net:forward(x):scores()
  lu.assertTrue(h.rel_l2(after, before) < 1e-3)
  lu.assertTrue(h.rel_l2(after, before) > 0)
  local parameters = net:parameter_count()
  lu.assertTrue(net:plan({ 1, 1, 28, 28 }).forward.weights < 0.6 * plan.forward.weights)
  local described = require("switchback.zoo").tensors(net)
  local same = sb.net(require("switchback.zoo").describe("lenet5", { tensors = described }))
  lu.assertEquals(same:parameter_count(), parameters)
  h.close(same:forward(x):scores(), after, 1e-5)
  local loaded = sb.load("lenet5", { untrained = true, half = true })
  h.close(loaded:forward(x):scores(), after, 0)
end

-- Memory of this process that files back, in KiB.
local function file_backed() return process_memory "RssFile" end

-- 16 MiB of weights in a file: converting them leaves none of the file's pages behind, and what was read is
-- still there to be read again.
function T.test_mapped_weights_are_let_go()
  local path = h.temporary "weights.safetensors"
  local w = sb.randn(sb.rng(5), 1024, 4096)
  assert(sb.safetensors.save(path, { w = w }))
  local mapped = assert(sb.safetensors.load(path)).w
  local before = file_backed()
  local stored = half.new(mapped)
  lu.assertTrue(file_backed() - before < 4096)
  h.close(stored:float(), w, 2e-3)
  h.close(mapped, w, 0)
  mapped[1][1] = 7
  half.new(mapped)
  lu.assertEquals(mapped[1][1], 7)
end

return T
