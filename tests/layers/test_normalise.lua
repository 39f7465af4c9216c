-- batchnorm, instancenorm, lrn and dropout: what the shared reference values do not cover.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

function T.test_batchnorm_of_a_batch_is_standard()
  local x = sb.randn(sb.rng(1), 4, 3, 5, 6) * 7 + 100
  local y = sb.layer.batchnorm { channels = 3 }:forward(x, { training = true })
  for c = 1, 3 do
    local values = {}
    for n = 1, 4 do values[n] = y[n][c] end
    local all = sb.stack(values)
    lu.assertAlmostEquals(all:mean(), 0, 1e-4)
    lu.assertAlmostEquals((all * all):mean(), 1, 1e-4)
  end
end

-- One channel with values 1, 2, 3, 6: mean 3, biased variance 3.5, unbiased 14/3.
function T.test_batchnorm_running_statistics()
  local l = sb.layer.batchnorm { channels = 1, momentum = 0.25, eps = 0 }
  local x = sb.tensor { 1, 2, 3, 6 }:reshape(4, 1)
  local y = l:forward(x, { training = true })
  h.close(y:reshape(-1), (sb.tensor { 1, 2, 3, 6 } - 3) / math.sqrt(3.5), 1e-6)
  lu.assertAlmostEquals(l.params.mean:item(), 0.25 * 3, 1e-6)
  lu.assertAlmostEquals(l.params.variance:item(), 0.75 + 0.25 * 14 / 3, 1e-6)
  l:forward(x)
  lu.assertAlmostEquals(l.params.mean:item(), 0.75, 1e-6)
end

function T.test_batchnorm_of_large_means_keeps_its_digits()
  local x = sb.randn(sb.rng(2), 1, 1, 64, 64) + 4096
  local y = sb.layer.batchnorm { channels = 1, eps = 0 }:forward(x, { training = true })
  lu.assertAlmostEquals((y * y):mean(), 1, 1e-4)
  lu.assertAlmostEquals(y:mean(), 0, 1e-3)
end

function T.test_channels_come_from_a_tensor()
  local l = sb.layer.batchnorm { mean = sb.zeros(5), variance = sb.ones(5), affine = false }
  lu.assertEquals(l.config.channels, 5)
  h.error_has(sb.layer.batchnorm, "batchnorm: give channels", {})
  l = sb.layer.batchnorm { channels = 3 }
  h.error_has(l.forward, "batchnorm: input must be (N,3,...), got 2x4x5x5", l, sb.zeros(2, 4, 5, 5))
  l = sb.layer.instancenorm { channels = 3 }
  h.error_has(l.forward, "instancenorm: input must be (N,3,...), got 2x4x5x5", l, sb.zeros(2, 4, 5, 5))
  h.error_has(l.forward, "instancenorm: input must be (N,C,...) with planes, got 2x3", l, sb.zeros(2, 3))
end

function T.test_instancenorm_normalises_each_plane()
  local x = sb.randn(sb.rng(3), 2, 3, 7, 9) * 5 - 20
  local y = sb.layer.instancenorm { affine = false }:forward(x)
  for n = 1, 2 do
    for c = 1, 3 do
      lu.assertAlmostEquals(y[n][c]:mean(), 0, 1e-5)
      lu.assertAlmostEquals((y[n][c] * y[n][c]):mean(), 1, 1e-4)
    end
  end
end

-- Caffe's WITHIN_CHANNEL: x (1 + alpha * mean square of the padded window)^-beta. Ones of 3 x 3 under a
-- window of 3: the corner sees 4 of 9 cells, the edge 6, the centre 9.
function T.test_lrn_within_a_channel()
  local y = sb.layer.lrn { size = 3, alpha = 9, beta = 0.5, region = "within" }:forward(sb.ones(1, 1, 3, 3))
  local corner, edge, centre = 5 ^ -0.5, 7 ^ -0.5, 10 ^ -0.5
  local want = sb.tensor { { corner, edge, corner }, { edge, centre, edge }, { corner, edge, corner } }
  h.close(y[1][1], want, 1e-6)
  h.error_has(sb.layer.lrn, "lrn: size must be odd within a channel, got 4", { size = 4, region = "within" })
end

-- The formula in double precision, for one image and the channels around each.
local function naive_lrn(x, config, c, y, col)
  local sum, low = 0, config.size // 2
  for j = math.max(c - low, 1), math.min(c + config.size - 1 - low, #x) do
    sum = sum + x[j][y][col] ^ 2
  end
  return x[c][y][col] * (config.k + config.alpha / config.size * sum) ^ -config.beta
end

-- Roots are found by Newton steps in single precision: 1e-6 is what a few roundings may come to.
function T.test_lrn_against_the_formula()
  local rng = sb.rng(6)
  for _, beta in ipairs { 0.75, 0.5, 1, 0.625 } do -- which a float holds exactly
    for _, scale in ipairs { 1, 1e-3, 1e4, 1e18 } do
      local config = { size = rng:integer(1, 6), alpha = rng:uniform(), beta = beta,
                       k = rng:uniform() + 0.01 }
      local x = sb.randn(rng, 1, 9, 5, 7) * scale
      local y, values = sb.layer.lrn(config):forward(x)[1]:totable(), x[1]:totable()
      for c = 1, 9 do
        local want = naive_lrn(values, config, c, 2, 3)
        lu.assertAlmostEquals(y[c][2][3] / want, 1, 1e-6)
      end
    end
  end
end

function T.test_lrn_identity_rule_passes_the_gradient_on()
  local l, x = sb.layer.lrn { alpha = 1 }, sb.randn(sb.rng(4), 1, 6, 2, 2)
  local y, tape = l:forward(x)
  local dy = sb.randn(sb.rng(5), y:size())
  h.close(l:backward(tape, dy, { lrn = "identity" }), dy, 0)
  lu.assertFalse(l:backward(tape, dy):close(dy, 1e-3))
end

function T.test_dropout_is_the_identity_in_evaluation()
  local x = sb.randn(sb.rng(6), 50, 20)
  h.close(sb.layer.dropout { p = 0.9 }:forward(x), x, 0)
end

function T.test_dropout_keeps_the_mean_and_passes_what_it_kept()
  local l, x = sb.layer.dropout { p = 0.25 }, sb.ones(100, 200)
  local y, tape = l:forward(x, { training = true, rng = sb.rng(7) })
  local kept = (y:gt(0)):mean()
  lu.assertAlmostEquals(kept, 0.75, 0.02) -- deviation of the share: 0.003
  lu.assertAlmostEquals(y:max(), 4 / 3, 1e-6)
  h.close(l:backward(tape, x), y, 0)
  h.close(l:forward(x, { training = true, rng = sb.rng(7) }), y, 0)
  lu.assertFalse(l:forward(x, { training = true, rng = sb.rng(8) }):close(y, 0))
  h.error_has(sb.layer.dropout, "dropout: p must be below 1, got 1", { p = 1 })
end

-- The convolution that takes a batch norm in notices that a run in training form changed the statistics.
function T.test_statistics_reach_the_folded_convolution()
  local b = require("switchback.builder").new { channels = 2, size = { 8, 8 }, seed = 1 }
  local net = sb.net(b:conv("conv", 4, 3, { pad = 1 }):batchnorm("bn"):finish {})
  local x = sb.randn(sb.rng(4), 3, 2, 8, 8)
  net:forward(x)
  net:forward(x * 3 + 1, { training = true })
  local alone = net:node("bn").layer:forward((net:node("conv").layer:forward(x)))
  h.close(net:forward(x).bn, alone, 1e-4)
end

return T
