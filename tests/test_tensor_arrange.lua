-- Permuting, joining, padding, repeating, picking, and matrix products.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- Fails unless t has shape `size` and t[{i, ...}] == f(i, ...) everywhere.
local function assert_each(t, size, f)
  lu.assertEquals(t:size(), size)
  local function visit(d, index)
    if d > #size then
      lu.assertEquals(t[index], f(table.unpack(index)))
      return
    end
    for i = 1, size[d] do
      index[d] = i
      visit(d + 1, index)
    end
  end
  visit(1, {})
end

-- ---- Order of dimensions ------------------------------------------------------------------------

function T.test_permute()
  local t = sb.arange(2 * 3 * 4):reshape(2, 3, 4)
  assert_each(t:permute(3, 1, 2), { 4, 2, 3 }, function(i, j, k) return t[{ j, k, i }] end)
  assert_each(t:permute({ 2, 1, 3 }), { 3, 2, 4 }, function(i, j, k) return t[{ j, i, k }] end)
  assert_each(t:permute(-1, -2, -3), { 4, 3, 2 }, function(i, j, k) return t[{ k, j, i }] end)
  lu.assertEquals(t:permute(3, 1, 2):permute(2, 3, 1):bytes(), t:bytes())
  local wide = sb.arange(2 * 3 * 2 * 3 * 2 * 3):reshape(2, 3, 2, 3, 2, 3)
  assert_each(wide:permute(6, 4, 2, 1, 3, 5), { 3, 3, 3, 2, 2, 2 },
    function(a, b, c, d, e, f) return wide[{ d, c, e, b, f, a }] end)
  h.error_has(t.permute, "permute: name each dimension of shape 2x3x4 once", t, 1, 2)
  h.error_has(t.permute, "permute: name each dimension of shape 2x3x4 once", t, 1, 2, 2)
  h.error_has(t.permute, "no dimension 4", t, 1, 2, 4)
end

function T.test_transpose()
  local t = sb.arange(24):reshape(2, 3, 4)
  assert_each(t:transpose(), { 2, 4, 3 }, function(i, j, k) return t[{ i, k, j }] end)
  assert_each(t:transpose(1, 3), { 4, 3, 2 }, function(i, j, k) return t[{ k, j, i }] end)
  lu.assertEquals(t:transpose(1, 1):bytes(), t:bytes())
  h.error_has(sb.transpose, "transpose: a tensor of 1 dimensions", sb.zeros(3))
end

function T.test_transpose_of_large_matrices()
  local t = sb.randn(sb.rng(1), 300, 500)
  local u = t:transpose()
  local rng = sb.rng(2)
  for _ = 1, 200 do
    local i, j = rng:integer(300), rng:integer(500)
    lu.assertEquals(u[{ j, i }], t[{ i, j }])
  end
  lu.assertEquals(u:transpose():bytes() == t:bytes(), true)
end

-- Sizes that are no multiples of the tiles in which these are copied.
function T.test_permute_odd_sizes()
  local t = sb.arange(17 * 9 * 33):reshape(17, 9, 33)
  assert_each(t:permute(3, 2, 1), { 33, 9, 17 }, function(i, j, k) return t[{ k, j, i }] end)
  assert_each(t:permute(3, 1, 2), { 33, 17, 9 }, function(i, j, k) return t[{ j, k, i }] end)
  assert_each(t:permute(2, 3, 1), { 9, 33, 17 }, function(i, j, k) return t[{ k, i, j }] end)
  assert_each(t:permute(1, 3, 2), { 17, 33, 9 }, function(i, j, k) return t[{ i, k, j }] end)
end

function T.test_flip()
  local t = sb.arange(24):reshape(2, 3, 4)
  assert_each(t:flip(1), { 2, 3, 4 }, function(i, j, k) return t[{ 3 - i, j, k }] end)
  assert_each(t:flip(3, 2), { 2, 3, 4 }, function(i, j, k) return t[{ i, 4 - j, 5 - k }] end)
  lu.assertEquals(t:flip():bytes(), t:bytes())
  lu.assertEquals(sb.zeros(0, 2):flip(1):size(), { 0, 2 })
end

-- ---- Joining ------------------------------------------------------------------------------------

