-- Maxima and curvatures on spheres, and Lanczos' method, against matrices whose eigenvalues are known.
local h = require "helper"
local lanczos = require "switchback.lanczos"
local lu = require "luaunit"
local sb = require "switchback"
local sphere = require "switchback.sphere"

local T = {}

-- A symmetric matrix with these eigenvalues, and its eigenvectors as rows.
local function matrix(seed, values)
  local n = #values
  local rows = sb.randn(sb.rng(seed), n, n)
  for i = 1, n do
    local row = rows:narrow(1, i, 1)
    for _ = 1, 2 do
      for j = 1, i - 1 do row:sub_(rows:narrow(1, j, 1) * row:dot(rows:narrow(1, j, 1))) end
    end
    row:copy_(row / row:norm())
  end
  return rows:transpose():matmul(sb.tensor(values):reshape(-1, 1) * rows), rows
end

local function spread(n)
  local values = {}
  for i = 1, n do values[i] = 5 - i * i / n / 4 end
  return values
end

-- With as many steps as dimensions, all eigenpairs; with fewer, the outermost.
function T.test_lanczos_finds_eigenvalues()
  local values = spread(30)
  local a, rows = matrix(1, values)
  local function apply(v) return a:matmul(v) end
  local found = lanczos(apply, sb.randn(sb.rng(2), 30), 30)
  for i, value in ipairs(values) do lu.assertAlmostEquals(found[i].value, value, 1e-4) end
  found = lanczos(apply, sb.randn(sb.rng(2), 30), 15)
  lu.assertEquals(#found, 15)
  lu.assertAlmostEquals(found[1].value, values[1], 0.1) -- a crowded end
  lu.assertAlmostEquals(found[15].value, values[30], 0.02)
  lu.assertTrue(math.abs(found[15].vector:dot(rows[30])) > 0.99)
  lu.assertAlmostEquals(found[15].vector:norm(), 1, 1e-5)
end

-- From inside an invariant space it stops when that is exhausted.
function T.test_lanczos_stops_where_the_space_closes()
  local a, rows = matrix(3, spread(12))
  local start = rows[2] + rows[5] * 2 - rows[9]
  local found = lanczos(function(v) return a:matmul(v) end, start, 10)
  lu.assertEquals(#found, 3)
  for i, which in ipairs { 2, 5, 9 } do lu.assertAlmostEquals(found[i].value, spread(12)[which], 1e-4) end
end

-- f = x A x / 2 on a sphere: at its largest at the first eigenvector, where it bends along the i-th by
-- r^2 (a_i - a_1) (Berkes & Wiskott 2006, section 4).
function T.test_a_quadratic_form()
  local values = spread(14)
  local a, rows = matrix(4, values)
  local function f(x) return x:dot(a:matmul(x)) / 2, a:matmul(x) end
  local start = sb.randn(sb.rng(5), 14)
  start = start * (3 / start:norm())
  local x, history = sphere.maximize(f, start, { steps = 200 })
  lu.assertAlmostEquals(x:norm(), 3, 1e-4)
  lu.assertTrue(math.abs(x:dot(rows[1])) / 3 > 0.999)
  for i = 2, #history do lu.assertTrue(history[i] >= history[i - 1]) end
  local found = sphere.curvatures(f, rows[1] * 3, { steps = 13, reach = 0.1 })
  lu.assertEquals(#found, 13)
  for i, entry in ipairs(found) do
    -- the second difference over t bends by (sin t / t)^2 of it
    lu.assertAlmostEquals(entry.value, 9 * (values[i + 1] - values[1]), 0.2)
    lu.assertAlmostEquals(entry.vector:dot(rows[1]), 0, 1e-3)
  end
end

-- A unit of a small smooth net: f(x) --> its answer, and the gradient; x (1,2,4,4).
local function smooth_unit(seed)
  local rng = sb.rng(seed)
  local first = sb.layer.conv2d { weight = sb.randn(rng, 5, 2, 3, 3) * 0.4, pad = 1 }
  local bend = sb.layer.softplus {}
  local second = sb.layer.conv2d { weight = sb.randn(rng, 1, 5, 4, 4) * 0.4 }
  return function(x)
    local a, tape_a = first:forward(x)
    local b, tape_b = bend:forward(a)
    local y, tape_c = second:forward(b)
    local db = second:backward(tape_c, sb.ones(1, 1, 1, 1))
    return y:sum(), first:backward(tape_a, bend:backward(tape_b, db))
  end
end

-- The Hessian of f at x by second differences of values alone, (n,n).
local function dense_hessian(f, x, step)
  local n, rows = x:count(), {}
  local function moved(i, a, j, b)
    local at = x:clone():reshape(-1)
    at[i] = at[i] + a
    at[j] = at[j] + b
    return (f(at:reshape(table.unpack(x:size()))))
  end
  for i = 1, n do
    rows[i] = {}
    for j = 1, n do
      rows[i][j] = (moved(i, step, j, step) - moved(i, step, j, -step) - moved(i, -step, j, step)
        + moved(i, -step, j, -step)) / (4 * step * step)
    end
  end
  return sb.tensor(rows)
end

-- P (r^2 H - (x.g) 1) P with P = 1 - x x^T / r^2: how f bends along great circles through x.
local function bend_on_sphere(f, x, hessian)
  local n, r = x:count(), x:norm()
  local flat, _, g = x:reshape(n, 1), f(x)
  local p = sb.eye(n) - flat:matmul(flat:transpose()) / (r * r)
  return p:matmul(hessian * (r * r) - sb.eye(n) * x:dot(g)):matmul(p)
end

-- Hessian-vector products by differences of gradients, and Lanczos' eigenpairs of them, against the dense
-- matrix. float32 leaves 3e-3 of the largest eigenvalue in second differences over 0.1.
function T.test_curvatures_are_those_of_the_dense_hessian()
  local f, x = smooth_unit(6), sb.randn(sb.rng(7), 1, 2, 4, 4)
  local a = bend_on_sphere(f, x, dense_hessian(f, x, 0.1))
  local wanted = require("switchback.core").embed.eigen((a + a:transpose()) / 2, 32):totable()
  table.remove(wanted, (function() -- x itself, which is no direction on the sphere: eigenvalue 0
    local nearest = 1
    for i, v in ipairs(wanted) do nearest = math.abs(v) < math.abs(wanted[nearest]) and i or nearest end
    return nearest
  end)())
  table.sort(wanted, function(u, v) return u > v end)
  local found = sphere.curvatures(f, x, { steps = 31 })
  lu.assertEquals(#found, 31)
  local scale = math.max(math.abs(wanted[1]), math.abs(wanted[31]))
  for i, entry in ipairs(found) do lu.assertAlmostEquals(entry.value, wanted[i], 1e-2 * scale) end
  for _, i in ipairs { 1, 31 } do -- the outermost are eigenvectors, too
    local v = found[i].vector:reshape(32, 1)
    lu.assertTrue((a:matmul(v) - v * found[i].value):norm() < 2e-2 * scale)
  end
  local few = sphere.curvatures(f, x, { steps = 16 }) -- half of the dimensions find the ends
  lu.assertAlmostEquals(few[1].value, wanted[1], 2e-2 * scale)
  lu.assertAlmostEquals(few[16].value, wanted[31], 2e-2 * scale)
end

function T.test_along_stays_on_the_sphere()
  local x, v = sb.tensor { 3, 0, 0 }, sb.tensor { 0, 2, 0 }
  h.close(sphere.along(x, v, math.pi / 2), sb.tensor { 0, 3, 0 }, 1e-5)
  h.close(sphere.along(x, v, 0), x, 1e-6)
end

return T
