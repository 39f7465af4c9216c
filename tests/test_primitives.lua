local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

-- Sizes, kernels and options of 1-D convolutions.
local SIGNALS = {
  { n = 5, k = 3 },
  { n = 7, k = 3, stride = 2 },
  { n = 8, k = 4, stride = 2, pad = 1 },
  { n = 9, k = 3, dilation = 2, pad = 2 },
  { n = 6, k = 1, stride = 3 },
}

local function as_image(v) return v:reshape(1, 1, 1, v:size(1)) end

-- A signal is an image of one row, so vertical padding stays 0.
local function options_of(s, extra)
  local o = { stride = { 1, s.stride or 1 }, dilation = { 1, s.dilation or 1 }, pad = { 0, s.pad or 0 } }
  for key, value in pairs(extra or {}) do o[key] = value end
  return o
end

local function matrix_of(s, w)
  return sb.conv_matrix(w, s.n, { stride = s.stride, pad = s.pad, dilation = s.dilation })
end

function T.test_conv_matrix_of_the_textbook()
  local want = sb.tensor { { 1, 2, 3, 0, 0 }, { 0, 1, 2, 3, 0 }, { 0, 0, 1, 2, 3 } }
  h.close(sb.conv_matrix(sb.tensor { 1, 2, 3 }, 5), want, 0)
  want = sb.tensor { { 2, 3, 0, 0 }, { 0, 1, 2, 3 } }
  h.close(sb.conv_matrix(sb.tensor { 1, 2, 3 }, 4, { stride = 2, pad = 1 }), want, 0)
end

function T.test_multiplying_by_the_matrix_is_convolution()
  local rng = sb.rng(1)
  for _, s in ipairs(SIGNALS) do
    local w, x = sb.randn(rng, s.k), sb.randn(rng, s.n)
    local y = sb.conv2d(as_image(x), as_image(w), options_of(s))
    h.close(matrix_of(s, w):matmul(x), y:reshape(-1), 1e-5)
  end
end

function T.test_multiplying_by_the_transposed_matrix_is_transposed_convolution()
  local rng = sb.rng(2)
  for _, s in ipairs(SIGNALS) do
    local w = sb.randn(rng, s.k)
    local m = matrix_of(s, w)
    local y = sb.randn(rng, m:size(1))
    local reach = (m:size(1) - 1) * (s.stride or 1) + (s.k - 1) * (s.dilation or 1) + 1 - 2 * (s.pad or 0)
    local o = options_of(s, { output_pad = { 0, s.n - reach } })
    local x = sb.conv2d_transpose(as_image(y), as_image(w), o)
    h.close(m:transpose():matmul(y), x:reshape(-1), 1e-5)
  end
end

function T.test_conv_matrix_explains_mistakes()
  h.error_has(sb.conv_matrix, "conv_matrix: the kernel must be a vector, got 2x2", sb.zeros(2, 2), 5)
  h.error_has(sb.conv_matrix, "conv_matrix: a kernel of 6 does not fit a signal of 5", sb.zeros(6), 5)
  h.error_has(sb.conv_matrix, "unknown option 'strid'", sb.zeros(2), 5, { strid = 2 })
  h.error_has(sb.conv_matrix, "stride cannot be 0", sb.zeros(2), 5, { stride = 0 })
end

function T.test_conv2d_adds_bias_and_leaves_options_alone()
  local options = { bias = sb.tensor { 10, 20 } }
  local y = sb.conv2d(sb.ones(1, 1, 2, 2), sb.ones(2, 1, 2, 2), options)
  h.close(y:reshape(-1), sb.tensor { 14, 24 }, 0)
  lu.assertNil(options.weight)
  h.error_has(sb.conv2d, "conv2d: input has 1 channel, weights expect 3", sb.zeros(1, 1, 28, 28),
    sb.zeros(8, 3, 3, 3))
  h.error_has(sb.conv2d, "1x1x28x28", sb.zeros(1, 1, 28, 28), sb.zeros(8, 3, 3, 3))
end

-- <conv2d(x), y> = <x, conv2d_transpose(y)>: what "adjoint" means.
function T.test_transpose_is_the_adjoint()
  local rng = sb.rng(3)
  local o = { stride = 2, pad = { 1, 0, 2, 1 }, groups = 2 }
  local x, w = sb.randn(rng, 2, 4, 9, 8), sb.randn(rng, 6, 2, 3, 3)
  local y = sb.conv2d(x, w, o)
  local dy = sb.randn(rng, y:size())
  o.output_pad = { 1, 0 }
  local dx = sb.conv2d_transpose(dy, w, o)
  lu.assertEquals(dx:size(), x:size())
  lu.assertAlmostEquals((y * dy):sum(), (x * dx):sum(), 1e-3)
end

function T.test_unpool_places_values_at_their_switches()
  local y = sb.tensor { 5, 6, 7 }:reshape(1, 1, 1, 3)
  local at = function(...) return sb.tensor { ... }:reshape(1, 1, 1, 3) end
  h.close(sb.unpool(y, at(1, 6, 4), { 2, 3 }):reshape(-1), sb.tensor { 5, 0, 0, 7, 0, 6 }, 0)
  h.close(sb.unpool(y, at(2, 2, 0), { 2, 2 }):reshape(-1), sb.tensor { 0, 11, 0, 0 }, 0)
  lu.assertEquals(sb.unpool(y, at(1, 2, 3)):size(), { 1, 1, 2, 6 })
  h.error_has(sb.unpool, "unpool: index", y, at(1, 2, 7), { 2, 3 })
  h.error_has(sb.unpool, "unpool: values are 1x1x1x3, switches 1x1x1x2", y, sb.ones(1, 1, 1, 2), { 2, 3 })
end

function T.test_unpool_undoes_pooling_of_distinct_maxima()
  local x = sb.randn(sb.rng(4), 2, 3, 6, 8)
  local y, tape = sb.layer.maxpool { kernel = 2 }:forward(x)
  local back = sb.unpool(y, tape.switches, { 6, 8 })
  lu.assertAlmostEquals(back:sum(), y:sum(), 1e-4)
  local again = sb.layer.maxpool { kernel = 2 }:forward(sb.unpool(y + 10, tape.switches, { 6, 8 }))
  h.close(again, y + 10, 0)
end

function T.test_gram_by_hand()
  local f = sb.tensor { { { 1, 2 } }, { { 3, 4 } } } -- 2 channels, 1 x 2 positions
  h.close(sb.gram(f), sb.tensor { { 5, 11 }, { 11, 25 } }, 0)
  h.close(sb.gram(f, { normalise = true }), sb.tensor { { 2.5, 5.5 }, { 5.5, 12.5 } }, 0)
  local batch = sb.stack { f, f * 2 }
  h.close(sb.gram(batch), sb.stack { sb.gram(f), sb.gram(f) * 4 }, 0)
  h.error_has(sb.gram, "gram: input must be (N,C,H,W), got 3x4", sb.zeros(3, 4))
end

return T
