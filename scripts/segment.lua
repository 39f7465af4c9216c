-- The object of a class cut out of a photo.
return {
  summary = "the object of a class cut out of a photo: GrabCut, started by a map of the class",
  about = "Simonyan et al. 2014, section 3.2, with GrabCut (Rother et al. 2004): the strongest and the "
    .. "weakest pixels of the map give the first colors of object and background.",
  options = {
    { "model", default = "googlenet" }, "image",
    { "class", help = "class of the object: number from 1, or how its label begins (default: the top one)" },
    { "map", choices = { "combined", "gradient", "smoothgrad", "gradcam" }, default = "combined",
      help = "where the class is: combined is SmoothGrad where Grad-CAM is strong" },
    { "front", type = "number", min = 0.001, max = 1, default = 0.05,
      help = "share of the photo that is object at first: the map's strongest pixels" },
    { "back", type = "number", min = 0.001, max = 1,
      help = "share that is background at first (default: up to 0.3, less where the object fills it)" },
    { "size", default = 512, help = "longest side in pixels of the copy that is cut" },
    "seed",
    { "mask", type = "picture", help = "mask to write, white for the object (default: none)" },
    { "out", default = "segment.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local explain = require "switchback.explain"
    local net = sb.load(o.model)
    local photo = assert(sb.image.load(o.image))
    local found = sb.vis.segment(net, photo, { class = o.class, map = o.map, front = o.front, back = o.back,
      size = o.size, seed = o.seed })
    local share = found.mask:mean()
    report:say("%s: class %d, p %.4f; %.1f %% of the photo", found.class.label, found.class.index,
      found.class.p, 100 * share)
    if o.mask then report:save(o.mask, found.mask) end
    report:save(o.out, sb.image.grid({ photo, sb.image.heat(photo, found.map), found.cutout }, { columns = 3,
      labels = { "photo", o.map .. " map", "cut out" }, title = explain.title(found.class) }))
    return { class = found.class, share = share, map = o.map }
  end,
}
