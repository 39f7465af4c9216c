-- Folders of class folders, or of pictures without classes.
local classes = require "switchback.data.classes"
local core = require "switchback.core"
local files = core.files
local places = require "switchback.data.places"
local set = require "switchback.data.set"

local folder = {}

local DEEPEST <const> = 8 -- folders within folders; links can make circles

local function collect(names, root, prefix, depth)
  local entries = files.list(root .. "/" .. prefix) or {}
  table.sort(entries)
  for _, entry in ipairs(entries) do
    local name = prefix .. entry
    local kind = files.kind(root .. "/" .. name)
    if kind == "folder" and depth < DEEPEST then
      collect(names, root, name .. "/", depth + 1)
    elseif kind == "file" and classes.is_picture(entry) then
      table.insert(names, name)
    end
  end
  return names
end

local function open(path, options)
  local names = collect({}, path, "", 1)
  if #names == 0 then return nil, path .. ": holds no pictures" end
  table.sort(names)
  local function pictures(joined) return core.pictures.in_folder(path, #names, joined) end
  return set.of_files(path, names, pictures, options)
end

-- See data.lua.
function folder.find(path, options)
  if files.kind(path) ~= "folder" then return nil end
  local train = places.part(path, "train", { "" }, "folder")
  local found = train and places.part(path, options.part, { "" }, "folder")
  if train and not found then return nil, ("%s: holds no folder '%s'"):format(path, options.part) end
  return open(found or path, options)
end

return folder
