-- What layers still know of a photo: the pictures that they cannot tell from it.
local synthesis = require "switchback.synthesis"

local WIDTH <const> = 112 -- pixels that a label needs

return {
  summary = "what layers still know of a photo: pictures that they answer alike",
  about = "Mahendran & Vedaldi 2015. Several layers (--layer a,b,c, or all) make a strip, labelled with the "
    .. "PSNR against the photo in dB.",
  options = synthesis.with {
    "model", "image",
    { "layer", type = "names", default = "all", help = "layer, several separated by commas, or all stages" },
    { "steps", default = 200 },
    { "optimizer", choices = { "adam", "lbfgs" }, default = "adam", help = "how to search" },
    { "rate", type = "number", help = "its rate (default: 0.02 for adam, 1 for lbfgs)" },
    { "tv", type = "number", min = 0, default = 30, help = "weight of the total variation" },
    { "beta", type = "number", min = 1, default = 2, help = "its exponent" },
    { "jitter", type = "integer", min = 0,
      help = "random shifts in pixels (default: a quarter of deep layers' stride, none for lbfgs)" },
    { "start", choices = { "noise", "grey" }, default = "noise", help = "what to start from" },
    { "out", default = "invert.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local image = assert(sb.image.load(o.image))
    local layers = o.layer[1] == "all" and require "switchback.stages"(net) or o.layer
    local pictures, labels, results, interrupted = {}, { "photo" }, {}, false
    for i, layer in ipairs(layers) do
      if interrupted then break end
      local found = sb.vis.invert(net, image, { layer = layer, optimizer = o.optimizer, rate = o.rate,
        steps = o.steps, tv = o.tv, beta = o.beta, jitter = o.jitter, start = o.start,
        seed = o.seed,
        loop = synthesis.loop(o, report, layer, #layers > 1 and i or nil) })
      report:say("%-24s PSNR %.2f dB, error of the layer %.4f", layer, found.psnr, found.miss)
      pictures[1], pictures[i + 1] = found.photo, found.picture
      labels[i + 1] = ("%s %.1f dB"):format(layer, found.psnr)
      results[i] = { layer = layer, psnr = found.psnr, miss = found.miss, steps = #found.history }
      interrupted = found.history.ended == "interrupted"
    end
    local scale = math.ceil(WIDTH / pictures[1]:size(3))
    report:save(o.out, sb.image.grid(pictures, { labels = labels, scale = scale,
      title = "the photo, from one layer each" }))
    return { layers = results }
  end,
}
