-- Activations projected back to pixels.

-- The end of a long name tells more than its beginning.
local function short(name) return #name > 20 and "..." .. name:sub(-18) or name end

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
    local picture = require "switchback.probe"
    local net = sb.load(o.model)
    local image = assert(sb.image.load(o.image))
    local several = #o.layer > 1
    local cells, labels, probes, input = {}, {}, {}, nil
    for _, layer in ipairs(o.layer) do
      local found = sb.vis.deconv(net, image, { layer = layer, channels = o.channel, strongest = o.strongest,
        keep = o.keep, rule = o.rule, progress = report:progress(layer) })
      input = found.input
      for _, probe in ipairs(found.probes) do
        local text = picture.text(probe)
        report:say("%s %s", layer, text)
        probe.layer, probes[#probes + 1] = layer, probe
        cells[#cells + 1] = picture.pair(input, probe)
        labels[#labels + 1] = several and short(layer) .. " " .. text or text
      end
    end
    local title = not several and o.layer[1] or nil
    if #probes == 1 then
      title, labels = title .. " " .. labels[1], { "input", o.rule }
      cells = { picture.whole(input, probes[1]) }
    end
    report:save(o.out, sb.image.grid(cells, { labels = labels, title = title,
      columns = several and #probes // #o.layer or nil }))
    for _, probe in ipairs(probes) do probe.image = nil end
    return { probes = probes }
  end,
}
