-- idx files, as MNIST has them (LeCun, Cortes & Burges): pictures and their labels, plain or .gz.
local classes = require "switchback.data.classes"
local core = require "switchback.core"
local file = require "switchback.file"
local files = core.files
local places = require "switchback.data.places"
local set = require "switchback.data.set"

local idx = {}

local LARGEST <const> = 1 << 32 -- bytes of an unpacked file
local PREFIX <const> = { train = "train", test = "t10k", val = "t10k" }
local FASHION <const> = { "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker",
  "bag", "ankle boot" } -- Xiao, Rasul & Vollgraf 2017
local DIGITS <const> = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" }

local function unpacked(path)
  local a <close>, message = core.archive.open(path, "gzip")
  if not a then return nil, ("%s: %s"):format(path, message) end
  local name, trouble = a:next()
  local bytes
  if name then bytes, trouble = a:read(places.most_unpacked(path)) end
  if not bytes then return nil, ("%s: %s"):format(path, trouble or "the file is empty") end
  return bytes
end

local function contents(path)
  if path:match "%.gz$" then return unpacked(path) end
  return file.read(path, LARGEST)
end

-- read(path, rank) --> bytes, extents (a list of `rank`), position of the first element; or nil, message.
local function read(path, rank)
  local bytes, message = contents(path)
  if not bytes then return nil, message end
  local start = 4 + 4 * rank
  if #bytes < start then return nil, path .. ": the idx file is cut short" end
  local zero, kind, found = string.unpack(">I2BB", bytes)
  if zero ~= 0 or kind ~= 8 or found ~= rank then
    return nil, ("%s: expected an idx file of bytes with %d dimensions"):format(path, rank)
  end
  local extents = { string.unpack(">" .. ("I4"):rep(rank), bytes, 5) }
  local count = 1
  for i = 1, rank do count = count * extents[i] end
  if #bytes - start ~= count or count < 1 then
    return nil, ("%s: %d bytes follow the header, which tells %d"):format(path, #bytes - start, count)
  end
  return bytes, extents, start
end

local function read_labels(path, count, names)
  local bytes, extents, start = read(path, 1)
  if not bytes then return nil, extents end
  if extents[1] ~= count then
    return nil, ("%s: %d labels for %d pictures"):format(path, extents[1], count)
  end
  local labels = {}
  for i = 1, count do
    labels[i] = bytes:byte(start + i) + 1
    if labels[i] > #names then
      return nil, ("%s: label %d is %d, classes are 0 to %d"):format(path, i, labels[i] - 1, #names - 1)
    end
  end
  return labels
end

local function open(path, options)
  local bytes, extents, start = read(path, 3)
  if not bytes then return nil, extents end
  local count, h, w = table.unpack(extents, 1, 3)
  if h > 32768 or w > 32768 then return nil, ("%s: pictures of %dx%d"):format(path, h, w) end
  local given = classes.given(options.classes)
  local names = given and given.names or path:lower():find "fashion" and FASHION or DIGITS
  local labels, message = read_labels(path:gsub("images([-.])idx3", "labels%1idx1"), count, names)
  if not labels then return nil, message end
  local pictures = core.pictures.raw({ bytes }, start, 0, h * w, "planar", 1, h, w)
  return set.new { name = places.base(path), pictures = pictures, channels = options.channels or 1,
    labels = labels, classes = names }
end

-- See data.lua.
function idx.find(path, options)
  if path:match "images[-.]idx3[^/]*$" then return open(path, options) end
  if files.kind(path) ~= "folder" then return nil end
  for _, ending in ipairs { "-images-idx3-ubyte", "-images.idx3-ubyte" } do
    for _, packed in ipairs { "", ".gz" } do
      local name = ("%s/%s%s%s"):format(path, PREFIX[options.part], ending, packed)
      if files.kind(name) == "file" then return open(name, options) end
    end
  end
end

return idx
