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

return places
