-- A map of pictures: the features that a layer has for them, laid out in the plane by principal components
-- and t-SNE, so that pictures which are near for the network are near on the map.
local check = require "switchback.check"
local features = require "switchback.features"
local neighbors = require "switchback.neighbors"

local OPTIONS = { layer = false, pool = "mean", method = "tsne", components = 50, perplexity = 30,
                  theta = 0.5, steps = 1000, start = "pca", seed = 0, side = 32, progress = false }
local JUDGED <const> = 12 -- neighbours that the trustworthiness looks at

-- What is to be mapped: pixels, or what the layer answers.
local function points_of(net, set, o)
  local progress = o.progress and o.progress "pictures"
  if o.layer == "pixels" then return features.pixels(set, o.side, progress), "pixels" end
  local layer = o.layer or features.last_layer(net)
  return features.of(net, set, { layer = layer, pool = o.pool, progress = progress }), layer
end

local function map_of(points, o)
  local pca = require "switchback.pca"
  local n, d = table.unpack(points:size())
  local scores = pca(points, math.min(o.method == "pca" and 2 or o.components, n, d))
  if o.method == "pca" then return scores end
  return require "switchback.tsne"(scores, { perplexity = o.perplexity, theta = o.theta, steps = o.steps,
    start = o.start, seed = o.seed, progress = o.progress and o.progress "t-SNE" })
end

-- embed(net, set, options) --> { map = (N,2), points = (N,D), layer =, divergence = (of t-SNE),
--   trustworthiness =: of the 12 nearest neighbours, against `points` (neighbors.lua),
--   agreement =: the share of points whose nearest neighbour in the map is of their class, with labels }
-- set: as sb.data.open opens it. options:
--   layer      default: what the scores are computed from; "pixels": the pictures, at side = 32 pixels (net
--              is not looked at);  pool = "mean" or "none": see features.lua
--   method     "tsne" (default), of the first `components` = 50 principal components; "pca": the first two
--   perplexity = 30, theta = 0.5, steps = 1000, start = "pca", seed = 0: see tsne.lua
--   progress   function(what) --> function(done, total, note)
return function(net, set, options)
  local o = check.options("embed", options, OPTIONS)
  check.choice("embed", "method", o.method, { "tsne", "pca" })
  if #set <= 2 * JUDGED then
    error(("embed: a map needs more than %d pictures, got %d"):format(2 * JUDGED, #set), 0)
  end
  local points, layer = points_of(net, set, o)
  local map, divergence = map_of(points, o)
  return { map = map, points = points, layer = layer, divergence = divergence,
           trustworthiness = neighbors.trustworthiness(points, map, JUDGED),
           agreement = set.labels and neighbors.agreement(map, set.labels) }
end
