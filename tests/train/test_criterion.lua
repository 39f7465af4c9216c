-- Criteria against PyTorch's values and finite differences.
local lu = require "luaunit"
local core = require "switchback.core"
local h = require "helper"
local sb = require "switchback"

local T = {}

local SCORES <const> = { { 1.5, -0.5, 0.25, 2 }, { -1, 3, 0.5, 0 }, { 100, -100, 50, 99 } }
local CLASSES <const> = { 4, 1, 3 }

-- torch.nn.functional.cross_entropy of PyTorch 1.13.1 in float64 at these scores: loss by label_smoothing,
-- and the gradient at 0.1.
local LOSSES <const> = { [0] = 18.358349078128423, [0.1] = 18.76876574479509 }
local GRADIENT <const> = {
  { 0.100224449838, 0.00635836499966, 0.0227689922817, -0.129351807119 },
  { -0.303025318883, 0.28147443598, 0.015455537012, 0.00609534589103 },
  { 0.235352859543, -0.00833333333333, -0.308333333333, 0.0813138071233 },
}

function T.test_cross_entropy_is_pytorchs()
  for smoothing, want in pairs(LOSSES) do
    local loss = sb.criterion.cross_entropy { smoothing = smoothing }(sb.tensor(SCORES), CLASSES)
    lu.assertAlmostEquals(loss, want, 1e-12 * want)
  end
  local _, gradient = sb.criterion.cross_entropy { smoothing = 0.1 }(sb.tensor(SCORES), sb.tensor(CLASSES))
  h.close(gradient, sb.tensor(GRADIENT), 1e-7)
end

function T.test_gradients_are_the_slopes()
  local x = sb.randn(sb.rng(1), 5, 7)
  for _, c in ipairs { sb.criterion.cross_entropy {}, sb.criterion.cross_entropy { smoothing = 0.3 },
                       sb.criterion.mse {} } do
    local classes = { 7, 1, 3, 3, 2 }
    local _, gradient = c(x, classes)
    h.check_gradients(function() return (c(x, classes, false)) end, { x }, { gradient })
  end
end

function T.test_mse()
  local loss, gradient = sb.criterion.mse {}(sb.tensor { { 1, 2 }, { 3, 5 } },
    sb.tensor { { 0, 2 }, { 3, 3 } })
  lu.assertAlmostEquals(loss, 5 / 4, 1e-7)
  h.close(gradient, sb.tensor { { 0.5, 0 }, { 0, 1 } }, 1e-7)
  h.error_has(sb.criterion.mse {}, "criterion.mse: the targets are 2x3, the outputs 2x2", sb.zeros(2, 2),
    sb.zeros(2, 3))
end

function T.test_wrong_labels_are_named()
  local c = sb.criterion.cross_entropy {}
  h.error_has(c, "cross_entropy: label 2 is 5.0, not a class from 1 to 4", sb.zeros(2, 4), { 1, 5 })
  h.error_has(c, "cross_entropy: label 1 is 0.0, not a class from 1 to 4", sb.zeros(2, 4), { 0, 1 })
  h.error_has(c, "cross_entropy: label 1 is a string, not a class", sb.zeros(2, 4), { "dog", 1 })
  h.error_has(c, "cross_entropy: 2 rows of scores, but 3 labels", sb.zeros(2, 4), { 1, 2, 3 })
  h.error_has(c, "scores must be (N, classes)", sb.zeros(2, 4, 1), { 1, 2 })
  h.error_has(sb.criterion.cross_entropy, "smoothing must be from 0 to 1, got 2", { smoothing = 2 })
  h.error_has(sb.criterion.cross_entropy, "unknown option 'smooth'", { smooth = 0 })
end

-- Equal scores: the class that stands first wins, as in topk.
function T.test_ranks()
  local x = sb.tensor { { 1, 3, 2 }, { 5, 5, 5 }, { 0 / 0, 1, 2 } }
  lu.assertEquals(core.criterion.ranks(x, { 3, 2, 1 }):totable(), { 2, 2, 3 })
  lu.assertEquals(core.criterion.ranks(x, { 2, 1, 3 }):totable(), { 1, 1, 1 })
end

return T
