-- Nearest neighbours, and how much of a neighbourhood a map keeps. Points are the rows of a tensor (N,D).
local check = require "switchback.check"
local core = require("switchback.core").embed

local neighbors = {}

local METRICS <const> = { "euclidean", "cosine" }
local SMALLEST <const> = 1e-30

-- Rows of length 1, whose Euclidean distances order them as the angles between them do.
local function normalised(t)
  return t / (t * t):sum(2, true):sqrt():clamp(SMALLEST, math.huge)
end

-- nearest(points (N,D), k [, options]) --> positions (M,k) of each query's nearest points from 1, nearest
-- first, and their distances (M,k). Exact: candidates come from matrix products, distances from differences;
-- of equal ones the earlier point comes first. options:
--   queries   (M,D); default: the points themselves, and then none is its own neighbour
--   metric    "euclidean" (default), or "cosine": sqrt(2 - 2 cos), the distance of vectors scaled to length 1
-- Raises for shapes that do not fit, values that are not finite, and k beyond the number of points.
function neighbors.nearest(points, k, options)
  local o = check.options("neighbors", options, { queries = false, metric = "euclidean" })
  check.choice("neighbors", "metric", o.metric, METRICS)
  local queries = o.queries or nil
  if o.metric == "cosine" then points, queries = normalised(points), queries and normalised(queries) end
  local positions, squares = core.neighbors(points, queries, k)
  return positions, squares:sqrt()
end

-- trustworthiness(points (N,D), map (N,d), k) --> 1 where every point's k neighbours in the map are its k
-- nearest points too, less for each intruder by how far it comes (Venna & Kaski 2001, equation 1; k < N/2).
function neighbors.trustworthiness(points, map, k)
  local n = points:size(1)
  if 2 * k >= n then
    error(("trustworthiness: k must be below half of the %d points, got %d"):format(n, k), 2)
  end
  local positions = core.neighbors(map, nil, k)
  local beyond = (core.ranks(points, positions) - k):clamp(0, math.huge):sum()
  return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * beyond
end

-- agreement(map (N,d), labels (list of N)) --> the share of points whose nearest neighbour has their label.
function neighbors.agreement(map, labels)
  local positions, equal = core.neighbors(map, nil, 1):reshape(-1):totable(), 0
  for i, at in ipairs(positions) do
    if labels[i] == labels[math.tointeger(at)] then equal = equal + 1 end
  end
  return equal / #positions
end

return neighbors
