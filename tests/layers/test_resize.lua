-- resize: against ONNX's formulas written as a naive loop over pixels, and by hand where they meet edges.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local function resize(config, x) return (sb.layer.resize(config):forward(x)) end

function T.test_nearest_by_hand()
  local x = sb.tensor { { 1, 2 }, { 3, 4 } }
  local doubled = sb.tensor { { 1, 1, 2, 2 }, { 1, 1, 2, 2 }, { 3, 3, 4, 4 }, { 3, 3, 4, 4 } }
  h.close(resize({ scales = 2 }, x), doubled, 0)
  h.close(resize({ scales = { 1, 2.5 } }, x), sb.tensor { { 1, 1, 1, 2, 2 }, { 3, 3, 3, 4, 4 } }, 0)
  h.close(resize({ sizes = { 1 } }, sb.arange(0, 4)), sb.tensor { 2 }, 0)
end

-- Output pixel 1 lies at 0.5 in x: the rounding decides.
function T.test_ways_to_round()
  local x = sb.tensor { 0, 1 }
  for rounding, want in pairs { round_prefer_floor = { 0, 0, 1, 1 }, round_prefer_ceil = { 0, 1, 1, 1 },
    floor = { 0, 0, 1, 1 }, ceil = { 0, 1, 1, 1 } } do
    local y = resize({ scales = { 2 }, coordinate_transformation_mode = "asymmetric",
      nearest_mode = rounding }, x)
    lu.assertEquals(y:totable(), want, rounding)
  end
end

function T.test_linear_by_hand()
  local x = sb.tensor { 0, 10 }
  local function line(mode, n)
    return resize({ sizes = { n }, mode = "linear", coordinate_transformation_mode = mode }, x)
  end
  h.close(line("half_pixel", 4), sb.tensor { 0, 2.5, 7.5, 10 }, 0)
  h.close(line("asymmetric", 4), sb.tensor { 0, 5, 10, 10 }, 0)
  h.close(line("align_corners", 5), sb.tensor { 0, 2.5, 5, 7.5, 10 }, 0)
  h.close(line("align_corners", 1), sb.tensor { 0 }, 0)
  h.close(line("half_pixel", 1), sb.tensor { 5 }, 0)
  h.close(line("pytorch_half_pixel", 1), sb.tensor { 0 }, 0)
end

-- ---- The naive resize of a plane: each output pixel is a sum over all input pixels -----------------

local positions = {
  half_pixel = function(i, n, m) return (i + 0.5) * n / m - 0.5 end,
  pytorch_half_pixel = function(i, n, m) return m > 1 and (i + 0.5) * n / m - 0.5 or -0.5 end,
  align_corners = function(i, n, m) return m > 1 and i * (n - 1) / (m - 1) or 0 end,
  asymmetric = function(i, n, m) return i * n / m end,
}

local function cubic(a)
  return function(d)
    d = math.abs(d)
    if d <= 1 then return (a + 2) * d ^ 3 - (a + 3) * d ^ 2 + 1 end
    return d < 2 and a * (d ^ 3 - 5 * d ^ 2 + 8 * d - 4) or 0
  end
end

local kernels = { linear = function(d) return math.max(0, 1 - math.abs(d)) end, cubic = cubic(-0.75) }

-- Weights of the n input pixels for output pixel i: the kernel around its position, where pixels beyond the
-- border are the edge pixel, or left out with the rest scaled up.
local function weights(i, n, m, position, kernel, exclude)
  local at, w, sum = position(i, n, m), {}, 0
  for k = 1, n do w[k] = 0 end
  for k = math.floor(at) - 2, math.floor(at) + 3 do
    local v = kernel(at - k)
    if k >= 0 and k < n or not exclude then
      local pixel = math.max(0, math.min(n - 1, k)) + 1
      w[pixel], sum = w[pixel] + v, sum + v
    end
  end
  for k = 1, n do w[k] = w[k] / sum end
  return w
end

local function matrix(n, m, position, kernel, exclude)
  local rows = {}
  for i = 1, m do rows[i] = weights(i - 1, n, m, position, kernel, exclude) end
  return sb.tensor(rows)
end

