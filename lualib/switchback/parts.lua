-- Files that tell where parts of pictures are: a line "PICTURE PART Y X H W" each, the part's name without
-- blanks, its corner and its size in pixels of the picture, from 1. PICTURE is a path from the file's folder;
-- what follows a # is a comment.
local file = require "switchback.file"
local image = require "switchback.image"
local paths = require "switchback.paths"

local parts = {}

local LINE <const> = "^(%S.-)%s+(%S+)%s+(%d+)%s+(%d+)%s+(%d+)%s+(%d+)$"

-- parse(text, name) --> { { name =, parts = { [part] = { y, x, h, w } } }... } in the order of the file.
-- Raises, with the file's name and the line's number, for lines that are not as above.
function parts.parse(text, name)
  local list, of, number = {}, {}, 0
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    line = line:gsub("#.*", ""):match "^%s*(.-)%s*$"
    local picture, part, y, x, h, w = line:match(LINE)
    if line ~= "" and not picture then
      error(("%s:%d: expected PICTURE PART Y X H W, got '%s'"):format(name, number, line), 0)
    end
    if picture and not of[picture] then
      of[picture] = { name = picture, parts = {} }
      list[#list + 1] = of[picture]
    end
    if picture then
      of[picture].parts[part] = { math.tointeger(y), math.tointeger(x), math.tointeger(h), math.tointeger(w) }
    end
  end
  return list
end

local function check_inside(entry, path)
  local height, width = entry.picture:size(2), entry.picture:size(3)
  for part, b in pairs(entry.parts) do
    local bottom, right = b[1] + b[3] - 1, b[2] + b[4] - 1
    if math.min(table.unpack(b)) < 1 or bottom > height or right > width then
      error(("%s: %s of %s is at %d %d %d %d, the picture has %dx%d pixels"):format(path, part, entry.name,
        b[1], b[2], b[3], b[4], height, width), 0)
    end
  end
end

-- load(path [, folder]) --> the same with each picture loaded, as `picture` (C,H,W); folder: where the
-- pictures are, instead of the file's. Raises for files that cannot be read and boxes outside of pictures.
function parts.load(path, folder)
  local list = parts.parse(assert(file.read(path, 1 << 24)), path)
  for _, entry in ipairs(list) do
    entry.picture = assert(image.load((folder or paths.folder(path)) .. "/" .. entry.name))
    check_inside(entry, path)
  end
  return list
end

return parts
