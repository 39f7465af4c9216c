-- Descriptions: what a weights file does not say about its network (NAME.model.lua). One returns one
-- Lua table:
--   title, source, licence   text for people
--   weights      file name, or list of them in order of preference, relative to a folder of models
--   prototxt     for Caffe weights: the file beside them that describes the layers
--   network      for .safetensors and .pth: the network of the zoo (zoo.lua) that the tensors are weights of
--   preprocess   see preprocess.lua
--   labels       list of class names, or the name of a text file beside the description with one a line
-- It is data that people send each other: it runs as text only, without any library, for at most
-- STEPS instructions and GROWTH kilobytes.
local file = require "switchback.file"
local files = require("switchback.core").files
local paths = require "switchback.paths"
local suggest = require "switchback.suggest"

local description = {}

local STEPS <const>, GROWTH <const> = 100000, 4096
local SUFFIX <const> = ".model.lua"

local keys = { title = "string", source = "string", licence = "string", weights = "table",
               prototxt = "string", network = "string", preprocess = "table", labels = "table" }
local may_be_text = { weights = true, labels = true }

-- Runs a chunk that can reach nothing: no globals, no string methods, few steps, little memory.
local function run_confined(chunk)
  local thread, steps = coroutine.create(chunk), 0
  local strings, before = getmetatable "", collectgarbage "count"
  local methods = strings.__index
  debug.sethook(thread, function()
    steps = steps + 1
    if steps > STEPS then error("it runs for too long", 2) end
    if collectgarbage "count" - before > GROWTH then error("it takes too much memory", 2) end
  end, "", 1)
  strings.__index = nil
  local ok, result = coroutine.resume(thread)
  strings.__index = methods
  if not ok then return nil, tostring(result) end
  return result
end

local function check(result)
  if type(result) ~= "table" then return "does not return a table" end
  local known = {}
  for key in pairs(keys) do known[#known + 1] = key end
  for key, value in pairs(result) do
    if not keys[key] then
      return ("unknown key '%s'%s"):format(tostring(key), suggest.hint(tostring(key), known))
    end
    if type(value) ~= keys[key] and not (may_be_text[key] and type(value) == "string") then
      return ("%s is a %s, must be a %s"):format(key, type(value), keys[key])
    end
  end
end

--- evaluate(text, name) -> the table that a description's text returns; or nil, message.
function description.evaluate(text, name)
  local chunk, message = load(text, "=" .. name, "t", {})
  if not chunk then return nil, message end
  local result
  result, message = run_confined(chunk)
  if message then return nil, message end
  message = check(result)
  if message then return nil, ("%s: %s"):format(name, message) end
  return result
end

-- One name a line, without the WordNet identifier that lists of ImageNet put before it.
local function read_labels(path)
  local text, message = file.read(path)
  if not text then return nil, message end
  local labels = {}
  for line in text:gmatch "[^\r\n]+" do labels[#labels + 1] = line:gsub("^n%d%d%d%d%d%d%d%d%s+", "") end
  return labels
end

--- labels(value, folder) -> list of class names from such a list, or from a text file relative to
-- `folder`; or nil, message.
function description.labels(value, folder)
  if type(value) == "table" then return value end
  return read_labels(value:find "^/" and value or folder .. "/" .. value)
end

local function as_list(value) return type(value) == "table" and value or { value } end

-- The table that a description's file returns, with `weights` as a list; or nil, message.
local function read_table(path)
  local text, message = file.read(path)
  if not text then return nil, message end
  local d
  d, message = description.evaluate(text, path)
  if not d then return nil, message end
  d.weights = as_list(d.weights)
  return d
end

-- The same with its labels in place of their file's name.
local function with_labels(d, path)
  local message
  if d.labels then d.labels, message = description.labels(d.labels, paths.folder(path)) end
  if message then return nil, ("%s: %s"):format(path, message) end
  return d
end

--- read(path) -> description with `weights` and `labels` as lists; or nil, message.
function description.read(path)
  local d, message = read_table(path)
  if not d then return nil, message end
  return with_labels(d, path)
end

--- named(folders) -> { name = path } of the descriptions in these folders; earlier folders win.
function description.named(folders)
  local found = {}
  for _, folder in ipairs(folders) do
    for _, base in ipairs(files.list(folder) or {}) do
      local name = base:sub(-#SUFFIX) == SUFFIX and base:sub(1, -#SUFFIX - 1)
      if name and not found[name] then found[name] = folder .. "/" .. base end
    end
  end
  return found
end

local function stem(path) return (paths.base(path):gsub("%.[^.]*$", "")) end

--- variants(folders) -> { name = { path =, weights = {..} } } of the files of weights that these descriptions
-- list, each by its own name: how one description can stand for a family ("family/a.onnx" is called a).
function description.variants(folders)
  local found = {}
  for _, path in pairs(description.named(folders)) do
    for _, weights in ipairs((read_table(path) or {}).weights or {}) do
      local name = stem(weights)
      found[name] = found[name] or { path = path, weights = {} }
      if found[name].path == path then table.insert(found[name].weights, weights) end
    end
  end
  return found
end

--- beside(path) -> path of the side file of a weights file (NAME.model.lua for NAME.onnx), or nil.
function description.beside(path)
  local side = path:gsub("%.[^./]*$", "") .. SUFFIX
  return files.kind(side) and side or nil
end

local function offers(d, base)
  for _, weights in ipairs(d.weights) do
    if type(weights) == "string" and paths.base(weights) == base then return true end
  end
  return false
end

--- for_weights(path, folders) -> the description of a weights file: its side file, else the one in
-- `folders` that has a file of this name among its weights; nil if there is none; nil, message if the
-- side file is bad.
function description.for_weights(path, folders)
  local side = description.beside(path)
  if side then return description.read(side) end
  for _, candidate in pairs(description.named(folders)) do
    local d = read_table(candidate)
    if d and offers(d, paths.base(path)) then return with_labels(d, candidate) end
  end
end

return description
