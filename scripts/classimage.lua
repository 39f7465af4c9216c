-- The picture of a class: what its score is largest for.
local synthesis = require "switchback.synthesis"

return {
  summary = "the picture that a class's score is largest for, under a penalty",
  about = "Simonyan et al. 2014, section 2: the logit minus a penalty, by gradient ascent, from noise around "
    .. "the mean colour, or with --photos from the mean of photos of the class. The grid stretches the "
    .. "contrast; --picture gets one class's picture as the network saw it.",
  options = synthesis.with {
    { "model", default = "googlenet" },
    { "class", type = "names", default = "goose,ostrich,dumbbell,dalmatian,washer,Siberian husky",
      help = "classes: numbers from 1, or how their labels begin" },
    { "photos", help = "a photo, or a folder of photos, whose mean to start from (default: noise)" },
    { "score", choices = { "logit", "log-probability" }, default = "logit",
      help = "what to raise; log-probability where a class that looks alike would win" },
    { "penalty", choices = { "l2", "l1", "none" }, default = "l2",
      help = "what keeps pixels near the mean colour" },
    { "weight", type = "number", min = 0, help = "of the penalty (default: 0.1; l1 0.02)" },
    { "rate", type = "number", default = 0.5, help = "step: what the gradient is multiplied with" },
    { "steps", default = 120 },
    { "jitter", type = "integer", min = 0, default = 8, help = "random shifts before each look, in pixels" },
    "size",
    { "picture", type = "picture", help = "the picture alone, of the first class" },
    { "out", default = "classimage.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net, photos = sb.load(o.model), nil
    for i, path in ipairs(o.photos and require("switchback.frames").list(o.photos) or {}) do
      photos = photos or {}
      photos[i] = assert(sb.image.load(path))
    end
    local pictures, labels, classes = {}, {}, {}
    for i, name in ipairs(o.class) do
      local found = sb.vis.classimage(net, photos, { class = name, score = o.score,
        penalty = o.penalty, weight = o.weight, rate = o.rate, steps = o.steps, jitter = o.jitter,
        size = o.size, seed = o.seed, progress = report:progress(name),
        loop = function(k) return synthesis.loop(o, report, name, 2 * i - 2 + k) end })
      local class = found.class
      report:say("%-28s p %.4f (%.4f at the start)", class.label:match "^[^,]*", class.p, found.before)
      if photos then
        pictures[#pictures + 1], labels[#labels + 1] = found.start, "start: mean of photos"
      end
      pictures[#pictures + 1] = sb.image.stretch(found.picture, { percentile = 99.9 })
      labels[#labels + 1] = ("%s  p %.4f"):format(class.label:match "^[^,]*", class.p)
      classes[i] = { index = class.index, label = class.label, p = class.p, before = found.before }
      if i == 1 and o.picture then report:save(o.picture, found.picture) end
      if found.interrupted then break end
    end
    report:save(o.out, sb.image.grid(pictures, { labels = labels,
      title = ("%s%s, step %g"):format(o.score, o.penalty ~= "none" and " - " .. o.penalty or "", o.rate) }))
    return { classes = classes, penalty = o.penalty }
  end,
}
