-- The weights of a convolution, and what is wrong with them.
return {
  summary = "the weights of a convolution: as pictures, and which are dead, double, coarse or fine",
  about = "Zeiler & Fergus 2014, section 4.1: the look at AlexNet that led to ZFNet, here beside another "
    .. "net. Bands: below 1/8 cycle per pixel, up to 1/4, above.",
  options = {
    "model",
    { "layer", help = "a convolution (default: the first)" },
    { "versus", help = "network to be shown beside (default: zfnet64; beside that, and with --layer, the "
      .. "net itself before training)" },
    { "data", type = "file", required = false, help = "pictures: look for filters that none of them moves" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of the data, where it has two" },
    { "pictures", type = "integer", min = 1, default = 200, help = "how many, evenly spaced" },
    { "cosine", type = "number", min = 0, max = 1, default = 0.9, help = "from where on filters are alike" },
    { "most", type = "integer", min = 1, default = 64, help = "how many filters" },
    "seed",
    { "out", default = "filters.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local sheet = require "switchback.filter_sheet"
    local set = o.data and assert(sb.data.open(o.data, { part = o.part }))
    set = set and require("switchback.features").spread(set, o.pictures) or nil
    local names, nets, banks, tables = { o.model }, { sb.load(o.model) }, {}, {}
    if o.versus or not o.layer and o.model ~= "zfnet64" then
      names[2] = o.versus or "zfnet64"
      nets[2] = sb.load(names[2])
    else
      names[2] = o.model .. " before training"
      nets[2] = nets[1]:reset { seed = o.seed }
    end
    for i, name in ipairs(names) do
      local layer = (i == 1 or not o.versus) and o.layer or nil
      banks[i] = sb.vis.filters(nets[i], set, { layer = layer, survey = true,
        progress = report:progress(name) })
      tables[i] = sheet.table(banks[i], o.cosine)
      tables[i].model, tables[i].layer, tables[i].dead_filters = name, banks[i].layer, banks[i].dead
      report:say("%s, %s", name, banks[i].layer)
      for _, line in ipairs(sheet.lines(tables[i], o.cosine)) do
        report:say("  %-44s %s", line[1], line[2])
      end
    end
    report:save(o.out, sheet.compare(banks, names, { least = o.cosine, most = o.most }))
    return { layer = banks[1].layer, shape = banks[1].weight:size(), surveys = tables }
  end,
}
