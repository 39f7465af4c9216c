-- The weights of a convolution, and what is wrong with them.
return {
  summary = "the weights of a convolution: as pictures, and which are dead, double, coarse or fine",
  about = "Zeiler & Fergus 2014, section 4.1: the look at AlexNet that led to ZFNet. --survey makes the "
    .. "table, --versus and --data imply it. Bands: below 1/8 cycle per pixel, up to 1/4, above.",
  options = {
    "model",
    { "layer", help = "a convolution (default: the first)" },
    { "versus", help = "another network, to be shown beside" },
    { "survey", type = "flag", help = "look for near-duplicates, and at frequencies" },
    { "data", type = "file", required = false, help = "pictures: look for filters that none of them moves" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of the data, where it has two" },
    { "pictures", type = "integer", min = 1, default = 200, help = "how many, evenly spaced" },
    { "cosine", type = "number", min = 0, max = 1, default = 0.9, help = "from where on filters are alike" },
    { "most", type = "integer", min = 1, default = 64, help = "how many filters, and channels of each" },
    { "out", default = "filters.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local sheet = require "switchback.filter_sheet"
    local set = o.data and assert(sb.data.open(o.data, { part = o.part }))
    set = set and require("switchback.features").spread(set, o.pictures) or nil
    local survey, banks = o.survey or set ~= nil or o.versus ~= nil, {}
    local tables, names = {}, { o.model, o.versus }
    for i, name in ipairs(names) do
      banks[i] = sb.vis.filters(sb.load(name), set, { layer = i == 1 and o.layer or nil, survey = survey,
                                                      progress = report:progress(name) })
    end
    if not survey then
      report:save(o.out, sheet.draw(banks[1], o.most))
      return { layer = banks[1].layer, shape = banks[1].weight:size() }
    end
    for i, bank in ipairs(banks) do
      tables[i] = sheet.table(bank, o.cosine)
      tables[i].model, tables[i].layer, tables[i].dead_filters = names[i], bank.layer, bank.dead
      report:say("%s, %s", names[i], bank.layer)
      for _, line in ipairs(sheet.lines(tables[i], o.cosine)) do
        report:say("  %-38s %s", line[1], line[2])
      end
    end
    report:save(o.out, sheet.compare(banks, names, { least = o.cosine, most = o.most }))
    return { layer = banks[1].layer, shape = banks[1].weight:size(), surveys = tables }
  end,
}