function T.test_cat()
  local a, b = sb.arange(6):reshape(2, 3), sb.arange(7, 9):reshape(1, 3)
  lu.assertEquals(sb.cat({ a, b }):totable(), { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 } })
  lu.assertEquals(sb.cat({ a, a }, 2):totable(), { { 1, 2, 3, 1, 2, 3 }, { 4, 5, 6, 4, 5, 6 } })
  lu.assertEquals(sb.cat({ a, sb.zeros(0, 3) }):size(), { 2, 3 })
  lu.assertEquals(sb.cat({ a }):totable(), a:totable())
  h.error_has(sb.cat, "cat: shapes 2x3 and 1x3 differ outside dimension 2", { a, b }, 2)
  h.error_has(sb.cat, "cat: shapes 2x3 and 3 differ", { a, sb.zeros(3) })
  h.error_has(sb.cat, "cat: the list is empty", {})
  h.error_has(sb.cat, "cat: entry 2 is a number", { a, 1 })
  h.error_has(sb.cat, "scalars have no dimension", { sb.tensor(1) })
  h.error_has(sb.cat, "table expected", a)
end

function T.test_stack()
  local a, b = sb.tensor { { 1, 2 }, { 3, 4 } }, sb.tensor { { 5, 6 }, { 7, 8 } }
  lu.assertEquals(sb.stack({ a, b }):totable(), { a:totable(), b:totable() })
  assert_each(sb.stack({ a, b }, 2), { 2, 2, 2 }, function(i, j, k) return (j == 1 and a or b)[{ i, k }] end)
  assert_each(sb.stack({ a, b }, 3), { 2, 2, 2 }, function(i, j, k) return (k == 1 and a or b)[{ i, j }] end)
  lu.assertEquals(sb.stack({ sb.tensor(1), sb.tensor(2) }):totable(), { 1, 2 })
  h.error_has(sb.stack, "stack: shapes 2x2 and 2 differ", { a, sb.zeros(2) })
  h.error_has(sb.stack, "at most 6", { sb.zeros(1, 1, 1, 1, 1, 1) })
end

-- ---- Padding and repeating ----------------------------------------------------------------------

function T.test_pad()
  local t = sb.tensor { { 1, 2 }, { 3, 4 } }
  lu.assertEquals(t:pad({ 1 }):totable(), { { 0, 1, 2, 0 }, { 0, 3, 4, 0 } })
  lu.assertEquals(t:pad({ { 1, 0 }, { 0, 2 } }, 9):totable(),
    { { 9, 9, 9, 9 }, { 1, 2, 9, 9 }, { 3, 4, 9, 9 } })
  lu.assertEquals(t:pad({}):totable(), t:totable())
  h.error_has(t.pad, "pad: 3 pads for a tensor of 2 dimensions", t, { 1, 1, 1 })
  h.error_has(t.pad, "pad: -1 elements", t, { -1 })
  h.error_has(t.pad, "pad: integers expected, got a nil", t, { { 1 } })
end

function T.test_expand()
  local t = sb.tensor { { 1 }, { 2 } }
  lu.assertEquals(t:expand(2, 3):totable(), { { 1, 1, 1 }, { 2, 2, 2 } })
  assert_each(t:expand(4, 2, 3), { 4, 2, 3 }, function(_, j) return j end)
  h.error_has(t.expand, "expand: shape 2x1 does not broadcast to 3x1", t, 3, 1)
end

function T.test_tile()
  local t = sb.tensor { { 1, 2 }, { 3, 4 } }
  lu.assertEquals(t:tile(2):totable(), { { 1, 2, 1, 2 }, { 3, 4, 3, 4 } })
  lu.assertEquals(t:tile(2, 1):totable(), { { 1, 2 }, { 3, 4 }, { 1, 2 }, { 3, 4 } })
  assert_each(t:tile(3, 2, 2), { 3, 4, 4 },
    function(_, j, k) return t[{ (j - 1) % 2 + 1, (k - 1) % 2 + 1 }] end)
  lu.assertEquals(t:tile(0):size(), { 2, 0 })
  lu.assertEquals(sb.zeros(0):tile(5):size(), { 0 })
  h.error_has(t.tile, "tile: cannot repeat -1 times", t, -1)
  h.error_has(t.tile, "invalid shape", t, 2 ^ 30, 2 ^ 9)
end

