-- What the channels of a layer answer to a photo.
local SIDE = 112 -- pixels of a map

return {
  summary = "what the channels of a layer answer to a photo: a grid of its maps",
  options = {
    "model", "image", { "layer", required = true },
    { "order", choices = { "strongest", "index" }, default = "strongest", help = "what comes first" },
    { "most", type = "integer", min = 1, default = 64, help = "how many channels" },
    { "scale", choices = { "each", "all" }, default = "each",
      help = "brightness relative to each map's own peak, or to the layer's" },
    { "out", default = "activations.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local image = assert(sb.image.load(o.image))
    local found = sb.vis.activations(net, image, { layer = o.layer, order = o.order, most = o.most })
    local highest = 0
    for _, entry in ipairs(found.maps) do highest = math.max(highest, entry.peak) end
    local pictures, labels, listed = { sb.image.fit(found.input, SIDE, SIDE) }, { "input" }, {}
    for i, entry in ipairs(found.maps) do
      local top = o.scale == "each" and entry.peak or highest
      local level = entry.map:clamp(0, math.huge) / math.max(top, 1e-30)
      local map = sb.image.resize(level:unsqueeze(1), SIDE, SIDE, { method = "nearest" })
      pictures[i + 1] = sb.image.colormap(map)
      labels[i + 1] = ("#%d  %.4g"):format(entry.channel, entry.peak)
      listed[i] = { channel = entry.channel, peak = entry.peak }
    end
    report:save(o.out, sb.image.grid(pictures, { labels = labels,
      title = ("%s: %d of %d channels, with their peaks"):format(found.layer, #found.maps, found.count) }))
    return { layer = found.layer, channels = listed }
  end,
}
