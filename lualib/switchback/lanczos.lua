-- Extreme eigenvalues of a large symmetric operator (Lanczos 1950; Golub & Van Loan, Matrix Computations,
-- section 10.1, with full reorthogonalisation).
local core = require "switchback.core"

-- Subtracts from w its parts along the vectors, twice, since once leaves rounding.
local function orthogonalise(w, basis)
  for _ = 1, 2 do
    for _, q in ipairs(basis) do w = w - q * w:dot(q) end
  end
  return w
end

-- The symmetric part of q_i . A q_j: tridiagonal for a symmetric A, but what is nearly one (as differences of
-- gradients make it) has a part beside, which must not count as eigenvalues.
local function projected(basis, images)
  local rows = {}
  for i, q in ipairs(basis) do
    rows[i] = {}
    for j, w in ipairs(images) do rows[i][j] = q:dot(w) end
  end
  local m = core.tensor.tensor(rows)
  return (m + m:transpose()) / 2
end

local function combined(basis, weights)
  local sum = basis[1] * 0
  for i, q in ipairs(basis) do sum = sum + q * weights[i] end
  return sum / sum:norm()
end

-- lanczos(apply, start, steps [, progress]) --> list of { value =, vector = like start, of length 1 }, the
-- largest value first: the Ritz pairs of the Krylov space of `steps` dimensions (fewer where it closes
-- before). The outermost are near eigenpairs, those inside are not. apply(v) --> A v, A symmetric; start: a
-- tensor, not zero, inside the space to search.
return function(apply, start, steps, progress)
  local basis, images, scale = { start / start:norm() }, {}, 0
  for i = 1, steps do
    images[i] = apply(basis[i])
    local rest = orthogonalise(images[i], basis)
    local length = rest:norm()
    scale = math.max(scale, images[i]:norm())
    if progress then progress(i, steps) end
    if i == steps or length <= 1e-5 * scale then break end
    basis[i + 1] = rest / length
  end
  local values, vectors = core.embed.eigen(projected(basis, images), #basis)
  local pairs_found = {}
  for i = #basis, 1, -1 do
    pairs_found[#pairs_found + 1] = { value = values[i], vector = combined(basis, vectors[i]) }
  end
  return pairs_found
end
