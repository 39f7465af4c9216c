-- Recipes: files that become commands.
--
-- A recipe's file returns a table:
--   summary   one line, shown by switchback --help
--   about     text shown below it by the recipe's own --help (optional)
--   options   see options.lua
--   run       function(values, report) --> result, a table for --json; see report.lua
-- The command's name is the file's.
local core = require "switchback.core"
local options = require "switchback.options"
local paths = require "switchback.paths"
local suggest = require "switchback.suggest"

local recipe = {}

-- The folders that hold recipes; the first that has a name wins.
local function folders()
  local list = paths.split(os.getenv "SWITCHBACK_RECIPES")
  list[#list + 1] = paths.find "scripts"
  return list
end

-- all() --> { name = path }, sorted list of the names.
function recipe.all()
  local found, names = {}, {}
  for _, folder in ipairs(folders()) do
    for _, entry in ipairs(core.files.list(folder) or {}) do
      local name = entry:match "^(.*)%.lua$"
      if name and not found[name] then
        found[name], names[#names + 1] = folder .. "/" .. entry, name
      end
    end
  end
  table.sort(names)
  return found, names
end

-- find(name) --> path. Raises, with near names, if there is none.
function recipe.find(name)
  local found, names = recipe.all()
  if found[name] then return found[name] end
  local hint = suggest.hint(name, names)
  error(("no recipe is called '%s'%s (switchback --help lists them)"):format(name, hint), 0)
end

local FIELDS <const> = { { "summary", "string" }, { "options", "table" }, { "run", "function" },
                         { "about", "string" } }

-- load(path) --> the recipe's table, with its name and parser. Raises if it is not a recipe.
function recipe.load(path)
  local chunk, message = loadfile(path, "t")
  if not chunk then error(message, 0) end
  local declared = chunk()
  if type(declared) ~= "table" then error(path .. ": a recipe's file must return a table", 0) end
  for _, field_and_kind in ipairs(FIELDS) do
    local field, kind = table.unpack(field_and_kind)
    local got = type(declared[field])
    if got ~= kind and not (field == "about" and got == "nil") then
      error(("%s: '%s' must be a %s, got %s"):format(path, field, kind, got), 0)
    end
  end
  declared.name = paths.base(path):gsub("%.lua$", "")
  local intro = declared.about and declared.summary .. "\n\n" .. declared.about or declared.summary
  declared.parser = options.parser(declared.name, intro, declared.options)
  return declared
end

-- listing() --> a line of text for each recipe.
function recipe.listing()
  local found, names = recipe.all()
  local lines, width = {}, 0
  for _, name in ipairs(names) do width = math.max(width, #name) end
  for i, name in ipairs(names) do
    local ok, loaded = pcall(recipe.load, found[name])
    local text = ok and loaded.summary or "(does not load: " .. loaded .. ")"
    lines[i] = ("  %-" .. width .. "s  %s\n"):format(name, text)
  end
  return table.concat(lines)
end

-- Where in the source an error arose matters only when the code itself is wrong.
local function plain(message)
  message = tostring(message)
  local bare = message:match "^[^\n:]+:%d+: (.*)$"
  if not bare or bare:find "^attempt to" or bare:find "^bad argument" then return message end
  return bare
end

local function explain(message)
  if os.getenv "SWITCHBACK_TRACE" then return debug.traceback(tostring(message), 2) end
  return plain(message)
end

local function execute(path, arguments)
  local r = recipe.load(path)
  local values, message = options.parse(r.parser, arguments)
  if not values then error(message, 0) end
  if values.threads then require("switchback").threads(values.threads) end
  local report = require("switchback.report").new(values)
  report:finish(r.run(values, report))
end

-- run(path, arguments) runs a recipe. When it fails, one line on standard error says why and the program
-- ends with status 1; with SWITCHBACK_TRACE set the line is followed by a traceback.
function recipe.run(path, arguments)
  local ok, message = xpcall(execute, explain, path, arguments)
  if ok then return end
  local prefix = paths.base(path):gsub("%.lua$", "") .. ": "
  if message:sub(1, #prefix) == prefix then prefix = "" end -- of a method with the recipe's name
  io.stdout:flush()
  local erase = core.system.columns(io.stderr) and "\r\27[K" or "" -- what a progress line left
  io.stderr:write(erase, "switchback ", prefix, message, "\n")
  os.exit(false, true)
end

return recipe
