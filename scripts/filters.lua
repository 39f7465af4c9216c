-- The weights of a convolution.
-- The kernels of one filter in a block, a grey tile for each input channel, in reading order.
local function kernels(sb, filter, most)
  local tiles = {}
  for i = 1, math.min(filter:size(1), most) do tiles[i] = filter:narrow(1, i, 1) end
  local columns = math.ceil(math.sqrt(#tiles))
  return sb.image.grid(tiles, { columns = columns, gap = 1, scale = math.max(1, 12 // filter:size(3)) })
end

return {
  summary = "the weights of a convolution: in color where it looks at pixels, else as grey kernels",
  options = {
    "model",
    { "layer", help = "a convolution (default: the first)" },
    { "most", type = "integer", min = 1, default = 64, help = "how many filters, and channels of each" },
    { "out", default = "filters.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local found = sb.vis.filters(net, nil, { layer = o.layer })
    local size, pictures, labels = found.weight:size(), {}, {}
    for i = 1, math.min(size[1], o.most) do
      local filter = sb.image.stretch(found.filters[i], { method = "symmetric", percentile = 99.5 })
      pictures[i] = found.in_color and filter or kernels(sb, filter, o.most)
      labels[i] = "#" .. i
    end
    report:save(o.out, sb.image.grid(pictures, { labels = labels,
      title = ("%s: %d filters of %dx%dx%d"):format(found.layer, table.unpack(size)) }))
    return { layer = found.layer, shape = size }
  end,
}