local function check(config, mode, kernel, rng)
  local h_in, w_in = rng:integer(1, 9), rng:integer(1, 9)
  local x = sb.randn(rng, 2, h_in, w_in)
  config.sizes = { rng:integer(1, 12), rng:integer(1, 12) }
  config.coordinate_transformation_mode = mode
  local position = positions[mode]
  local rows = matrix(h_in, config.sizes[1], position, kernel, config.exclude_outside)
  local columns = matrix(w_in, config.sizes[2], position, kernel, config.exclude_outside)
  local layer = sb.layer.resize(config)
  local y, tape = layer:forward(x)
  h.close(y, rows:matmul(x):matmul(columns:transpose(1, 2)), 2e-6)
  local dy = sb.randn(rng, y:size())
  h.close(layer:backward(tape, dy), rows:transpose(1, 2):matmul(dy):matmul(columns), 1e-5)
end

function T.test_linear_and_cubic_against_matrices()
  local rng = sb.rng(6)
  for mode in pairs(positions) do
    for _ = 1, 10 do
      check({ mode = "linear" }, mode, kernels.linear, rng)
      check({ mode = "cubic" }, mode, kernels.cubic, rng)
      check({ mode = "cubic", cubic_coeff_a = -0.5, exclude_outside = true }, mode, cubic(-0.5), rng)
    end
  end
end

function T.test_crop_and_resize()
  local x = sb.arange(0, 3)
  local function crop(from, to, n)
    return resize({ sizes = { n }, mode = "linear", coordinate_transformation_mode = "tf_crop_and_resize",
      roi = { from, to }, extrapolation_value = -1 }, x)
  end
  h.close(crop(0, 1, 4), x, 0)
  h.close(crop(1 / 3, 2 / 3, 3), sb.tensor { 1, 1.5, 2 }, 1e-6)
  h.close(crop(2 / 3, 4 / 3, 3), sb.tensor { 2, 3, -1 }, 1e-6)
  h.close(crop(1, 0, 2), sb.tensor { 3, 0 }, 0) -- mirrored
  h.close(crop(0, 1, 1), sb.tensor { 1.5 }, 0)
end

-- A scale of 5/3 is a little less in float32, and 3 times that is still meant to be 5.
function T.test_extents_from_scales()
  local function extent(n, scale) return sb.layer.resize { scales = { scale } }:infer { n }[1] end
  lu.assertEquals(extent(3, 5 / 3), 5)
  lu.assertEquals(extent(3, 1.6666666269302368), 5)
  lu.assertEquals(extent(4, 0.6), 2)
  lu.assertEquals(extent(5, 0.5), 2)
end

function T.test_any_number_of_dimensions()
  local x = sb.randn(sb.rng(1), 2, 3, 4)
  local y = resize({ sizes = { 4, 6, 4 } }, x)
  h.close(y[3], y[4], 0)
  h.close(y[1][1], x[1][1], 0)
  h.close(y[4][6], x[2][3], 0)
  h.close(resize({ scales = { 1, 1 } }, x), x, 0)
end

function T.test_mistakes_are_named()
  local layer = sb.layer.resize
  h.error_has(layer, "resize: give either scales or sizes (got 0 and 0 values)", {})
  h.error_has(layer, "resize: give either scales or sizes (got 1 and 2 values)",
    { scales = 2, sizes = { 1, 2 } })
  h.error_has(layer, "resize: a scale must be positive, got 0", { scales = 0 })
  h.error_has(layer, "resize: roi needs 4 values, got 0",
    { scales = { 2, 2 }, coordinate_transformation_mode = "tf_crop_and_resize" })
  h.error_has(layer { scales = { 2, 2 } }.infer, "resize: 2 sizes or scales are too many for the input 3",
    layer { scales = { 2, 2 } }, { 3 })
  h.error_has(layer { scales = 0.1 }.infer, "resize: axis 2 of the input 3x3 cannot become 0 long",
    layer { scales = 0.1 }, { 3, 3 })
  h.error_has(layer { scales = 1e30 }.infer, "resize: axis 2 of the input 3x3 cannot become",
    layer { scales = 1e30 }, { 3, 3 })
  h.error_has(layer { sizes = 4 }.infer, "resize: axis 2 of the input 3x0 cannot become 4 long",
    layer { sizes = 4 }, { 3, 0 })
end

function T.test_window()
  local window = sb.layer.resize { scales = 2, mode = "linear" }:window()
  lu.assertEquals(window.stride, { 0.5, 0.5 })
  lu.assertEquals(window.extent, { 2, 2 })
  lu.assertNil(sb.layer.resize { sizes = 7 }:window())
end

return T
