-- What a network sees in a photo.
return {
  summary = "what a network sees in a photo: its most probable classes",
  options = {
    "model", "image",
    { "top", type = "integer", min = 1, default = 5, help = "how many classes" },
    { "out", help = "picture to write: the photo beside its classes (default: none)" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local image = assert(sb.image.load(o.image))
    local input = net:prepare(image)
    local classes = net:forward(input, { record = false }):top(o.top)
    report:say(classes)
    if o.out then
      local labels, values = {}, {}
      for i, class in ipairs(classes) do labels[i], values[i] = class.label, class.p end
      local photo = net:to_image(input)
      local bars = sb.plot.bars(labels, values, { maximum = 1, width = photo:size(3) })
      report:save(o.out, sb.image.grid({ photo, bars }, { columns = 1 }))
    end
    return { classes = classes }
  end,
}
