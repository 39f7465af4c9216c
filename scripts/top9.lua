-- What moves the channels of a net's layers most, over many pictures.
return {
  summary = "the nine pictures that move each channel most: patches, and projections back to pixels",
  about = "Zeiler & Fergus 2014, figure 2. The pictures are read once; --index keeps what was found of all "
    .. "channels, and lets an interrupted pass go on.",
  options = {
    "model",
    { "data", type = "file", required = true, help = "folder, tar file or data set of pictures" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of it, where it has two" },
    { "most", type = "integer", min = 1, default = 2000, help = "look at so many pictures, evenly spaced" },
    { "layer", type = "names", help = "layers (default: all if at most five, else the last at each size)" },
    { "channel", type = "integers", help = "channels to show of each layer, from 1" },
    { "channels", type = "integer", min = 1, default = 6, help = "or how many to show, evenly spaced" },
    { "strongest", type = "integer", min = 1, default = 9, help = "how many pictures of each channel" },
    { "rule", choices = { "deconv", "guided", "gradient" }, default = "deconv",
      help = "how to walk back through rectifiers" },
    { "index", type = "string", help = "file that keeps the strongest activations, .safetensors" },
    { "side", type = "integer", min = 8, default = 80, help = "side of each picture in pixels" },
    { "out", default = "top9.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local set = assert(sb.data.open(o.data, { part = o.part }))
    set = require("switchback.features").spread(set, o.most)
    local found = sb.vis.top9(sb.load(o.model), set, { layers = o.layer, channels = o.channel,
      most = o.channels, strongest = o.strongest, rule = o.rule, index = o.index,
      progress = function(what) return report:progress(what) end })
    local title = ("strongest activations over %d pictures: projections (%s), patches"):format(#set, o.rule)
    for _, layer in ipairs(found) do
      report:say("%s: %d of %d channels are active", layer.layer, layer.active, layer.count)
    end
    report:save(o.out, require("switchback.top9_sheet").draw(found, { side = o.side, full = o.strongest,
      title = title }))
    for _, layer in ipairs(found) do
      for _, c in ipairs(layer.channels) do
        for _, p in ipairs(c.pictures) do p.patch, p.projection = nil, nil end
      end
    end
    if o.index then report:note(o.index) end
    return { pictures = #set, layers = found }
  end,
}
