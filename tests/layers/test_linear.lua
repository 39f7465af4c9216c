local lu = require "luaunit"
local sb = require "switchback"
local conv = require("switchback.core").conv
local h = require "helper"

local T = {}

function T.test_by_hand()
  local w = sb.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  local l = sb.layer.linear { weight = w, bias = sb.tensor { 1, 0, 0 } }
  h.close(l:forward(sb.tensor { { 1, 10 } }), sb.tensor { { 22, 43, 65 } }, 0)
  h.close(l:forward(sb.tensor { 1, 10 }), sb.tensor { 22, 43, 65 }, 0)
end

-- y, dx and dw summed in double: as a 1x1 convolution over one position, by its definition.
local function in_double(x, w, dy)
  local function maps(t) return t:reshape(t:size(1), t:size(2), 1, 1) end
  local one = { kernel = { 1, 1 } }
  return conv.forward("direct", maps(x), maps(w), nil, one),
    conv.backward_input("direct", maps(dy), maps(w), maps(x), one),
    conv.backward_weights("direct", maps(dy), maps(x), one)
end

local function assert_exact(what, got, want)
  local miss = h.rel_l2(got, want:reshape(got:size()))
  lu.assertTrue(miss <= 1e-6, ("%s: relative L2 %g"):format(what, miss))
end

-- One row goes another way than several; sizes that no block divides, and VGG's.
function T.test_against_sums_in_double()
  local rng = sb.rng(1)
  for _, size in ipairs { { 1, 67, 1100 }, { 3, 67, 1100 }, { 64, 10, 84 }, { 1, 33, 25088 } } do
    local rows, outs, ins = table.unpack(size)
    local w, x, dy = sb.randn(rng, outs, ins), sb.randn(rng, rows, ins), sb.randn(rng, rows, outs)
    dy[1][5] = 0
    local l = sb.layer.linear { weight = w, bias = false }
    local y, tape = l:forward(x)
    local what, want_y, want_dx, want_dw = table.concat(size, "x"), in_double(x, w, dy)
    assert_exact(what .. " y", y, want_y)
    assert_exact(what .. " dx", l:backward(tape, dy, { weights = true }), want_dx)
    assert_exact(what .. " dw", l.grads.weight, want_dw)
  end
end

function T.test_mistakes_are_explained()
  local l = sb.layer.linear { in_features = 5, out_features = 2 }
  h.error_has(l.forward, "linear: input is 3x4, weights expect 5 in the last dimension", l, sb.zeros(3, 4))
  h.error_has(sb.layer.linear, "linear: weight must be (out, in), got 2x3x4", { weight = sb.zeros(2, 3, 4) })
end

return T
