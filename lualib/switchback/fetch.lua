-- Weights from their publishers' servers into the folder of models, where sb.load finds them.
local catalog = require "switchback.catalog"
local check = require "switchback.check"
local core = require("switchback.core").fetch
local file = require "switchback.file"
local files = require("switchback.core").files
local paths = require "switchback.paths"
local suggest = require "switchback.suggest"

local fetch = {}

local LARGEST <const> = 1 << 32 -- bytes of a file
local BREAKS <const> = 5 -- of the connection that are mended, as long as each time something arrives

local OPTIONS = { folder = false, mirror = false, progress = function() end }

local function fail(format, ...) error(format:format(...), 0) end

-- names() --> the sorted names of all weights that can be fetched.
function fetch.names()
  local names = {}
  for name in pairs(catalog) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- entry(name) --> { file =, url =, sha256 = the digest or how it begins }. Raises for unknown names.
function fetch.entry(name)
  return catalog[name] or fail("no weights are called '%s'%s; known: %s", name,
    suggest.hint(name, fetch.names()), table.concat(fetch.names(), ", "))
end

-- sha256(path) --> the digest of a file, 64 hexadecimal digits; or nil, message.
function fetch.sha256(path)
  local f <close>, message = io.open(path, "rb")
  if not f then return nil, message end
  local digest, trouble = core.sha256(f)
  if not digest then return nil, ("%s: %s"):format(path, trouble) end
  return digest
end

-- Whether a file has the digest (or one that begins so), and the digest it has.
local function matches(path, wanted)
  local digest = assert(fetch.sha256(path))
  return digest:sub(1, #wanted) == wanted, digest
end

local function size_of(path)
  local f <close> = io.open(path, "rb")
  return f and f:seek "end" or 0
end

-- One transfer of what a part still lacks: true; or nil, message, how it ended. The part keeps what came.
local function transfer(url, part, from, progress)
  local f <close>, message = io.open(part, from > 0 and "ab" or "wb")
  if not f then return nil, message, "failed" end
  return core.get(url, f, from, LARGEST, progress)
end

local function give_up(url, part, message)
  local kept = size_of(part)
  if kept == 0 then
    os.remove(part)
    fail("%s: %s", url, message)
  end
  fail("%s: %s; %d bytes are kept in %s, and the same command goes on from there", url, message, kept, part)
end

-- Fetches until the part is whole. What the server cannot go on with (it answers that a part of that size is
-- none, or sends whole files only) is begun anew.
local function complete(url, part, progress)
  local breaks = 0
  while true do
    local from = size_of(part)
    local ok, message, ended, status = transfer(url, part, from, progress)
    if ok then return end
    if from > 0 and (ended == "whole" or status == 416) then
      os.remove(part)
    elseif ended == "cut" and size_of(part) > from and breaks < BREAKS then
      breaks = breaks + 1
    else
      give_up(url, part, message)
    end
  end
end

-- A part that was begun at another time may be of another file: then it is fetched once more, whole.
local function fetch_checked(url, part, wanted, progress)
  local resumed = size_of(part) > 0
  complete(url, part, progress)
  local ok, digest = matches(part, wanted)
  if ok then return end
  os.remove(part)
  if resumed then return fetch_checked(url, part, wanted, progress) end
  fail("%s: what came has the SHA-256 %s, it should begin with %s; nothing was kept", url, digest, wanted)
end

-- The folder that weights go to: the first of SWITCHBACK_MODELS, or else the user's.
local function default_folder() return paths.model_folders()[1] end

--- run(name [, options]) --> path of the weights, and whether they were there already. Fetches them into
-- NAME.part beside it, which a later call goes on with, and renames it when the SHA-256 is right. options:
--   folder    where they go; default: the first folder of SWITCHBACK_MODELS, or else the user's
--             (XDG_DATA_HOME or ~/.local/share, /switchback/models)
--   mirror    address of a folder that has the same files: "http://server/models/"
--   progress  function(done, total) in bytes; total is 0 while it is not known
-- Raises for unknown names, wrong digests, and what the server or the disk refuse.
function fetch.run(name, options)
  local entry = fetch.entry(name)
  options = check.options("fetch", options, OPTIONS)
  local folder = options.folder or default_folder() or fail "no folder to put weights in: give one"
  local path = folder .. "/" .. entry.file
  if files.kind(path) then
    local ok, digest = matches(path, entry.sha256)
    if ok then return path, true end
    fail("%s is there, but its SHA-256 is %s and should begin with %s; remove it first", path, digest,
      entry.sha256)
  end
  assert(file.make_folders(folder))
  local url = options.mirror and options.mirror:gsub("/?$", "/", 1) .. entry.file or entry.url
  fetch_checked(url, path .. ".part", entry.sha256, options.progress)
  assert(os.rename(path .. ".part", path))
  return path, false
end

return fetch
