-- Which pixels a class depends on.
return {
  summary = "which pixels a class depends on: the gradient of its score",
  about = "Simonyan et al. 2014 (--rule gradient), Springenberg et al. 2015 (--rule guided).",
  options = {
    "model", "image",
    { "class", help = "class to explain: number from 1, or how its label begins (default: the top one)" },
    { "rule", choices = { "gradient", "guided", "deconv" }, default = "gradient",
      help = "how to walk back through rectifiers" },
    { "form", choices = { "max", "signed" }, default = "max",
      help = "max: largest magnitude over the colors; signed: the gradient in color" },
    { "out", default = "saliency.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local explain = require "switchback.explain"
    local net = sb.load(o.model)
    local image = assert(sb.image.load(o.image))
    local found = sb.vis.saliency(net, image, { class = o.class, rule = o.rule, form = o.form })
    local class, input, map = found.class, found.input, found.map
    report:say("%s: class %d, p %.4f", class.label, class.index, class.p)
    local pictures = { input, sb.image.stretch(map, { percentile = 99 }) }
    if o.form == "max" then -- single pixels are noisy: where many are bright tells more
      pictures[3] = sb.image.heat(input, sb.image.resize(map, input:size(2) // 8, input:size(3) // 8))
    end
    report:save(o.out, sb.image.grid(pictures, { columns = #pictures,
      title = explain.title(class),
      labels = { "input", o.rule .. ", " .. o.form, "smoothed, over the input" } }))
    return { class = class, rule = o.rule, form = o.form }
  end,
}
