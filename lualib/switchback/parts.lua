-- Files that tell where parts of pictures are: a line "PICTURE PART Y X H W" each, the part's name without
-- blanks, its corner and its size in pixels of the picture, from 1. PICTURE is a path from the file's folder
-- or a name in an archive; what follows a # is a comment.
local core = require "switchback.core"
local data = require "switchback.data"
local file = require "switchback.file"
local image = require "switchback.image"
local paths = require "switchback.paths"

local files = core.files
local parts = {}

local SPREAD <const> = 0.19 -- of an aligned picture's side: how far parts are from their middle

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

-- A function that answers the picture of a name: a file of the folder, or one of a data set.
local function reader(photos)
  local set
  return function(name)
    if files.kind(photos .. "/" .. name) == "file" then return assert(image.load(photos .. "/" .. name)) end
    set = set or assert(data.open(photos, { part = "test" }))
    local i = set:find(name) or error(("%s: holds no picture '%s'"):format(photos, name), 0)
    return assert(set:picture(i))
  end
end

-- load(path [, photos]) --> the same with each picture loaded, as `picture` (C,H,W); photos: where they are,
-- a folder or what sb.data.open opens (its test part); default the file's folder. Raises for files that
-- cannot be read, pictures that are not there and boxes outside of them.
function parts.load(path, photos)
  local list = parts.parse(assert(file.read(path, 1 << 24)), path)
  local read = reader(photos or paths.folder(path))
  for _, entry in ipairs(list) do
    entry.picture = read(entry.name)
    check_inside(entry, path)
  end
  return list
end

-- The middle {y, x} of the middles of all boxes, and their root mean square distance from it, at least a
-- quarter of a box: so there is one for a single box too. From the picture's corner, in pixels.
local function place(boxes)
  local n, y, x, squares, area = 0, 0, 0, 0, 0
  for _, b in pairs(boxes) do
    n, y, x = n + 1, y + b[1] - 1 + b[3] / 2, x + b[2] - 1 + b[4] / 2
    area = area + b[3] * b[4]
  end
  y, x = y / n, x / n
  for _, b in pairs(boxes) do
    squares = squares + (b[1] - 1 + b[3] / 2 - y) ^ 2 + (b[2] - 1 + b[4] / 2 - x) ^ 2
  end
  return y, x, math.max(math.sqrt(squares / n), math.sqrt(area / n) / 4)
end

-- A length or a corner (from 1) at the new scale, such that it stays inside of `side`.
local function fitted(at, extent, side)
  extent = math.max(1, math.min(side, math.floor(extent + 0.5)))
  return math.max(1, math.min(side - extent + 1, math.floor(at + 0.5) + 1)), extent
end

-- aligned(entry, side) --> an entry of the square of side x side pixels in which the middle of all parts is
-- in the middle, and they are 0.19 of its side away (root mean square): the same face in another picture then
-- has its parts at nearly the same places. What lies outside of the picture is mirrored.
function parts.aligned(entry, side)
  local y, x, spread = place(entry.parts)
  local scale = SPREAD * side / spread
  local h = math.floor(entry.picture:size(2) * scale + 0.5)
  local w = math.floor(entry.picture:size(3) * scale + 0.5)
  local sized = image.resize(image.rgb(entry.picture), h, w):clamp(0, 1)
  local crop = core.layer.affine { map = { 1, 0, 0, 1, y * scale - h / 2, x * scale - w / 2 },
                                   size = { side, side }, border = "reflect" }
  local moved = {}
  for part, b in pairs(entry.parts) do
    local top, height = fitted((b[1] - 1 - y) * scale + side / 2, b[3] * scale, side)
    local left, width = fitted((b[2] - 1 - x) * scale + side / 2, b[4] * scale, side)
    moved[part] = { top, left, height, width }
  end
  return { name = entry.name, parts = moved, picture = crop:forward(sized:unsqueeze(1)):select(1, 1) }
end

return parts
