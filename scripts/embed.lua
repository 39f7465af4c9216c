-- A map of pictures on which those that a network finds alike lie together.
return {
  summary = "a map of many pictures, by t-SNE or PCA of what a layer answers to them",
  about = "van der Maaten & Hinton 2008, van der Maaten 2014. --show labels needs a data set with classes.",
  options = {
    "model",
    { "data", type = "file", required = true, help = "folder, tar file or data set of pictures" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of it, where it has two" },
    { "most", type = "integer", min = 25, default = 1000, help = "how many pictures, evenly spaced" },
    { "layer", help = "layer, or pixels (default: what the classes' scores are computed from)" },
    { "pool", choices = { "mean", "none" }, default = "mean",
      help = "of a layer with maps: their means, or all positions" },
    { "method", choices = { "tsne", "pca" }, default = "tsne", help = "how to map" },
    { "components", type = "integer", min = 2, default = 50, help = "principal components before t-SNE" },
    { "perplexity", type = "number", min = 1, default = 30, help = "neighbours that count, of t-SNE" },
    { "theta", type = "number", min = 0, max = 1, default = 0.5, help = "0: exact; else Barnes-Hut" },
    { "steps", default = 1000 },
    { "start", choices = { "pca", "random" }, default = "pca", help = "what t-SNE starts from" },
    "seed",
    { "show", choices = { "thumbnails", "labels", "grid" }, default = "thumbnails",
      help = "grid: at each place the picture that is nearest to it" },
    { "size", default = 1400 },
    { "thumbnail", type = "integer", min = 8, default = 44, help = "side of a picture in pixels" },
    { "points", type = "string", help = "file to write the map and the features to, .safetensors" },
    { "out", default = "embed.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local features, scatter = require "switchback.features", require "switchback.scatter"
    local set = features.spread(assert(sb.data.open(o.data, { part = o.part })), o.most)
    if o.show == "labels" and not set.labels then error(o.data .. " has no labels to show", 0) end
    local net = o.layer ~= "pixels" and sb.load(o.model) or nil
    local found = sb.vis.embed(net, set, { layer = o.layer, pool = o.pool, method = o.method,
      components = o.components, perplexity = o.perplexity, theta = o.theta, steps = o.steps,
      start = o.start, seed = o.seed, progress = function(what) return report:progress(what) end })
    local function picture(i) return assert(set:picture(i)) end
    local classes = set.classes
    local canvas = o.show == "grid" and
        scatter.grid(found.map, picture, { side = o.size, cells = math.max(1, o.size // o.thumbnail) })
      or o.show == "labels" and scatter.labels(found.map, set.labels, classes, { side = o.size })
      or scatter.thumbnails(found.map, picture, { side = o.size, thumbnail = o.thumbnail,
           labels = set.labels, classes = classes })
    local numbers = ("trustworthiness %.3f"):format(found.trustworthiness)
    if found.agreement then numbers = numbers .. (", nearest of same class %.3f"):format(found.agreement) end
    report:say("%d pictures, %s: %s", #set, found.layer, numbers)
    local title = ("%s of %s, %d pictures: %s"):format(o.method == "tsne" and "t-SNE" or "PCA", found.layer,
      #set, numbers)
    report:save(o.out, sb.image.grid({ canvas }, { title = title, text = 1.2 }))
    if o.points then
      assert(sb.safetensors.save(o.points, { map = found.map, features = found.points }))
    end
    return { layer = found.layer, pictures = #set, trustworthiness = found.trustworthiness,
             agreement = found.agreement, divergence = found.divergence }
  end,
}
