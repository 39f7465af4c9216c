-- Which class a picture belongs to, by the folder it lies in.
local file = require "switchback.file"

local classes = {}

local PICTURE <const> = { jpg = true, jpeg = true, png = true, bmp = true, gif = true, tga = true, ppm = true,
  pgm = true, pnm = true }

--- is_picture(name) --> whether a file's name ends as image files' names do, and is not hidden.
function classes.is_picture(name)
  local base = name:match "[^/]*$"
  local extension = base:match "%.(%w+)$"
  return base:sub(1, 1) ~= "." and PICTURE[(extension or ""):lower()] or false
end

-- "n01440764<tab>tench", "n01440764 tench" (a WordNet number), or "guinea pig", which is both.
local function entry(line)
  local folder, name = line:match "^([^\t]+)\t%s*(.-)%s*$"
  if not folder then
    folder, name = line:match "^(n%d%d%d%d%d%d%d%d)%s+(.-)%s*$"
  end
  if folder then return folder, name end
  line = line:match "^%s*(.-)%s*$"
  return line, line
end

--- parse(text, path) --> { folders =, names = }, lists in the order of lines; or nil, message.
function classes.parse(text, path)
  local list = { folders = {}, names = {} }
  local seen = {}
  for line in text:gmatch "[^\r\n]+" do
    local folder, name = entry(line)
    if seen[folder] then return nil, ("%s: lists '%s' twice"):format(path, folder) end
    if folder ~= "" then
      seen[folder] = true
      table.insert(list.folders, folder)
      table.insert(list.names, name)
    end
  end
  if #list.names == 0 then return nil, path .. ": lists no classes" end
  return list
end

--- given(classes) --> { folders =, names = } of a list of names, or of what parse answered; or nil.
function classes.given(list)
  if not list then return nil end
  return list.names and list or { folders = list, names = list }
end

--- beside(path...) --> the same from the first of these folders that holds classes.txt; nil if none does; or
-- nil, message.
function classes.beside(...)
  for _, folder in ipairs { ... } do
    local path = folder .. "/classes.txt"
    local text = file.read(path, 1 << 24)
    if text then return classes.parse(text, path) end
  end
end

local function set_of(list)
  local set = {}
  for i, value in ipairs(list) do set[value] = i end
  return set
end

-- How many leading folders all names share, unless they are a class.
local function shared_depth(names, known)
  local depth, first = 0, names[1]
  for folder in first:gmatch "([^/]+)/" do
    local prefix = first:match("^" .. ("[^/]+/"):rep(depth + 1))
    if known[folder] then return depth end
    for _, name in ipairs(names) do
      if name:sub(1, #prefix) ~= prefix then return depth end
    end
    depth = depth + 1
  end
  return depth
end

local function folder_of(name, depth) return name:match("^" .. ("[^/]+/"):rep(depth) .. "([^/]+)/") end

local function sorted_folders(names, depth)
  local seen, list = {}, {}
  for _, name in ipairs(names) do
    local folder = folder_of(name, depth)
    if folder and not seen[folder] then
      seen[folder] = true
      table.insert(list, folder)
    end
  end
  table.sort(list)
  return list
end

--- of(names, listed, path) --> labels (a list of class numbers), { folders =, names = }; nothing when the
-- pictures of these names ("folder/.../picture.jpg") lie in one folder that is no class; or nil, message.
-- listed: the classes in their order, or nil: the folders, sorted. Folders that all names share do not count.
function classes.of(names, listed, path)
  local depth = shared_depth(names, listed and set_of(listed.folders) or {})
  local folders = sorted_folders(names, depth)
  if #folders == 0 then return end
  listed = listed or { folders = folders, names = folders }
  local known, labels = set_of(listed.folders), {}
  for i, name in ipairs(names) do
    local folder = folder_of(name, depth)
    labels[i] = known[folder]
    if not folder then
      return nil, ("%s: %s lies in no class folder, but others do: in %s"):format(path, name, folders[1])
    end
    if not labels[i] then return nil, ("%s: folder '%s' is not in classes.txt"):format(path, folder) end
  end
  return labels, listed
end

return classes
