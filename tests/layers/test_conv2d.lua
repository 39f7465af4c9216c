local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

function T.test_sizes_come_from_the_weight()
  local l = sb.layer.conv2d { weight = sb.zeros(8, 3, 5, 2), groups = 2, bias = false }
  local c = l.config
  lu.assertEquals({ c.in_channels, c.out_channels, c.kernel }, { 6, 8, { 5, 2 } })
  local t = sb.layer.conv2d_transpose { weight = sb.zeros(8, 3, 5, 2), groups = 2 }
  c = t.config
  lu.assertEquals({ c.in_channels, c.out_channels, c.kernel }, { 8, 6, { 5, 2 } })
  lu.assertEquals(t.params.bias:size(), { 6 })
end

function T.test_output_sizes()
  local function size(config, height, width)
    config.in_channels, config.out_channels = 1, 1
    local s = sb.layer.conv2d(config):infer { 1, 1, height, width }
    return { s[3], s[4] }
  end
  lu.assertEquals(size({ kernel = 7, stride = 2, pad = 3 }, 224, 223), { 112, 112 })
  lu.assertEquals(size({ kernel = 3, dilation = 2 }, 9, 8), { 5, 4 })
  lu.assertEquals(size({ kernel = 2, pad = { 1, 0, 0, 2 } }, 4, 4), { 4, 5 })
end

function T.test_mistakes_are_explained()
  local l = sb.layer.conv2d { in_channels = 3, out_channels = 8, kernel = 3 }
  h.error_has(l.forward, "conv2d: input has 1 channel, weights expect 3 (input 1x1x28x28, weight 8x3x3x3)", l,
    sb.zeros(1, 1, 28, 28))
  h.error_has(l.forward, "conv2d: input must be (N,C,H,W), got 3x28x28", l, sb.zeros(3, 28, 28))
  h.error_has(l.forward, "does not fit the input 1x3x2x9", l, sb.zeros(1, 3, 2, 9))
  h.error_has(sb.layer.conv2d, "conv2d: weight must be (out, in/groups, kh, kw), got 3x3",
    { weight = sb.zeros(3, 3) })
  h.error_has(sb.layer.conv2d, "conv2d: groups = 2 must divide in_channels = 3 and out_channels = 8",
    { in_channels = 3, out_channels = 8, kernel = 3, groups = 2 })
  h.error_has(sb.layer.conv2d, "conv2d: give weight, or in_channels", {})
  h.error_has(sb.layer.conv2d_transpose, "output_pad 2 must be below stride 2",
    { in_channels = 1, out_channels = 1, kernel = 3, stride = 2, output_pad = 2 })
end

function T.test_absurd_sizes_are_refused()
  local big = 2 ^ 31 - 1 | 0
  h.error_has(sb.layer.conv2d, "", { in_channels = big, out_channels = big, kernel = big })
  local l = sb.layer.conv2d { in_channels = 1, out_channels = 1, kernel = 1, pad = big }
  h.error_has(l.forward, "", l, sb.zeros(1, 1, 2, 2))
  local t = sb.layer.conv2d_transpose { in_channels = 1, out_channels = 1, kernel = 1, stride = big }
  h.error_has(t.forward, "", t, sb.zeros(1, 1, 9, 9))
end

-- Output o of a transposed convolution by 2 sees about k/2 inputs.
function T.test_windows()
  local function window(kind, config)
    config.in_channels, config.out_channels = 1, 1
    return sb.layer[kind](config):window()
  end
  lu.assertEquals(window("conv2d", { kernel = 3, stride = 2, dilation = 2, pad = 1 }),
    { extent = { 5, 5 }, stride = { 2, 2 }, pad = { 1, 1 } })
  lu.assertEquals(window("conv2d_transpose", { kernel = 4, stride = 2, pad = 1 }),
    { extent = { 2.5, 2.5 }, stride = { 0.5, 0.5 }, pad = { 1, 1 } })
end

function T.test_he_initialisation()
  local l = sb.layer.conv2d { in_channels = 32, out_channels = 64, kernel = 3, rng = sb.rng(3) }
  lu.assertAlmostEquals(l.params.weight:mean(), 0, 0.003)
  lu.assertAlmostEquals(l.params.weight:var(), 2 / (32 * 9), 2e-4)
  h.close(l.params.bias, sb.zeros(64), 0)
end

return T
