-- Whether a network knows the same part in different pictures as the same.
local OWN <const> = "models/tinyimagenet_dogs.parts"

return {
  summary = "whether hiding the same part of different photos changes features in the same way",
  about = "Zeiler & Fergus 2014, section 4.3 and table 1: the share of features whose change has another "
    .. "sign, mean over pairs of photos and deviation; less is more alike. Controls: a random place, another "
    .. "in each photo, and the same place in all, among the parts. "
    .. "--parts is a text file with a line PICTURE PART Y X H W for each box, in the photo's pixels from 1, "
    .. "such as: cat.png left-eye 83 135 66 76",
  options = {
    "model",
    { "photos", type = "file", help = "folder or tar file of the photos (default: the folder of --parts)" },
    { "parts", type = "file", help = "text file of boxes: the parts of each photo (default: faces of dogs in "
      .. "Tiny ImageNet's validation part, which --photos must be then)" },
    { "layer", type = "names", help = "layers (default: the last that has maps, and the one before "
      .. "the scores)" },
    { "random", type = "integer", min = 0, default = 10, help = "rounds with random places, the controls" },
    { "raw", type = "flag", help = "photos as they are; else cropped so that their parts lie alike" },
    "seed",
    { "out", default = "correspondence.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    if not o.photos and not o.parts then
      error("give --photos (Tiny ImageNet, its folder or val.tar), or --parts (boxes in your own photos)", 0)
    end
    local sheet = require "switchback.correspondence_sheet"
    local path = o.parts or assert(require "switchback.paths".find(OWN))
    local entries = require "switchback.parts".load(path, o.photos)
    local found = sb.vis.correspondence(sb.load(o.model), entries, { layers = o.layer, random = o.random,
      align = not o.raw, seed = o.seed, progress = report:progress "photos" })
    report:say("%s", sheet.text(found))
    report:save(o.out, sheet.draw(found, ("%d photos, %d pairs"):format(#entries,
      #entries * (#entries - 1) // 2)))
    return { layers = found.layers, rows = found.rows, photos = #entries }
  end,
}
