-- A picture, or a folder of frames, and where what is made of them goes.
local files = require("switchback.core").files
local paths = require "switchback.paths"

local frames = {}

local PICTURES = { png = true, jpg = true, jpeg = true, bmp = true, tga = true, gif = true, ppm = true }

local function extension(name) return (name:match "%.([^./]*)$" or ""):lower() end

-- Names with numbers in them, in the order of the numbers: frame9 before frame10.
local function sort_key(name)
  return (name:gsub("%d+", function(digits) return ("%20s"):format(digits) end))
end

-- list(path) --> paths of the pictures in a folder, sorted, numbers as numbers; { path } for anything else.
-- Raises for a folder without pictures.
function frames.list(path)
  if files.kind(path) ~= "folder" then return { path } end
  local names = {}
  for _, name in ipairs(files.list(path)) do
    if PICTURES[extension(name)] then names[#names + 1] = name end
  end
  if #names == 0 then error(("%s: a folder without pictures"):format(path), 0) end
  table.sort(names, function(a, b)
    local left, right = sort_key(a), sort_key(b)
    return left < right or left == right and a < b
  end)
  for i, name in ipairs(names) do names[i] = path .. "/" .. name end
  return names
end

-- plan(from, to) --> list of { from =, to = }: the one picture, or those of the folder `from` with PNGs of
-- the same names in the folder `to`. Raises where a folder would go into a picture or over itself, and where
-- two frames would become one.
function frames.plan(from, to)
  local list, folder, taken = frames.list(from), files.kind(from) == "folder", {}
  if folder and (PICTURES[extension(to)] or to == from) then
    error(("frames of the folder %s need another folder to go to, got %s"):format(from, to), 0)
  end
  for i, path in ipairs(list) do
    local name = paths.base(path):gsub("%.[^.]*$", ".png")
    if taken[name] then error(("%s and %s would both become %s"):format(taken[name], path, name), 0) end
    list[i], taken[name] = { from = path, to = folder and to .. "/" .. name or to }, path
  end
  return list
end

return frames
