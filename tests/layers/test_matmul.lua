-- matmul: NumPy's rules for stacks and vectors, against loops.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local function naive(a, b)
  local m, k, n = a:size(1), a:size(2), b:size(2)
  local c = sb.zeros(m, n)
  for i = 1, m do
    for j = 1, n do
      local sum = 0
      for t = 1, k do sum = sum + a[{ i, t }] * b[{ t, j }] end
      c[{ i, j }] = sum
    end
  end
  return c
end

function T.test_stacks_broadcast()
  local rng = sb.rng(1)
  local a, b = sb.randn(rng, 2, 1, 3, 4), sb.randn(rng, 3, 4, 5)
  local y = sb.layer.matmul {}:forward(a, b)
  lu.assertEquals(y:size(), { 2, 3, 3, 5 })
  for i = 1, 2 do
    for j = 1, 3 do h.close(y[i][j], naive(a[i][1], b[j]), 1e-6) end
  end
end

function T.test_vectors_are_a_row_or_a_column()
  local matmul = sb.layer.matmul {}
  local v, m = sb.tensor { 1, 2 }, sb.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  h.close(matmul:forward(v, m), sb.tensor { 9, 12, 15 }, 0)
  h.close(matmul:forward(m:transpose(1, 2), v), sb.tensor { 9, 12, 15 }, 0)
  local dot, tape = matmul:forward(v, v)
  lu.assertEquals(dot:size(), {})
  lu.assertEquals(dot:sum(), 5)
  local da, db = matmul:backward(tape, sb.tensor { 2 }:reshape {})
  h.close(da + db, v * 4, 0)
end

-- da = dy b^T, db = a^T dy; a stretched operand collects from the whole stack.
function T.test_gradients_of_a_shared_matrix()
  local rng = sb.rng(2)
  local a, b, dy = sb.randn(rng, 3, 2, 4), sb.randn(rng, 4, 5), sb.randn(rng, 3, 2, 5)
  local matmul = sb.layer.matmul {}
  local _, tape = matmul:forward(a, b)
  local da, db = matmul:backward(tape, dy)
  local want = sb.zeros(4, 5)
  for i = 1, 3 do
    h.close(da[i], naive(dy[i], b:transpose(1, 2)), 1e-5)
    want = want + naive(a[i]:transpose(1, 2), dy[i])
  end
  h.close(db, want, 1e-5)
end

function T.test_shapes_that_do_not_fit_are_named()
  local matmul = sb.layer.matmul {}
  local function refuse(text, a, b) h.error_has(matmul.forward, text, matmul, a, b) end
  refuse("matmul: columns of 2x3 do not match rows of 2x3", sb.zeros(2, 3), sb.zeros(2, 3))
  refuse("matmul: cannot broadcast the stacks of 2x2x3 and 3x3x4", sb.zeros(2, 2, 3), sb.zeros(3, 3, 4))
  refuse("matmul: needs vectors or matrices, got scalar and 2x3", sb.tensor { 1 }:reshape {}, sb.zeros(2, 3))
end

function T.test_nothing_to_sum_is_zero()
  local matmul = sb.layer.matmul {}
  local y, tape = matmul:forward(sb.zeros(2, 0), sb.zeros(0, 3))
  h.close(y, sb.zeros(2, 3), 0)
  local da, db = matmul:backward(tape, y)
  lu.assertEquals({ da:size(), db:size() }, { { 2, 0 }, { 0, 3 } })
end

return T
