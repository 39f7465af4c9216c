-- What in a photo speaks for a class, by several methods side by side.
return {
  summary = "what in a photo speaks for a class: eight ways to say it, side by side",
  about = "Methods: gradient (Simonyan et al. 2014), guided (guided backpropagation, Springenberg et al. "
    .. "2015), input-x-gradient (Shrikumar et al. 2016), integrated (integrated gradients from black, "
    .. "Sundararajan et al. 2017), smoothgrad (Smilkov et al. 2017), gradcam and guided-gradcam (Selvaraju "
    .. "et al. 2017), gradcam++ (Chattopadhyay et al. 2018).",
  options = {
    "model", "image",
    { "class", help = "class to explain: number from 1, or how its label begins (default: the top one)" },
    { "method", type = "names", help = "methods, separated by commas (default: all)" },
    { "layer", help = "layer whose maps Grad-CAM looks at (default: the last that has maps)" },
    { "steps", default = 50, help = "integrated: points on the way from black to the photo" },
    { "samples", type = "integer", min = 1, default = 25, help = "smoothgrad: noisy copies" },
    { "noise", type = "number", min = 0, default = 0.15,
      help = "smoothgrad: deviation of the noise, as a share of the input's range" },
    "seed",
    { "out", default = "attribute.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local explain = require "switchback.explain"
    local net = sb.load(o.model)
    local photo = assert(sb.image.load(o.image))
    local found = sb.vis.attribute(net, photo, { methods = o.method, class = o.class, layer = o.layer,
      steps = o.steps, samples = o.samples, noise = o.noise, seed = o.seed,
      progress = report:progress "methods" })
    local class, cells, labels, shown = found.class, { found.input }, { "input" }, {}
    for i, entry in ipairs(found.maps) do
      cells[i + 1], labels[i + 1], shown[i] = entry.picture, entry.method, entry.method
    end
    report:say("%s: class %d, p %.4f", class.label, class.index, class.p)
    report:save(o.out, sb.image.grid(cells, { labels = labels,
      title = explain.title(class) }))
    return { class = class, methods = shown }
  end,
}