function T.test_take()
  local t = sb.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t:take({ 2, 1, 2 }):totable(), { { 4, 5, 6 }, { 1, 2, 3 }, { 4, 5, 6 } })
  lu.assertEquals(t:take({ 3, -3 }, 2):totable(), { { 3, 1 }, { 6, 4 } })
  lu.assertEquals(t:take(sb.tensor { 2 }, 2):totable(), { { 2 }, { 5 } })
  lu.assertEquals(t:take({}):size(), { 0, 3 })
  h.error_has(t.take, "take: position 3 is outside 1..2", t, { 3 })
  h.error_has(t.take, "take: integers expected", t, sb.tensor { 1.5 })
end

-- ---- Products -----------------------------------------------------------------------------------

local function naive_product(a, b, m, k, n)
  local c = {}
  for i = 1, m do
    c[i] = {}
    for j = 1, n do
      local s = 0
      for l = 1, k do s = s + a[i][l] * b[l][j] end
      c[i][j] = s
    end
  end
  return sb.tensor(c)
end

-- k sums of float32 products: the error stays well below 1e-5.
function T.test_matmul()
  local rng = sb.rng(1)
  for _, size in ipairs { { 1, 1, 1 }, { 2, 3, 4 }, { 17, 5, 33 }, { 40, 70, 50 } } do
    local m, k, n = table.unpack(size)
    local a, b = sb.randn(rng, m, k), sb.randn(rng, k, n)
    h.close(a:matmul(b), naive_product(a:totable(), b:totable(), m, k, n), 1e-5)
  end
end

function T.test_matmul_of_large_matrices()
  local a, b = sb.randn(sb.rng(1), 200, 150), sb.randn(sb.rng(2), 150, 300)
  local c = a:matmul(b)
  for _, at in ipairs { { 1, 1 }, { 200, 300 }, { 77, 123 } } do
    lu.assertAlmostEquals(c[at], a[at[1]]:dot(b:select(2, at[2])), 1e-4)
  end
end

function T.test_matmul_with_vectors()
  local a, v = sb.tensor { { 1, 2 }, { 3, 4 } }, sb.tensor { 5, 6 }
  lu.assertEquals(a:matmul(v):totable(), { 17, 39 })
  lu.assertEquals(v:matmul(a):totable(), { 23, 34 })
  lu.assertEquals(v:matmul(v), 61)
  lu.assertEquals(sb.ones(3, 2, 2):matmul(v):totable(), { { 11, 11 }, { 11, 11 }, { 11, 11 } })
  lu.assertEquals(v:matmul(sb.ones(3, 2, 2)):totable(), { { 11, 11 }, { 11, 11 }, { 11, 11 } })
end

function T.test_matmul_of_stacks()
  local rng = sb.rng(3)
  local a, b, one = sb.randn(rng, 5, 1, 2, 3), sb.randn(rng, 4, 3, 6), sb.randn(rng, 3, 6)
  local c = a:matmul(b)
  lu.assertEquals(c:size(), { 5, 4, 2, 6 })
  for i = 1, 5 do
    for j = 1, 4 do h.close(c[{ i, j }], a[{ i, 1 }]:matmul(b[j]), 1e-6) end
    h.close(a:matmul(one)[{ i, 1 }], a[{ i, 1 }]:matmul(one), 1e-6)
  end
  h.close(one:transpose():matmul(b)[4], one:transpose():matmul(b[4]), 1e-6)
end

function T.test_matmul_of_nothing()
  lu.assertEquals(sb.zeros(2, 0):matmul(sb.zeros(0, 3)):totable(), { { 0, 0, 0 }, { 0, 0, 0 } })
  lu.assertEquals(sb.zeros(0, 2):matmul(sb.zeros(2, 3)):size(), { 0, 3 })
  lu.assertEquals(sb.zeros(0, 2, 2):matmul(sb.zeros(2, 2)):size(), { 0, 2, 2 })
end

function T.test_matmul_mistakes()
  local a = sb.zeros(2, 3)
  h.error_has(a.matmul, "matmul: shapes 2x3 and 2x3 do not match", a, a)
  h.error_has(a.matmul, "matmul: shapes 2x3 and 2 do not match", a, sb.zeros(2))
  h.error_has(a.matmul, "matmul: shapes 2x3 and scalar do not match", a, sb.tensor(1))
  h.error_has(a.matmul, "matmul: shapes 2x1x3 and 4x3x2 do not match", sb.zeros(2, 1, 3), sb.zeros(4, 3, 2))
  h.error_has(a.matmul, "matmul: shapes 3 and 4 do not match", sb.zeros(3), sb.zeros(4))
end

return T
