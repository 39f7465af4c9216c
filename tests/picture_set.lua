-- A small data set of pictures in class folders, made here: for tests of methods that look at many pictures.
local h = require "helper"
local sb = require "switchback"

local picture_set = {}

local CLASSES <const> = { "blue", "green", "red" }
local made

-- folder() --> path of a folder with 12 noisy pictures of 24x24 pixels in each of the class folders blue,
-- green and red; the class is the channel that is bright.
function picture_set.folder()
  if made then return made end
  made = h.temporary "pictures"
  local rng = sb.rng(8)
  for c, class in ipairs(CLASSES) do
    h.shell(("mkdir -p '%s/%s'"):format(made, class))
    for i = 1, 12 do
      local t = sb.rand(rng, 3, 24, 24) * 0.4
      t:narrow(1, 4 - c, 1):copy_(t:narrow(1, 4 - c, 1) + 0.3 + 0.3 * rng:uniform())
      assert(sb.image.save(("%s/%s/%02d.png"):format(made, class, i), t))
    end
  end
  return made
end

-- set() --> the same as a data set.
function picture_set.set() return assert(sb.data.open(picture_set.folder())) end

return picture_set
