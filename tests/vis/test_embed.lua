-- Maps and neighbours of pictures, on a net whose features are known: the means of the channels.
local features = require "switchback.features"
local h = require "helper"
local lu = require "luaunit"
local picture_set = require "picture_set"
local sb = require "switchback"
local scatter = require "switchback.scatter"
local tiny = require "tiny_model"

local T = {}

-- Its layer "color" is the mean of each channel.
local function color_net()
  local L = sb.layer
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = { size = 16 },
    nodes = {
      { name = "same", inputs = { "x" }, layer = L.relu {} },
      { name = "color", inputs = { "same" }, layer = L.global_avgpool {} },
      { name = "drop", inputs = { "color" }, layer = L.dropout {} },
      { name = "flat", inputs = { "drop" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" }, layer = L.linear { in_features = 3, out_features = 2 } },
    },
  }
end

-- ---- Features --------------------------------------------------------------------------------------------

function T.test_features_are_activations_of_each_picture()
  local net, set = tiny.loaded(), picture_set.set()
  local found = features.of(net, set, { layer = "relu2", batch = 5 })
  local whole = features.of(net, set, { layer = "relu2", pool = "none" })
  for _, i in ipairs { 1, 6, #set } do
    local maps = net:forward(net:prepare(set:picture(i)))["relu2"]
    h.close(found:select(1, i), maps:mean(4):mean(3):reshape(-1), 1e-4)
    h.close(whole:select(1, i), maps:reshape(-1), 1e-3)
  end
end

function T.test_the_last_layer_is_before_dropout_and_flatten()
  lu.assertEquals(features.last_layer(color_net()), "color")
  lu.assertEquals(features.last_layer(tiny.loaded()), "gap")
end

function T.test_spread_takes_all_classes_alike()
  local part, counts = features.spread(picture_set.set(), 9), { 0, 0, 0 }
  for i = 1, #part do counts[part:label(i)] = counts[part:label(i)] + 1 end
  lu.assertEquals(counts, { 3, 3, 3 })
end

-- ---- Maps ------------------------------------------------------------------------------------------------

function T.test_a_map_of_colors()
  local set = picture_set.set()
  for _, o in ipairs { { perplexity = 5 }, { method = "pca" } } do
    local found = sb.vis.embed(color_net(), set, o)
    lu.assertEquals({ found.layer, found.map:size(1) }, { "color", #set })
    lu.assertTrue(found.agreement == 1 and found.trustworthiness > 0.9)
  end
  local pixels = sb.vis.embed(nil, set, { layer = "pixels", side = 8, perplexity = 5, steps = 300 })
  lu.assertEquals({ pixels.layer, pixels.points:size(2) }, { "pixels", 3 * 8 * 8 })
  -- By chance 1/3. So few points make a map that rounding moves: 0.78 to 1 when they move by 1e-5.
  lu.assertTrue(pixels.agreement > 0.6)
end

-- PCA's first axis is the direction of largest variance: no other one of unit length has more.
function T.test_pca_finds_the_widest_directions()
  local found = sb.vis.embed(color_net(), picture_set.set(), { method = "pca" })
  local centred, rng = found.points - found.points:mean(1, true), sb.rng(2)
  local widest = found.map:narrow(2, 1, 1):norm()
  for _ = 1, 50 do
    local direction = sb.randn(rng, 3, 1)
    lu.assertTrue(centred:matmul(direction / direction:norm()):norm() <= widest * (1 + 1e-5))
  end
end

local function tile(color)
  local t = sb.zeros(3, 4, 4)
  for c = 1, 3 do t:narrow(1, c, 1):fill_(color[c]) end
  return t
end

-- Each cell of the grid shows the picture that is nearest to its middle.
function T.test_the_grid_shows_the_nearest_picture()
  local rng = sb.rng(3)
  local map, colors = sb.randn(rng, 40, 2), sb.rand(rng, 40, 3):totable()
  local grid = scatter.grid(map, function(i) return tile(colors[i]) end, { side = 60, cells = 6 })
  local low, high = map:min(1), map:max(1)
  local span = math.max((high - low):max(), 0)
  for row = 1, 6 do
    for column = 1, 6 do
      local best, nearest = math.huge, nil
      for i, p in ipairs(map:totable()) do
        local x = 30 + (p[1] - (low[1] + high[1]) / 2) / span * 60 * 0.94
        local y = 30 + (p[2] - (low[2] + high[2]) / 2) / span * 60 * 0.94
        local distance = (x - column * 10 + 5) ^ 2 + (y - row * 10 + 5) ^ 2
        if distance < best then best, nearest = distance, i end
      end
      for c = 1, 3 do
        lu.assertAlmostEquals(grid[{ c, row * 10 - 5, column * 10 - 5 }], colors[nearest][c], 1e-5)
      end
    end
  end
end

-- The outermost points are inside, and a label's pixels have its colour.
function T.test_labels_and_thumbnails_are_where_the_points_are()
  local map = sb.tensor { { 0, 0 }, { 10, 0 }, { 0, 10 }, { 10, 10 } }
  local canvas = scatter.labels(map, { 1, 2, 2, 1 }, { "apple", "pear" }, { side = 200 })
  for c = 1, 3 do
    lu.assertAlmostEquals(canvas[{ c, 194, 6 }], scatter.color(2, 2)[c], 1e-6)
    lu.assertAlmostEquals(canvas[{ c, 6, 194 }], scatter.color(2, 2)[c], 1e-6)
  end
  canvas = scatter.thumbnails(map, function(i) return tile { i / 4, 0, 0 } end, { side = 200, thumbnail = 9 })
  lu.assertAlmostEquals(canvas[{ 1, 6, 6 }], 0.25, 1e-5)
  lu.assertAlmostEquals(canvas[{ 1, 194, 6 }], 0.75, 1e-5)
  lu.assertEquals(canvas[{ 2, 100, 100 }], 1)
end

-- Frames have the colour that the legend beside the map gives to their class.
function T.test_a_legend_tells_the_colors_of_frames()
  local map = sb.tensor { { 0, 0 }, { 10, 10 } }
  local canvas = scatter.thumbnails(map, function() return tile { 0, 0, 0 } end, { side = 200, thumbnail = 9,
    labels = { 1, 2 }, classes = { "apple", "pear, fruit" } })
  lu.assertTrue(canvas:size(3) > 300)
  for c = 1, 3 do
    lu.assertAlmostEquals(canvas[{ c, 3, 7 }], scatter.color(1, 2)[c], 1e-5)
    lu.assertAlmostEquals(canvas[{ c, 100 - 9, 200 + 14 }], scatter.color(1, 2)[c], 1e-5)
    lu.assertAlmostEquals(canvas[{ c, 100 + 9, 200 + 14 }], scatter.color(2, 2)[c], 1e-5)
  end
end

function T.test_colors_differ()
  for _, n in ipairs { 3, 10, 40 } do
    for i = 2, n do
      local a, b = scatter.color(i - 1, n), scatter.color(i, n)
      lu.assertTrue(math.abs(a[1] - b[1]) + math.abs(a[2] - b[2]) + math.abs(a[3] - b[3]) > 0.1)
    end
  end
end

-- ---- Neighbours ------------------------------------------------------------------------------------------

local function mean_color(set, i) return set:picture(i):mean(3):mean(2):reshape(-1) end

function T.test_neighbors_have_the_nearest_colors()
  local set = picture_set.set()
  local found, layer = sb.vis.neighbors(color_net(), set, { queries = { 4, 20 }, nearest = 5 })
  lu.assertEquals({ layer, #found, found[2].at }, { "color", 2, 20 })
  for _, query in ipairs(found) do
    local wanted = {}
    for i = 1, #set do
      local distance = (mean_color(set, i) - mean_color(set, query.at)):norm()
      if i ~= query.at then wanted[#wanted + 1] = { i, distance } end
    end
    table.sort(wanted, function(a, b) return a[2] < b[2] end)
    for j, near in ipairs(query.by_features) do
      lu.assertAlmostEquals(near.distance, wanted[j][2], 2e-3) -- the net sees 16x16 pixels of 256 levels
      lu.assertEquals(set:label(near.at), set:label(query.at))
    end
    lu.assertEquals({ #query.by_features, #query.by_pixels }, { 5, 5 })
  end
end

-- A picture of the set that comes from outside is its own nearest neighbour, in both.
function T.test_a_query_from_outside()
  local set = picture_set.set()
  local found = sb.vis.neighbors(color_net(), set, { queries = set:picture(9), nearest = 2 })
  lu.assertEquals({ found[1].by_features[1].at, found[1].by_pixels[1].at }, { 9, 9 })
  lu.assertAlmostEquals(found[1].by_pixels[1].distance, 0, 1e-6)
end

function T.test_the_index_is_kept_and_checked()
  local net, set, path = color_net(), picture_set.set(), h.temporary "index.safetensors"
  local options = { index = path, queries = 2 }
  local first = sb.vis.neighbors(net, set, options)
  local told = 0
  options.progress = function() told = told + 1 end
  lu.assertEquals(sb.vis.neighbors(net, set, options)[2].by_features, first[2].by_features)
  lu.assertEquals(told, 0) -- nothing was computed again
  options.layer = "same"
  h.error_has(sb.vis.neighbors, "an index of other layer: 'color', not 'same'", net, set, options)
  options.layer = nil
  h.error_has(sb.vis.neighbors, "an index of other pictures: '36 of", net, set:subset { 1, 2, 3, 4 }, options)
  local file = assert(io.open(path, "wb"))
  file:write "not an index"
  file:close()
  h.error_has(sb.vis.neighbors, "safetensors", net, set, options)
end

function T.test_mistakes()
  local net, set = color_net(), picture_set.set()
  h.error_has(sb.vis.neighbors, "there is no picture 99, the set has 36", net, set, { queries = { 99 } })
  h.error_has(sb.vis.embed, "needs more than 24 pictures, got 20", net, features.spread(set, 20))
  h.error_has(sb.vis.embed, "perplexity must be 1 to 11.66", net, set)
  h.error_has(sb.vis.embed, "unknown method 'tsnee'; did you mean 'tsne'", net, set, { method = "tsnee" })
end

return T
