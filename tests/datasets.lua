-- Little data sets that tests write: require "datasets".
local h = require "helper"
local sb = require "switchback"

local datasets = {}

-- write(path, bytes) --> path
function datasets.write(path, bytes)
  local f = assert(io.open(path, "wb"))
  f:write(bytes)
  f:close()
  return path
end

-- folder(name) --> path of a new folder, empty unless a test made it before.
function datasets.folder(name)
  local path = h.temporary("data_" .. name)
  h.shell(("mkdir -p '%s'"):format(path))
  return path
end

-- flat(level [, rows = 2, columns = 3]) --> the bytes of a picture of one grey level.
function datasets.flat(level, rows, columns)
  return assert(sb.image.encode(sb.zeros(3, rows or 2, columns or 3):fill_(level), "png"))
end

-- class_folders(name) --> the path of a folder of two classes, n01 and n02, of three 2x3 pictures each, grey
-- levels 0.55, 0.6, 0.65 and 0.3, 0.35, 0.4.
function datasets.class_folders(name)
  local path = datasets.folder(name)
  for k, class in ipairs { "n02", "n01" } do
    datasets.folder(name .. "/" .. class)
    for i = 1, 3 do
      datasets.write(("%s/%s/%d.png"):format(path, class, i), datasets.flat(k / 4 + i / 20))
    end
  end
  return path
end

-- noise(name, n [, rows = 9, columns = 12]) --> the path of a folder without classes of n random pictures.
function datasets.noise(name, n, rows, columns)
  local path, rng = datasets.folder(name), sb.rng(4)
  for i = 1, n do
    local picture = sb.rand(rng, 3, rows or 9, columns or 12)
    datasets.write(("%s/%03d.png"):format(path, i), assert(sb.image.encode(picture, "png")))
  end
  return path
end

return datasets
