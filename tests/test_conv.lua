-- The ways to convolve that take weights as they are, and the layers, which choose among all ways, against
-- the definition, summed in double by plain loops ("direct"). Those that pack weights: test_conv_fast.lua.
local lu = require "luaunit"
local sb = require "switchback"
local conv = require("switchback.core").conv
local h = require "helper"

local T = {}

-- float32 sums of a few hundred products of normal numbers: rounding stays below 1e-6 of the norm.
local TOLERANCE = 1e-6
-- Winograd's F(4x4) adds what it multiplied by up to 64 again.
local TOLERANCES <const> = { ["winograd gradient"] = 1e-5 }

-- n, in, h, w, out and the geometry. Extents around the sizes at which work is cut (panels of 256 positions
-- and 512 rows, bands of rows) are among them.
local CASES = {
  { 2, 3, 6, 5, 4, kernel = { 3, 3 }, pad = { 1, 1, 1, 1 } },
  { 1, 2, 9, 7, 3, kernel = { 3, 2 }, stride = { 2, 1 }, pad = { 1, 0, 2, 1 } },
  { 1, 4, 5, 6, 6, kernel = { 3, 3 }, groups = { 2 }, dilation = { 1, 2 }, pad = { 2, 2, 2, 2 } },
  { 2, 5, 3, 4, 3, kernel = { 1, 1 } },
  { 1, 4, 3, 3, 4, kernel = { 1, 1 }, groups = { 2 } },
  { 1, 3, 5, 4, 2, kernel = { 1, 1 }, stride = { 2, 2 } },
  { 2, 3, 6, 7, 6, kernel = { 3, 3 }, groups = { 3 }, stride = { 2, 2 }, pad = { 1, 1, 1, 1 } },
  { 1, 4, 9, 21, 4, kernel = { 3, 5 }, groups = { 4 }, pad = { 1, 2, 1, 2 }, dilation = { 1, 2 } },
  { 1, 3, 4, 4, 3, kernel = { 3, 3 }, groups = { 3 }, stride = { 3, 3 }, pad = { 2, 2, 2, 2 } },
  { 1, 3, 40, 37, 8, kernel = { 7, 7 }, stride = { 2, 2 }, pad = { 3, 3, 3, 3 } },
  { 1, 2, 101, 9, 3, kernel = { 3, 3 }, pad = { 1, 1, 1, 1 } },
  { 1, 130, 7, 7, 20, kernel = { 3, 3 }, pad = { 1, 1, 1, 1 } },
  { 3, 20, 19, 19, 70, kernel = { 1, 1 } },
  { 1, 2, 2, 2, 2, kernel = { 2, 2 }, pad = { 3, 3, 3, 3 } },
  { 1, 2, 3, 70, 2, kernel = { 1, 9 }, stride = { 1, 4 }, pad = { 0, 8, 0, 8 } },
  { 3, 33, 18, 23, 20, kernel = { 3, 3 }, pad = { 0, 1, 2, 1 } },
  { 40, 32, 12, 12, 34, kernel = { 3, 3 }, groups = { 2 }, pad = { 1, 1, 1, 1 } },
}

