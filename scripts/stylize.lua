-- A photo, or a folder of frames, in a style that a transform net has learned.

-- One run for each style, in a sheet.
local function samples(net, photo, o)
  local sb = require "switchback"
  local pictures, labels = {}, {}
  repeat
    local style = #pictures + 1
    local made = sb.vis.stylize(net, photo, { style = style, memory = o.memory })
    pictures[style], labels[style] = made.image, net.styles and net.styles[style] or tostring(style)
  until style == made.styles
  local title = require("switchback.paths").base(o.model)
  return sb.image.grid(pictures, { labels = labels, title = title }), #pictures
end

return {
  summary = "a photo, or a folder of frames, in a style that a transform net has learned",
  about = "style26 knows 26 styles and their blends, vangogh_starry_night and its like one each;\n" ..
    "train_style makes others.",
  options = {
    { "model", default = "style26" },
    { "image", help = "photo, or folder of frames" },
    { "style", type = "blend", default = "1",
      help = "style, from 1 or by its name; a blend such as 1:0.5,8:0.3; all: a sheet of them all" },
    { "size", help = "longer side in pixels (default: as it is)" },
    { "memory", type = "integer", min = 1, default = 4096, help = "MiB that a run may take" },
    { "out", type = "file", default = "stylized.png", help = "picture to write, or folder for frames" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local function load(path)
      local picture = assert(sb.image.load(path, { channels = 3 }))
      return o.size and sb.image.longer_side(picture, o.size) or picture
    end
    if o.style == "all" then
      local sheet, styles = samples(net, load(o.image), o)
      report:save(o.out, sheet)
      return { styles = styles }
    end
    local list, done = require("switchback.frames").plan(o.image, o.out), 0
    local progress = report:progress "frames"
    local interrupted = require("switchback.interrupt").caught(function()
      for i, frame in ipairs(list) do
        local made = sb.vis.stylize(net, load(frame.from), { style = o.style, memory = o.memory })
        report:save(frame.to, made.image)
        done = i
        progress(i, #list)
      end
    end)
    if interrupted then report:say("stopped after %d of %d pictures", done, #list) end
    return { pictures = done, interrupted = interrupted }
  end,
}
