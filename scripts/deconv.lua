-- Activations projected back to pixels.
return {
  summary = "activations projected back to pixels through the switches (deconvnet probes)",
  about = "Zeiler & Fergus 2014. Several layers (--layer a,b,c or all) make a montage of their strongest "
    .. "channels: what each position sees, beside its projection, every map with its own contrast.\n"
    .. "switchback transposed shows by example what the way back through a convolution computes.",
  options = {
    "model", "image",
    { "layer", type = "names", default = "all", help = "layer, several separated by commas, or all stages" },
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
    local layers = o.layer[1] == "all" and require("switchback.stage_maps").all(net) or o.layer
    local rows, probes = {}, {}
    for i, layer in ipairs(layers) do
      rows[i] = sb.vis.deconv(net, image, { layer = layer, channels = o.channel, strongest = o.strongest,
        keep = o.keep, rule = o.rule, progress = report:progress(layer) })
      for _, probe in ipairs(rows[i].probes) do
        report:say("%s %s", layer, picture.text(probe))
        probe.layer, probes[#probes + 1] = layer, probe
      end
    end
    report:save(o.out, picture.draw(rows, o.rule))
    for _, probe in ipairs(probes) do probe.image = nil end
    return { probes = probes }
  end,
}
