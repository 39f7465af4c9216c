-- Tar files of class folders, or of pictures without classes. Nothing is unpacked.
local classes = require "switchback.data.classes"
local core = require "switchback.core"
local places = require "switchback.data.places"
local set = require "switchback.data.set"

local files, tar = core.files, {}

local LARGEST <const> = 1 << 29 -- bytes of a picture

local WHY <const> = { link = "is a link", other = "is neither a file nor a folder (or not a whole one)" }

-- The name without "./", or nil, message. Members are never written anywhere, but a file whose names lead out
-- of it was not made for pictures.
local function safe(name, kind)
  if WHY[kind] then return nil, ("'%s' %s"):format(name, WHY[kind]) end
  local plain = name:gsub("^%./", "")
  if plain:sub(1, 1) == "/" then return nil, ("'%s' has an absolute name"):format(name) end
  if ("/" .. plain .. "/"):find("/../", 1, true) then return nil, ("'%s' leads outside"):format(name) end
  return plain
end

-- One picture: where it lies in the file, or its bytes, at most `room`.
local function member(a, name, size, offset, room)
  if offset then return { name = name, offset = offset, size = size } end
  if size > room then return nil, ("'%s': far more bytes than the file can have packed"):format(name) end
  local bytes, message = a:read(math.min(LARGEST, room))
  if not bytes then return nil, ("'%s': %s"):format(name, message) end
  return { name = name, bytes = bytes, size = #bytes }
end

-- memory: bytes that pictures which are not read where they lie may take.
local function members(a, memory)
  local list, total = {}, 0
  while true do
    local name, kind, size, offset = a:next()
    if name == false then return list end
    if not name then return nil, kind end
    local plain, message = safe(name, kind)
    if not plain then return nil, message end
    if kind == "file" and classes.is_picture(plain) then
      list[#list + 1], message = member(a, plain, size, offset, memory - total)
      if message then return nil, message end
      total = total + (offset and 0 or list[#list].size)
    end
  end
end

local function gather(list, key)
  local out = {}
  for i, m in ipairs(list) do out[i] = m[key] end
  return out
end

local function pictures(path, list, names)
  local sizes = gather(list, "size")
  if list[1].bytes then return core.pictures.encoded(table.concat(gather(list, "bytes")), sizes, names) end
  return core.pictures.in_file(path, gather(list, "offset"), sizes, names)
end

local function listed(path)
  local a <close>, trouble = core.archive.open(path, "tar")
  if not a then return nil, trouble end
  local list, message = members(a, places.most_unpacked(path))
  if not list then return nil, message end
  if #list == 0 then return nil, "holds no pictures" end
  table.sort(list, function(x, y) return x.name < y.name end)
  return list
end

local function open(path, options)
  local list, message = listed(path)
  if not list then return nil, ("%s: %s"):format(path, message) end
  local function made(names) return pictures(path, list, names) end
  return set.of_files(path, gather(list, "name"), made, options)
end

local function is_tar(path)
  if files.kind(path) ~= "file" then return false end
  return path:match "%.tar$" or path:match "%.tar%.gz$" or path:match "%.tgz$"
end

-- See data.lua.
function tar.find(path, options)
  if is_tar(path) then return open(path, options) end
  local found = places.part(path, options.part, { ".tar", ".tar.gz", ".tgz" }, "file")
  if found then return open(found, options) end
end

return tar
