-- What a network sees in a photo, drawn into it.
local synthesis = require "switchback.synthesis"

-- What to dream next in a sequence: the last picture, enlarged about its centre.
local function next_frame(picture, zoom)
  return require("switchback").image.affine(picture, { 1 / zoom, 0, 0, 1 / zoom, 0, 0 })
end

return {
  summary = "what a network sees in a photo, drawn into it (DeepDream)",
  about = "Mordvintsev, Olah & Tyka 2015. Low layers draw strokes, middle ones eyes, high ones creatures.",
  options = synthesis.with {
    { "model", default = "googlenet" }, "image",
    { "layer", type = "names", default = "inception_4c/output",
      help = "layer to amplify, or several separated by commas" },
    { "guide", type = "file", help = "second picture: draw what that one shows" },
    { "steps", default = 10, help = "steps of each octave" },
    { "rate", type = "number", default = 0.006, help = "mean change of a pixel in a step" },
    { "octaves", type = "integer", min = 1, default = 4, help = "number of sizes to work at" },
    { "scale", type = "number", default = 1.4, help = "by how much one octave is larger than the last" },
    { "jitter", type = "integer", min = 0, default = 32, help = "pixels of random shift before each step" },
    { "size", help = "longer side of the picture in pixels (default: the photo's own)" },
    { "frames", type = "integer", min = 1, default = 1,
      help = "dream on in what was dreamt, enlarged each time: a sequence of pictures" },
    { "zoom", type = "number", default = 1.05, help = "by how much each frame enlarges the last" },
    { "out", default = "deepdream.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local picture = sb.image.rgb(assert(sb.image.load(o.image)))
    if o.size then picture = sb.image.longer_side(picture, o.size) end
    local guide = o.guide and sb.image.longer_side(sb.image.rgb(assert(sb.image.load(o.guide))), 224)
    local history
    for frame = 1, o.frames do
      local several = o.frames > 1 and frame or nil
      if frame > 1 then picture = next_frame(picture, o.zoom) end
      picture, history = sb.vis.deepdream(net, picture, { layers = o.layer, guide = guide, steps = o.steps,
        rate = o.rate, octaves = o.octaves, octave_scale = o.scale, jitter = o.jitter,
        loop = synthesis.loop(o, report, several and "frame " .. frame or "deepdream", several) })
      report:save(several and synthesis.numbered(o.out, "frame", frame) or o.out, picture)
      if history.ended == "interrupted" then break end
    end
    report:say(history)
    return { layers = o.layer, steps = #history, ended = history.ended, value = history[#history] }
  end,
}