local function tensors(case, rng)
  local n, c, height, width, out = table.unpack(case)
  local groups = case.groups and case.groups[1] or 1
  local x = sb.randn(rng, n, c, height, width)
  local w = sb.randn(rng, out, c // groups, case.kernel[1], case.kernel[2])
  return x, w, sb.randn(rng, out)
end

-- Depthwise convolutions of random shapes, for which no other way goes.
local function add_depthwise(rng)
  local channels, k = rng:integer(9), { rng:integer(5), rng:integer(5) }
  local case = { rng:integer(3), channels, rng:integer(30), rng:integer(45), channels * rng:integer(3),
    groups = { channels }, kernel = k, stride = { rng:integer(6), rng:integer(6) },
    dilation = { rng:integer(2), rng:integer(2) },
    pad = { rng:integer(0, k[1]), rng:integer(0, k[2]), rng:integer(0, k[1]), rng:integer(0, k[2]) } }
  for axis = 1, 2 do
    local window = (k[axis] - 1) * case.dilation[axis] + 1
    if case[2 + axis] + case.pad[axis] + case.pad[axis + 2] < window then return end
  end
  CASES[#CASES + 1] = case
end

local random = sb.rng(2)
while #CASES < 60 do add_depthwise(random) end

local function name_of(case, algorithm) return algorithm .. " " .. table.concat(case, ",") end

-- Runs check(algorithm, case, x, w, bias, y, dy) for every algorithm but direct.
local function each(check)
  local names = conv.algorithms()
  lu.assertEquals(table.remove(names), "direct")
  for i, case in ipairs(CASES) do
    local rng = sb.rng(i)
    local x, w, bias = tensors(case, rng)
    local y = conv.forward("direct", x, w, bias, case)
    for _, name in ipairs(names) do check(name, case, x, w, bias, y, sb.randn(rng, y:size())) end
  end
end

local function assert_same(got, want, what, tolerance)
  local miss = h.rel_l2(got, want)
  lu.assertTrue(miss < (tolerance or TOLERANCE), ("%s: relative L2 %g"):format(what, miss))
end

function T.test_direct_by_hand()
  local x = sb.arange(1, 9):reshape(1, 1, 3, 3)
  local w = sb.tensor { { { { 1, 2 }, { 3, 4 } } } }
  local y = conv.forward("direct", x, w, sb.tensor { 100 }, { kernel = { 2, 2 } })
  h.close(y:reshape(-1), sb.tensor { 137, 147, 167, 177 }, 0)
  local dx = conv.backward_input("direct", sb.ones(1, 1, 2, 2), w, x, { kernel = { 2, 2 } })
  h.close(dx:reshape(-1), sb.tensor { 1, 3, 2, 4, 10, 6, 3, 7, 4 }, 0)
  local dw = conv.backward_weights("direct", sb.ones(1, 1, 2, 2), x, { kernel = { 2, 2 } })
  h.close(dw:reshape(-1), sb.tensor { 12, 16, 24, 28 }, 0)
end

-- Every algorithm of `names` fitted a case.
local function assert_ran(ran, names)
  for _, name in ipairs(names) do lu.assertTrue(ran[name], name .. " fitted no case") end
end

function T.test_forward()
  local ran = {}
  each(function(name, case, x, w, bias, y)
    local got = conv.forward(name, x, w, bias, case)
    if not got then return end
    ran[name] = true
    assert_same(got, y, name_of(case, name))
    local plain = conv.forward(name, x, w, nil, case)
    assert_same(plain, conv.forward("direct", x, w, nil, case), name_of(case, name))
  end)
  assert_ran(ran, { "depthwise" })
end

function T.test_backward_to_the_input()
  local ran = {}
  each(function(name, case, x, w, _, _, dy)
    local got = conv.backward_input(name, dy, w, x, case)
    if not got then return end
    ran[name] = true
    assert_same(got, conv.backward_input("direct", dy, w, x, case), name_of(case, name))
  end)
  assert_ran(ran, { "depthwise" })
end

function T.test_backward_to_the_weights()
  local ran = {}
  each(function(name, case, x, _, _, _, dy)
    local got = conv.backward_weights(name, dy, x, case)
    if not got then return end
    ran[name] = true
    assert_same(got, conv.backward_weights("direct", dy, x, case), name_of(case, name), TOLERANCES[name])
  end)
  assert_ran(ran, { "depthwise", "winograd gradient", "gradient" })
end

function T.test_same_bytes_at_any_thread_count()
  local threads = sb.threads()
  each(function(name, case, x, w, bias, _, dy)
    local results = {}
    for n = 1, 5, 2 do
      sb.threads(n)
      results[#results + 1] = { conv.forward(name, x, w, bias, case),
        conv.backward_input(name, dy, w, x, case), conv.backward_weights(name, dy, x, case) }
    end
    sb.threads(threads)
    for k = 1, 3 do
      if results[1][k] then
        h.close(results[2][k], results[1][k], 0)
        h.close(results[3][k], results[1][k], 0)
      end
    end
  end)
end

-- Shapes at which the layer takes its different fast ways: Winograd at both sizes, packed panels, one row.
local LAYERS = {
  { 1, 16, 28, 28, 24, kernel = { 3, 3 }, pad = { 1, 1, 1, 1 } },
  { 2, 32, 57, 63, 17, kernel = { 3, 3 }, pad = { 1, 1, 1, 1 } },
  { 1, 48, 14, 14, 48, kernel = { 3, 3 }, pad = { 0, 1, 2, 1 } },
  { 1, 8, 20, 24, 16, kernel = { 3, 3 }, groups = { 2 } },
  { 1, 24, 17, 19, 40, kernel = { 5, 5 }, stride = { 2, 1 }, pad = { 2, 2, 2, 2 } },
  { 1, 64, 30, 31, 40, kernel = { 1, 1 } },
  { 1, 3, 50, 47, 16, kernel = { 7, 7 }, stride = { 2, 2 }, pad = { 3, 3, 3, 3 } },
  { 3, 5, 1, 33, 7, kernel = { 1, 3 } },
}

local function layer_of(case, w, bias)
  return sb.layer.conv2d { weight = w, bias = bias, stride = case.stride, pad = case.pad,
    dilation = case.dilation, groups = case.groups and case.groups[1] }
end

-- Whatever way the layer goes (relative L2): exact gives sums in double, rounded, and keeps to 1e-6 on the
-- way back; fast (Winograd F(4x4)) keeps to 1e-5.
function T.test_the_layer_in_both_precisions()
  local forward, back = { exact = 1e-7, fast = 1e-5 }, { exact = TOLERANCE, fast = 1e-5 }
  for _, precision in ipairs { "exact", "fast" } do
    sb.precision(precision)
    for i, case in ipairs(table.move(CASES, 1, #CASES, #LAYERS + 1, { table.unpack(LAYERS) })) do
      local rng = sb.rng(i)
      local x, w, bias = tensors(case, rng)
      local y, tape = layer_of(case, w, bias):forward(x)
      local dy = sb.randn(rng, y:size())
      local dx = layer_of(case, w, bias):backward(tape, dy)
      local miss = h.rel_l2(y, conv.forward("direct", x, w, bias, case))
      lu.assertTrue(miss < forward[precision], ("%s: y %g"):format(name_of(case, precision), miss))
      miss = h.rel_l2(dx, conv.backward_input("direct", dy, w, x, case))
      lu.assertTrue(miss < back[precision], ("%s: dx %g"):format(name_of(case, precision), miss))
    end
  end
end

-- ---- Equal neighbours -----------------------------------------------------------------------------

-- Noise around areas of one value a channel, bounded by staircases, circles and the image's edge.
local function with_flat_areas(rng, n, channels, height, width)
  local x = sb.randn(rng, n, channels, height, width)
  for i = 1, n do
    for c = 1, channels do
      local a, b, map = rng:normal(), rng:normal(), x[i][c]
      for y = 1, height do
        for left = 1, width do
          if left + 2 * y < width then map[y][left] = a end
          if (left - width) ^ 2 + (y - height) ^ 2 < height ^ 2 / 4 then map[y][left] = b end
        end
      end
    end
  end
  return x
end

-- Where y equals its neighbour before it along `dimension` in all channels, and by how much they differ.
local function repeats(y, dimension)
  local count = y:size(dimension)
  local now, before = y:narrow(dimension, 2, count - 1), y:narrow(dimension, 1, count - 1)
  return now:eq(before):min(2), (now - before):abs():max(2)
end

-- A walk back may follow, so rounding must not tell equal outputs apart (repeats.h); "direct" tells which are
-- equal.
function T.test_equal_neighbours_stay_equal()
  sb.precision "fast"
  local cases = { { 1, 16, 30, 34, 24, pad = { 1, 1, 1, 1 } }, { 2, 8, 23, 41, 16, pad = { 0, 2, 2, 0 } },
                  { 1, 16, 64, 60, 16, pad = { 1, 1, 1, 1 }, groups = { 2 } } }
  for i, case in ipairs(cases) do
    case.kernel = { 3, 3 }
    local rng = sb.rng(i)
    local _, w, bias = tensors(case, rng)
    local x = with_flat_areas(rng, table.unpack(case, 1, 4))
    local want = conv.forward("direct", x, w, bias, case)
    local y = layer_of(case, w, bias):forward(x, { weights = false })
    assert_same(y, want, name_of(case, "repeated"), 1e-5)
    for dimension = 3, 4 do
      local equal = repeats(want, dimension)
      local _, differences = repeats(y, dimension)
      lu.assertTrue(equal:sum() > 40)
      lu.assertEquals((equal * differences):max(), 0)
    end
  end
end

function T.tearDown() h.usual_precision() end

function T.test_geometry_is_checked()
  local x, w = sb.zeros(1, 2, 4, 4), sb.zeros(3, 2, 3, 3)
  h.error_has(conv.forward, "unknown algorithm 'magic'", "magic", x, w, nil, { kernel = { 3, 3 } })
  h.error_has(conv.forward, "does not fit", "direct", x, w, nil, { kernel = { 5, 5 } })
  h.error_has(conv.forward, "expected a tensor 3x2x2x2", "direct", x, w, nil, { kernel = { 2, 2 } })
end

return T
