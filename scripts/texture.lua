-- A texture like that of a picture, made from noise.
local synthesis = require "switchback.synthesis"

return {
  summary = "a texture like that of a picture, made from noise",
  about = "Gatys, Ecker & Bethge 2015. --growth makes the figure of the paper: textures that match the\n" ..
    "first layer, the first two, and so on.",
  options = synthesis.with {
    { "model", default = "vgg19_pruned" }, "image",
    { "layers", type = "names", default = "relu1_1,pool1,pool2,pool3,pool4", help = "layers to match" },
    { "size", default = 256, help = "height and width of the texture in pixels" },
    { "source-size", type = "integer", min = 16, default = 256, help = "longer side of the picture" },
    { "steps", default = 300 },
    { "growth", type = "flag", help = "one texture for the first layer, one for the first two, ..." },
    { "out", default = "texture.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net, source = sb.load(o.model), assert(sb.image.load(o.image, { channels = 3 }))
    local pictures, labels, losses = {}, {}, {}
    for n = o.growth and 1 or #o.layers, #o.layers do
      local layers = table.move(o.layers, 1, n, 1, {})
      local made = sb.vis.texture(net, source, {
        layers = layers, size = o.size, source_size = o.source_size, steps = o.steps, seed = o.seed,
        loop = synthesis.loop(o, report, "steps to " .. layers[n], o.growth and n or nil),
      })
      pictures[#pictures + 1], labels[#labels + 1] = made.image, "to " .. layers[n]
      losses[#losses + 1] = made.history[#made.history]
      report:say("to %s: loss %.3g after %d steps", layers[n], losses[#losses], #made.history)
      if made.history.ended == "interrupted" then break end
    end
    local result = pictures[1]
    if o.growth then
      pictures[#pictures + 1], labels[#labels + 1] = sb.image.fit(source, o.size, o.size), "source"
      result = sb.image.grid(pictures, { columns = #pictures, labels = labels })
    end
    report:save(o.out, result)
    return { losses = losses }
  end,
}
