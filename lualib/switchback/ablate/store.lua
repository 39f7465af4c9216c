-- What an ablation has found so far, as a file of JSON that is written whole or not at all.
local cjson = require "cjson.safe"
local checkpoint = require "switchback.checkpoint"
local core = require "switchback.core"
local file = require "switchback.file"
local json = require "switchback.json"

local store = {}

local FORMAT <const> = "switchback ablation 1"
local DIGITS <const> = 17 -- numbers are read back to the last bit

-- run_of(done, name, seed) --> the run of that variant from that seed, or nil.
function store.run_of(done, name, seed)
  for _, run in ipairs(done[name] or {}) do
    if run.seed == seed then return run end
  end
end

-- add(done, name, run) files it.
function store.add(done, name, run)
  done[name] = done[name] or {}
  table.insert(done[name], run)
end

-- checkpoint(path, name, seed) --> the file of the training of that variant from that seed.
function store.checkpoint(path, name, seed)
  return ("%s-%s-seed%d.checkpoint"):format(path:gsub("%.[^./]*$", ""), name:gsub("[^%w.:]+", "_"), seed)
end

-- save(path, settings, done): settings { name = text }, done { variant = list of runs }. Raises if it cannot.
function store.save(path, settings, done)
  assert(file.make_folders(require("switchback.paths").folder(path)))
  local content = { format = FORMAT, settings = settings, done = done }
  assert(file.write(path, json.encode(content, DIGITS) .. "\n"))
end

-- load(path, settings) --> done; nil if there is no such file. Raises for a file that is none of these, and
-- for one with other settings.
function store.load(path, settings)
  if not core.files.kind(path) then return nil end
  local content = cjson.decode((assert(file.read(path))))
  if type(content) ~= "table" or content.format ~= FORMAT or type(content.settings) ~= "table" then
    error(path .. ": not a table of an ablation", 0)
  end
  checkpoint.check(path, content.settings, settings)
  for _, runs in pairs(content.done) do
    for _, run in ipairs(runs) do run.seed = math.tointeger(run.seed) end
  end
  return content.done
end

return store
