local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

function T.test_by_hand()
  local w = sb.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  local l = sb.layer.linear { weight = w, bias = sb.tensor { 1, 0, 0 } }
  h.close(l:forward(sb.tensor { { 1, 10 } }), sb.tensor { { 22, 43, 65 } }, 0)
  h.close(l:forward(sb.tensor { 1, 10 }), sb.tensor { 22, 43, 65 }, 0)
end

-- One row goes another way than several; both are matrix products, here of sizes that no block divides.
-- Sums of 1100 products of normal numbers: rounding stays below 1e-6 of the norm.
function T.test_one_row_as_many()
  local rng = sb.rng(1)
  local w, x, dy = sb.randn(rng, 67, 1100), sb.randn(rng, 2, 1100), sb.randn(rng, 2, 67)
  dy[1][5] = 0
  local l = sb.layer.linear { weight = w, bias = false }
  local y, tape = l:forward(x)
  local dx = l:backward(tape, dy)
  for i = 1, 2 do
    local yi, ti = l:forward(x:narrow(1, i, 1))
    local dxi = l:backward(ti, dy:narrow(1, i, 1))
    lu.assertTrue(h.rel_l2(yi:reshape(-1), y[i]) < 2e-6)
    lu.assertTrue(h.rel_l2(dxi:reshape(-1), dx[i]) < 2e-6)
  end
  lu.assertTrue(h.rel_l2(y, x:matmul(w:transpose())) < 2e-6)
end

function T.test_mistakes_are_explained()
  local l = sb.layer.linear { in_features = 5, out_features = 2 }
  h.error_has(l.forward, "linear: input is 3x4, weights expect 5 in the last dimension", l, sb.zeros(3, 4))
  h.error_has(sb.layer.linear, "linear: weight must be (out, in), got 2x3x4", { weight = sb.zeros(2, 3, 4) })
end

return T
