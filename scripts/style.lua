-- The content of a photo in the style of paintings.
local synthesis = require "switchback.synthesis"

return {
  summary = "the content of a photo in the style of paintings",
  about = "Gatys, Ecker & Bethge 2016. neural-style's names of options do too (-content_image,\n" ..
    "-style_image, -num_iterations ...); weights are of relative losses, so that one suits all nets.",
  options = synthesis.with {
    { "model", default = "vgg19_pruned", alias = "model_file" },
    { "image", alias = "content_image" },
    { "style", type = "names", alias = "style_image", required = true, help = "paintings, A,B,..." },
    { "blend", type = "numbers", alias = "style_blend_weights", help = "their weights (default: equal)" },
    { "size", default = 512, alias = "image_size", help = "longer side of the result in pixels" },
    { "style-scale", type = "number", default = 1, help = "longer side of the styles, times that" },
    { "content-weight", type = "number", default = 1, help = "weight of |F - P|^2 / |P|^2" },
    { "style-weight", type = "number", default = 300, help = "weight of |G - A|^2 / |A|^2" },
    { "tv-weight", type = "number", default = 0.1, help = "weight of the mean squared difference" },
    { "content-layers", type = "names", default = "relu4_2", help = "layers that see the photo" },
    { "style-layers", type = "names", default = "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
      help = "layers that see the styles" },
    { "init", choices = { "image", "random" }, default = "image", help = "what to start from" },
    { "optimizer", choices = { "lbfgs", "adam" }, default = "lbfgs", help = "how to go downhill" },
    { "rate", type = "number", alias = "learning_rate", help = "its rate (default: lbfgs 1, adam 0.02)" },
    { "steps", default = 300, alias = "num_iterations", help = "steps, at each scale" },
    { "scales", type = "integer", min = 1, default = 1, help = "sizes to work at, each twice the last" },
    { "original-colors", type = "flag", help = "keep the photo's colors" },
    { "normalize-gradients", type = "flag", help = "make each loss's gradient as large as its weight" },
    { "out", default = "style.png", alias = "output_image" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net, styles = sb.load(o.model), {}
    local function load(path) return assert(sb.image.load(path, { channels = 3 })) end
    for i, path in ipairs(o.style) do styles[i] = load(path) end
    local made = sb.vis.style(net, load(o.image), {
      styles = styles, blend = o.blend, size = o.size, style_scale = o.style_scale,
      content_weight = o.content_weight, style_weight = o.style_weight, tv_weight = o.tv_weight,
      content_layers = o.content_layers, style_layers = o.style_layers, init = o.init,
      optimizer = o.optimizer, rate = o.rate, steps = o.steps, scales = o.scales, seed = o.seed,
      original_colors = o.original_colors, normalise = o.normalize_gradients,
      loop = function(k) return synthesis.loop(o, report, "steps", o.scales > 1 and k or nil) end,
    })
    report:say("%s", made.history)
    report:save(o.out, made.image)
    return { loss = made.history[#made.history], steps = #made.history, ended = made.history.ended }
  end,
}
