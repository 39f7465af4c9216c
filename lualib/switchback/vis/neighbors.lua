-- Neighbours: the pictures that a network finds most like a picture, beside those whose pixels are most like
-- its own (Krizhevsky et al. 2012, figure 4).
local check = require "switchback.check"
local features = require "switchback.features"
local index = require "switchback.picture_index"
local nearest = require("switchback.neighbors").nearest

local OPTIONS = { layer = false, pool = "mean", side = 32, metric = "euclidean", nearest = 6, queries = 4,
                  index = false, progress = false }

-- Numbers of so many pictures, from the middles of equal parts of the set, so that they are of all classes.
local function spread(queries, count)
  if type(queries) == "table" then return queries end
  local list, n = {}, math.min(queries, count)
  for i = 1, n do list[i] = math.floor((i - 0.5) * count / n) + 1 end
  return list
end

-- The k nearest others of point `own`, or the k nearest of a point from outside: { { at =, distance = }... }
local function list_of(points, query, own, o)
  local k = math.min(o.nearest, points:size(1) - (own and 1 or 0))
  local positions, distances = nearest(points, k + (own and 1 or 0), { queries = query, metric = o.metric })
  local list = {}
  for j = 1, positions:size(2) do
    local at = math.tointeger(positions[{ 1, j }])
    if at ~= own and #list < k then list[#list + 1] = { at = at, distance = distances[{ 1, j }] } end
  end
  return list
end

local function answer(set, made, feature, pixel, own, o)
  return { picture = own and assert(set:picture(own)), at = own,
           by_features = list_of(made.features, feature, own, o),
           by_pixels = list_of(made.pixels, pixel, own, o) }
end

-- neighbors(net, set, options) --> list of { picture = the query (C,H,W), at = its number in the set (nil:
--   from outside), by_features =, by_pixels = lists of { at = number in the set, distance = }, nearest
--   first }, and the name of the layer.
-- set: as sb.data.open opens it. options:
--   layer      default: what the scores of the classes are computed from;  pool = "mean" or "none":
--              see features.lua;  side = 32: pixels are compared of pictures of that size
--   metric     "euclidean" (default) or "cosine"
--   queries    how many pictures of the set (4, evenly spaced), a list of their numbers, or a picture (C,H,W)
--   nearest    = 6 neighbours of each, the query itself left out
--   index      file to keep the features in, for the next time: see picture_index.lua
--   progress   function(done, total)
return function(net, set, options)
  local o = check.options("neighbors", options, OPTIONS)
  local made = index.open(o.index, net, set, { layer = o.layer, pool = o.pool, side = o.side,
                                               progress = o.progress })
  local layer, list = made.about.layer, {}
  if type(o.queries) == "userdata" then
    local feature = features.of_pictures(net, { o.queries }, layer, o.pool)
    list[1] = answer(set, made, feature, features.pixels_of({ o.queries }, o.side), nil, o)
    list[1].picture = o.queries
    return list, layer
  end
  for i, at in ipairs(spread(o.queries, #set)) do
    if at < 1 or at > #set then
      error(("neighbors: there is no picture %d, the set has %d"):format(at, #set), 0)
    end
    list[i] = answer(set, made, made.features:narrow(1, at, 1), made.pixels:narrow(1, at, 1), at, o)
  end
  return list, layer
end
