-- A table whose fields are the modules of a folder, each loaded when it is first asked for.
local files = require("switchback.core").files
local suggest = require "switchback.suggest"

local function names(folder)
  local list = {}
  for _, entry in ipairs(files.list(folder) or {}) do list[#list + 1] = entry:match "^(.*)%.lua$" end
  table.sort(list)
  return list
end

-- modules(name, path, what) --> table: its field NAME is require(name .. "." .. NAME), from the folder beside
-- the file `path`; name and path are what a module gets as its `...`. Asking for a file that is not there
-- raises "no WHAT is called ...", with near matches.
local function modules(name, path, what)
  local folder = path:gsub("%.lua$", "")
  return setmetatable({}, { __index = function(self, field)
    if type(field) ~= "string" or not files.kind(folder .. "/" .. field .. ".lua") then
      local hint = suggest.hint(tostring(field), names(folder))
      error(("no %s is called '%s'%s"):format(what, tostring(field), hint), 2)
    end
    self[field] = require(name .. "." .. field)
    return self[field]
  end })
end

return { modules = modules }
