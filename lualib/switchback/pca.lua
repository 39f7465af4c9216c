-- Principal component analysis.
local core = require("switchback.core").embed

-- pca(points (N,D), k) --> scores (N,k) = (points - mean) components^T, and a table with components (k,D):
-- directions of length 1, of most variance first; variances (k), with N - 1 in the denominator; mean (D).
-- The sign of a component makes its largest entry positive; beyond the rank of the points all is zero. By
-- LAPACK's eigenvectors of the smaller of the two matrices of inner products, whatever the number of threads.
-- Raises for values that are not finite, and unless 1 <= k <= min(N, D).
return function(points, k)
  local scores, components, variances, mean = core.pca(points, k)
  return scores, { components = components, variances = variances, mean = mean }
end
