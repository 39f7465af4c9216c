-- Which pictures a network finds alike, beside those that look alike by their pixels.
return {
  summary = "nearest neighbours of pictures in a layer's features, beside those in pixels",
  about = "Krizhevsky et al. 2012, figure 4. Queries are pictures of --data, or --image. --index keeps the "
    .. "features: the next search over the same pictures takes no time.",
  options = {
    "model",
    { "data", type = "file", required = true, help = "folder, tar file or data set of pictures" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of it, where it has two" },
    { "most", type = "integer", min = 2, default = 1000, help = "search so many pictures, evenly spaced" },
    { "image", type = "file", required = false, help = "query from outside (default: pictures of --data)" },
    { "query", type = "integers", help = "queries by their numbers (default: --queries, evenly spaced)" },
    { "queries", type = "integer", min = 1, default = 5, help = "how many" },
    { "nearest", type = "integer", min = 1, default = 8, help = "how many neighbours of each" },
    { "layer", help = "layer (default: what the classes' scores are computed from)" },
    { "pool", choices = { "mean", "none" }, default = "mean",
      help = "of a layer with maps: their means, or all positions" },
    { "metric", choices = { "euclidean", "cosine" }, default = "euclidean", help = "what is near" },
    { "side", type = "integer", min = 2, default = 32, help = "pixels are compared at that size" },
    { "index", type = "string", help = "file that keeps the features, .safetensors" },
    { "out", default = "neighbors.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local set = assert(sb.data.open(o.data, { part = o.part }))
    set = require("switchback.features").spread(set, o.most)
    local image = o.image and assert(sb.image.load(o.image)) or nil
    local found, layer = sb.vis.neighbors(sb.load(o.model), set, { layer = o.layer, pool = o.pool,
      metric = o.metric, side = o.side, index = o.index, nearest = o.nearest,
      queries = image or o.query or o.queries, progress = report:progress "pictures" })
    local title, same = ("nearest of %d pictures"):format(#set), {}
    if set.labels and not image then
      same = require "switchback.neighbor_sheet".same_class(set, found)
      title = ("%s; of the query's class: %d of %d by features, %d by pixels"):format(title,
        same.by_features, same.all, same.by_pixels)
    end
    report:say("%s", title)
    report:save(o.out, require "switchback.neighbor_sheet".draw(set, found, layer, title))
    for _, query in ipairs(found) do query.picture = nil end
    return { layer = layer, pictures = #set, queries = found, same_class = same }
  end,
}
