-- Where the project's own files are: models/ (descriptions, labels), scripts/ (recipes).
local files = require("switchback.core").files

-- `require` hands a module the path of its file: FOLDER/switchback/paths.lua.
local _, here = ...
local lualib = here:match "^(.*)/switchback/paths%.lua$" or "."

local paths = {}

-- In the source tree lualib/ lies beside models/ and scripts/; installed, the modules are in
-- PREFIX/share/lua/5.4 and the rest in PREFIX/share/switchback.
local roots = { lualib .. "/..", lualib .. "/../../switchback" }

--- find(name) -> the path of a project file or folder such as "models/googlenet.model.lua", or nil and
-- the list of the paths that were tried.
function paths.find(name)
  local tried = {}
  for i, root in ipairs(roots) do
    tried[i] = root .. "/" .. name
    if files.kind(tried[i]) then return tried[i] end
  end
  return nil, tried
end

--- split(list) -> the folders of a colon-separated list such as an environment variable's (nil: none).
function paths.split(list)
  local folders = {}
  for folder in (list or ""):gmatch "[^:]+" do folders[#folders + 1] = folder end
  return folders
end

-- Where `switchback fetch` puts weights when SWITCHBACK_MODELS names no folder (as the XDG Base Directory
-- Specification has it).
local function user_models()
  local home = os.getenv "HOME"
  local data = os.getenv "XDG_DATA_HOME" or home and home .. "/.local/share"
  return data and data .. "/switchback/models"
end

--- model_folders([list]) -> the folders where weights may lie: those of the colon-separated list, without one
-- those of SWITCHBACK_MODELS and the user's; and the project's models/.
function paths.model_folders(list)
  local folders = paths.split(list or os.getenv "SWITCHBACK_MODELS")
  if not list then folders[#folders + 1] = user_models() end
  folders[#folders + 1] = paths.find "models"
  return folders
end

--- base(path) -> its last component; folder(path) -> what comes before, "." if nothing.
function paths.base(path) return path:match "[^/]*$" end

function paths.folder(path) return path:match "^(.*)/[^/]*$" or "." end

return paths
