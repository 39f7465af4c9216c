-- Where data sets lie.
local files = require("switchback.core").files

local places = {}

local NAMES <const> = { train = { "train" }, test = { "test", "val" }, val = { "val", "test" } }

--- part(folder, part, endings, kind) --> the path of the file or folder (`kind`) that holds the part "train",
-- "test" or "val" of a data set: that word with one of these endings; nil when there is none.
function places.part(folder, part, endings, kind)
  for _, name in ipairs(NAMES[part]) do
    for _, ending in ipairs(endings) do
      local path = ("%s/%s%s"):format(folder, name, ending)
      if files.kind(path) == kind then return path end
    end
  end
end

--- above(path) --> the folder that a file or folder lies in.
function places.above(path)
  path = path:gsub("/+$", "")
  local above = path:match "^(.*)/[^/]*$"
  if above == "" then return "/" end
  return above or "."
end

--- base(path) --> the last part of a path.
function places.base(path) return path:gsub("/+$", ""):match "[^/]*$" end

--- most_unpacked(path) --> the bytes that a compressed file may come to: 64 MB and 50 times its size. Flat
-- pictures are packed that well; a file of zeros is packed to a thousandth, and fills the memory.
function places.most_unpacked(path)
  local f = io.open(path, "rb")
  local size = f and f:seek "end" or 0
  if f then f:close() end
  return (64 << 20) + 50 * size
end

return places
