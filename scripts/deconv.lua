-- Activations projected back to pixels.
local SIDE = 128 -- pixels of a patch in a montage

local function cut(sb, image, box)
  return sb.image.crop(image, box.top, box.left, box.bottom - box.top + 1, box.right - box.left + 1)
end

local function shown(sb, image) return sb.image.stretch(image, { percentile = 99.8 }) end

-- What the position sees, beside what it projects back to.
local function pair(sb, input, probe)
  local patch = sb.image.contain(cut(sb, input, probe.box), SIDE, SIDE, { fill = 0.5 })
  local back = sb.image.contain(shown(sb, cut(sb, probe.image, probe.box)), SIDE, SIDE, { fill = 0.5 })
  return sb.image.grid({ patch, back }, { columns = 2, gap = 2 })
end

local function label(layer, probe)
  return ("%s #%d (y %d, x %d) act %.1f"):format(layer, probe.channel, probe.y, probe.x, probe.activation)
end

-- One probe: the whole input, framed where the position looks, beside the whole projection.
local function large(sb, input, probe)
  local b, framed = probe.box, input:clone()
  sb.image.frame(framed, b.top, b.left, b.bottom - b.top + 1, b.right - b.left + 1)
  return { framed, shown(sb, probe.image) }
end

return {
  summary = "activations projected back to pixels through the switches (deconvnet probes)",
  about = "Zeiler & Fergus 2014. Several layers (--layer a,b,c) make a montage of their strongest channels.",
  options = {
    "model", "image",
    { "layer", type = "names", required = true, help = "layer, or several separated by commas" },
    { "channel", type = "integers", help = "channels, from 1 (default: the strongest)" },
    { "strongest", type = "integer", min = 1, default = 9, help = "how many of the strongest channels" },
    { "keep", type = "keep", default = "max",
      help = "what survives of a map: max, map, the K strongest, or Y,X" },
    { "rule", choices = { "deconv", "guided", "gradient" }, default = "deconv",
      help = "how to walk back through rectifiers" },
    { "out", default = "deconv.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local image = assert(sb.image.load(o.image))
    local cells, labels, probes = {}, {}, {}
    for _, layer in ipairs(o.layer) do
      local found = sb.vis.deconv(net, image, { layer = layer, channels = o.channel, strongest = o.strongest,
        keep = o.keep, rule = o.rule, progress = report:progress(layer) })
      for _, probe in ipairs(found.probes) do
        cells[#cells + 1], labels[#labels + 1] = pair(sb, found.input, probe), label(layer, probe)
        report:say(labels[#labels])
        if #o.layer * #found.probes == 1 then cells = large(sb, found.input, probe) end
        probe.layer, probe.image = layer, nil
        probes[#probes + 1] = probe
      end
    end
    local title, columns
    if #o.layer > 1 then columns = #probes // #o.layer end
    if #probes == 1 then title, labels = labels[1], { "input", o.rule } end
    report:save(o.out, sb.image.grid(cells, { labels = labels, title = title, columns = columns }))
    return { probes = probes }
  end,
}
