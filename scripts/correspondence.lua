-- Whether a network knows the same part in different pictures as the same.
return {
  summary = "whether hiding the same part of different photos changes features in the same way",
  about = "Zeiler & Fergus 2014, section 4.3 and table 1: the share of features whose change has another "
    .. "sign, mean over\npairs of photos and deviation; less is more alike. "
    .. "--parts is a text file with a line\n"
    .. "PICTURE PART Y X H W for each box, in the photo's pixels from 1, such as:\n"
    .. "cat.png left-eye 83 135 66 76",
  options = {
    "model",
    { "parts", type = "file", required = true, help = "text file of boxes: the parts of each photo" },
    { "photos", type = "file", help = "folder of the photos (default: that of --parts)" },
    { "layer", type = "names", help = "layers (default: the last that has maps, and the one before "
      .. "the scores)" },
    { "random", type = "integer", min = 0, default = 10, help = "rounds with random parts, as the control" },
    "seed",
    { "out", default = "correspondence.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local entries = require "switchback.parts".load(o.parts, o.photos)
    local found = sb.vis.correspondence(sb.load(o.model), entries, { layers = o.layer, random = o.random,
      seed = o.seed, progress = report:progress "photos" })
    report:say("%-14s %s", "", table.concat(found.layers, "    "))
    for _, row in ipairs(found.rows) do
      local cells = {}
      for l, cell in ipairs(row.layers) do cells[l] = ("%.3f +- %.3f"):format(cell.mean, cell.deviation) end
      report:say("%-14s %s", row.part, table.concat(cells, "    "))
    end
    local pictures, labels = {}, {}
    for i, entry in ipairs(entries) do
      local picture = sb.image.rgb(entry.picture)
      for _, box in pairs(entry.parts) do sb.image.frame(picture, box[1], box[2], box[3], box[4]) end
      pictures[i], labels[i] = sb.image.contain(picture, 224, 224, { fill = 1 }), entry.name
    end
    report:save(o.out, sb.image.grid(pictures, { labels = labels, title = "parts that are hidden" }))
    return found
  end,
}
