-- How much a network minds when a picture is shifted, enlarged or turned.
return {
  summary = "how features and classes change while photos are shifted, enlarged and turned",
  about = "Zeiler & Fergus 2014, section 4.1 and figure 5. Writes the charts as .svg beside --out, which "
    .. "shows the first photo's transformed pictures above them. Numbers are means over all photos: the "
    .. "share of its largest distance that a layer has moved after one step, R^2 of a straight line for "
    .. "distance by amount; the class's probability relative to that at rest, and how often it stays first.",
  options = {
    "model",
    { "image", type = "names", help = "photos, separated by commas", required = false },
    { "data", type = "file", help = "folder, tar file or data set: more photos, those of clear class" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of it, where it has two" },
    { "most", type = "integer", min = 1, default = 60, help = "look at so many of them, evenly spaced" },
    { "sure", type = "number", min = 0, max = 1, default = 0.5,
      help = "and take those that show a class so probable" },
    { "class", type = "names", help = "the true class of each --image: number from 1, or how its label "
      .. "begins (default: the top ones)" },
    { "low", help = "low layer (default: the first max pooling)" },
    { "high", help = "high layer (default: what the classes' scores are computed from)" },
    { "steps", min = 2, default = 25, help = "amounts of each transformation" },
    { "shift", type = "number", min = 1, help = "pixels up and down (default: 60 of 224)" },
    { "scale", type = "number", min = 0.01, default = 1.8, help = "largest scale" },
    { "turn", type = "number", default = 360, help = "largest angle in degrees" },
    { "border", choices = { "constant", "edge", "reflect" }, default = "constant",
      help = "what lies around the picture: grey, its edge repeated, or the picture mirrored" },
    { "out", default = "invariance.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local features, file = require "switchback.features", require "switchback.file"
    local sheet = require "switchback.invariance_sheet"
    if not o.image and not o.data then error("give photos: --image A.jpg,B.jpg or --data FOLDER", 0) end
    local net, photos = sb.load(o.model), {}
    for i, path in ipairs(o.image or {}) do photos[i] = assert(sb.image.load(path)) end
    local set = o.data and assert(sb.data.open(o.data, { part = o.part }))
    for _, photo in ipairs(set and features.clear(net, set, o.most, o.sure) or {}) do
      photos[#photos + 1] = photo
    end
    if #photos == 0 then error(("%s: no photo has a class with p >= %g"):format(o.data, o.sure), 0) end
    local found = sb.vis.invariance(net, photos, { class = o.class, low = o.low, high = o.high,
      steps = o.steps, shift = o.shift, scale = o.scale, turn = o.turn, border = o.border,
      progress = report:progress "pictures" })
    local rows = sheet.numbers(found)
    report:say("%d photos, low layer %s, high layer %s", #photos, found.low, found.high)
    report:say("%-12s %s", "", "low: 1st step  R^2   high: 1st step  R^2   class: relative p  lowest  first")
    for _, row in ipairs(rows) do
      report:say("%-12s %13.3f%7.3f %14.3f%7.3f %17.3f %8.3f %6.3f", row.kind, row.low, row.low_straight,
        row.high, row.high_straight, row.p, row.lowest, row.kept)
    end
    report:save(o.out, sheet.draw(found))
    local svg = o.out:gsub("%.[^.]*$", ".svg")
    assert(file.write(svg, sheet.svg(found)))
    report:note(svg)
    return { low = found.low, high = found.high, classes = found.classes, sweeps = rows }
  end,
}
