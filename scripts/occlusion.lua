-- What a grey square hides from a network.
return {
  summary = "what hiding each part of a photo does to a feature and to the classes",
  about = "Zeiler & Fergus 2014, section 4.2, figure 7. --data gives (c) the photos that its channel answers "
    .. "to most. --box tells the mean probability with the square's middle inside a part, and outside.\n"
    .. "Classes that mean the same count together: --class tabby,tiger cat,Egyptian cat.",
  options = {
    "model", "image",
    { "class", type = "names", help = "the true class or classes: numbers from 1 or how labels begin "
      .. "(default: the top one)" },
    { "layer", help = "layer whose strongest channel is watched (default: the last that has maps)" },
    { "channel", help = "channel of it, from 1 (default: the one with the largest sum)" },
    { "size", help = "side of the square in pixels of the network's input (default: 2/5 of the input's)" },
    { "stride", type = "integer", min = 1, help = "pixels between its places (default: 1/28 of the input)" },
    { "fill", choices = { "grey", "mean", "blur", "noise" }, default = "grey", help = "what it shows" },
    "seed",
    { "data", type = "file", help = "folder, tar file or data set of other photos" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of it, where it has two" },
    { "most", type = "integer", min = 1, default = 1000, help = "look at so many of them, evenly spaced" },
    { "box", type = "integers", help = "Y,X,H,W: a part of the network's input" },
    { "maps", type = "string", help = "file to write the three maps to, .safetensors" },
    { "out", default = "occlusion.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local sheet = require "switchback.occlusion_sheet"
    if o.box and #o.box ~= 4 then error(("--box: expected Y,X,H,W, got %d numbers"):format(#o.box), 0) end
    local net = sb.load(o.model)
    local photo = assert(sb.image.load(o.image))
    local set = o.data and require "switchback.features".spread(
      assert(sb.data.open(o.data, { part = o.part })), o.most)
    local found = sb.vis.occlusion(net, photo, { class = o.class, layer = o.layer, channel = o.channel,
      size = o.size, stride = o.stride, fill = o.fill, seed = o.seed, set = set,
      progress = function(what) return report:progress(what) end })
    local name, p = sheet.name(found)
    report:say("%s: p %.4f; %s #%d, sum %.5g", name, p, found.layer, found.channel, found.activation)
    local result = { classes = found.classes, layer = found.layer, channel = found.channel,
                     interrupted = found.interrupted, lowest = found.probabilities:min() }
    if o.box then
      result.inside, result.outside = sheet.inside(found, found.probabilities, o.box)
      report:say("mean p with the square inside the box %.4f, outside %.4f", result.inside or 0 / 0,
        result.outside or 0 / 0)
    end
    if o.maps then
      assert(sb.safetensors.save(o.maps, { activations = found.activations, labels = found.labels,
        probabilities = found.probabilities }))
    end
    report:save(o.out, sheet.draw(net, found))
    return result
  end,
}
