-- How much a network minds when a picture is shifted, enlarged or turned.
return {
  summary = "how features and classes change while photos are shifted, enlarged and turned",
  about = "Zeiler & Fergus 2014, section 4.1 and figure 5. Writes the charts as .svg beside --out, which "
    .. "shows the first photo's\ntransformed pictures above them. At most six photos.",
  options = {
    "model",
    { "image", type = "names", help = "photos, separated by commas" },
    { "class", type = "names", help = "the true class of each: number from 1, or how its label begins "
      .. "(default: the top ones)" },
    { "low", help = "low layer (default: the first max pooling)" },
    { "high", help = "high layer (default: what the classes' scores are computed from)" },
    { "steps", min = 2, default = 13, help = "amounts of each transformation" },
    { "shift", type = "number", min = 0, default = 60, help = "pixels up and down" },
    { "scale", type = "number", min = 0.01, default = 1.8, help = "largest scale" },
    { "turn", type = "number", default = 360, help = "largest angle in degrees" },
    { "border", choices = { "constant", "edge", "reflect" }, default = "constant",
      help = "what lies around the picture: grey, its edge repeated, or the picture mirrored" },
    { "out", default = "invariance.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local sheet, file = require "switchback.invariance_sheet", require "switchback.file"
    if #o.image > 6 then error(("--image: at most 6 photos, got %d"):format(#o.image), 0) end
    local photos = {}
    for i, path in ipairs(o.image) do photos[i] = assert(sb.image.load(path)) end
    local found = sb.vis.invariance(sb.load(o.model), photos, { class = o.class, low = o.low, high = o.high,
      steps = o.steps, shift = o.shift, scale = o.scale, turn = o.turn, border = o.border,
      progress = report:progress "pictures" })
    local rows = sheet.numbers(found)
    report:say("%-12s %s  %s  %s  %s", "", "low: first step", "high: first step",
      "relative p: mean", "lowest")
    for _, row in ipairs(rows) do
      report:say("%-12s %15.3f  %16.3f  %16.3f  %6.3f", row.kind, row.low, row.high, row.p, row.lowest)
    end
    report:save(o.out, sheet.draw(found))
    local svg = o.out:gsub("%.[^.]*$", ".svg")
    assert(file.write(svg, sheet.svg(found)))
    report:note(svg)
    return { low = found.low, high = found.high, classes = found.classes, sweeps = rows }
  end,
}
