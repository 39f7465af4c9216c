-- More of a texture, from a patch of a picture and without a network.
local synthesis = require "switchback.synthesis"

-- (1,h,w): 1 in the rectangle {y, x, h, w}, 0 elsewhere.
local function mask(picture, box)
  local sb = require "switchback"
  return sb.image.rectangle(sb.zeros(1, picture:size(2), picture:size(3)), table.unpack(box))
end

local function check_box(name, box)
  if box and #box ~= 4 then error(("--%s: expected Y,X,H,W, got %d numbers"):format(name, #box), 0) end
end

return {
  summary = "more of a texture, from a patch of a picture and without a network",
  about = "efros-leung (Efros & Leung 1999) grows from a seed, slow and faithful; wei-levoy (Wei & Levoy "
    .. "2000) scans the levels of a pyramid, searching with a tree; efros-freeman (Efros & Freeman 2001) "
    .. "lays blocks and cuts them where they differ least.",
  options = {
    { "image", help = "picture that holds the texture" },
    { "crop", type = "integers", help = "Y,X,H,W of the texture in it, from 1 (default: all of it)" },
    { "size", type = "integers", default = "192", help = "pixels to make: side, or height,width" },
    { "method", choices = { "wei-levoy", "efros-leung", "efros-freeman" }, default = "wei-levoy",
      help = "whose algorithm" },
    { "window", type = "integer",
      help = "width of neighbourhoods (odd) or blocks: as large as the largest regular thing" },
    { "leaves", type = "integer", min = 0,
      help = "wei-levoy: leaves of the tree that a search visits; 0: exact search" },
    { "hole", type = "integers", help = "efros-leung: fill this Y,X,H,W of the picture instead" },
    "seed", synthesis.checkpoint, synthesis.resume,
    { "out", default = "quilt.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local picture = assert(sb.image.load(o.image))
    check_box("crop", o.crop)
    check_box("hole", o.hole)
    local made = sb.quilt {
      texture = o.crop and sb.image.crop(picture, table.unpack(o.crop)) or picture,
      size = #o.size == 1 and o.size[1] or o.size, method = o.method, window = o.window, leaves = o.leaves,
      image = o.hole and picture, hole = o.hole and mask(picture, o.hole), seed = o.seed,
      checkpoint = o.checkpoint, resume = o.resume, progress = report:progress "pixels",
    }
    report:save(o.out, made.image)
    if made.interrupted then report:say "stopped early" end
    return { size = made.image:size(), interrupted = made.interrupted }
  end,
}
