-- The methods of visualisation, by name: sb.vis.saliency(net, image, options) --> result. Each is a file of
-- the folder vis/, loaded when it is first asked for.
local files = require("switchback.core").files
local suggest = require "switchback.suggest"

local _, here = ...
local folder = here:gsub("%.lua$", "")

local function names()
  local list = {}
  for _, entry in ipairs(files.list(folder) or {}) do list[#list + 1] = entry:match "^(.*)%.lua$" end
  table.sort(list)
  return list
end

local function load_method(self, name)
  if type(name) ~= "string" or not files.kind(folder .. "/" .. name .. ".lua") then
    error(("no method is called '%s'%s"):format(tostring(name), suggest.hint(tostring(name), names())), 2)
  end
  self[name] = require("switchback.vis." .. name)
  return self[name]
end

return setmetatable({}, { __index = load_method })
