-- PyTorch's files before version 1.6 (torch/serialization.py, _legacy_save and _legacy_load): pickles of a
-- magic number, the version, facts about the machine, the object, and the keys of its storages; then the
-- storages, in the order of the keys, each as its number of elements (8 bytes) and the elements.
local containers = require "switchback.formats.torch.containers"
local names = require "switchback.formats.torch.names"
local pickle = require "switchback.formats.torch.pickle"
local storages = require "switchback.formats.torch.storages"

local legacy = {}

local VERSION <const> = 1001
local PICKLES <const> = 1 << 24 -- bytes
local COUNT_BYTES <const> = 8

legacy.magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" -- as it is pickled: 0x1950a86a20f9469cfc6c

local function fail(format, ...) error(format:format(...), 0) end

-- The type, key, size and part of a storage, from the id ("storage", type, key, location, elements, part).
local function storage_id(id)
  if type(id) ~= "table" or id[1] ~= "storage" or type(id[2]) ~= "table" or not id[2].dtype then
    fail "refers to what is neither a tensor's storage nor a part of one"
  end
  return id[2].dtype, tostring(id[3]), id[5], id[6]
end

-- Runs the pickle of the object; build and persistent make its tensors and storages.
local function read_object(text, at, persistent, build)
  local made = containers.new()
  return pickle.run(text, at, { containers = made, find = names.new(made, build), persistent = persistent })
end

-- A first reading, for what the object says about its storages: { key = dtype }, position behind it.
local function survey(text, at)
  local found = {}
  local _, after = read_object(text, at, function(id)
    local dtype, key = storage_id(id)
    found[key] = dtype
    return { dtype = dtype }
  end, function() return false end)
  return found, after
end

-- { key = storage }: where each lies in the file.
local function place_all(mapped, at, keys, found, placed)
  local list = {}
  for _, key in ipairs(keys) do
    key = tostring(key)
    local dtype = found[key] or fail("storage '%s' belongs to no tensor", key)
    if #mapped - at + 1 < COUNT_BYTES then fail("cut short before storage '%s'", key) end
    local elements = string.unpack("<i8", mapped:sub(at, at + COUNT_BYTES - 1))
    list[key] = placed:place(key, dtype, elements, mapped, at + COUNT_BYTES, #mapped)
    at = at + COUNT_BYTES + elements * list[key].size
  end
  return list
end

local function persistent(list, placed)
  return function(id)
    local _, key, _, part = storage_id(id)
    local storage = list[key] or fail("the data of storage '%s' is missing", key)
    if type(part) ~= "table" or part == containers.none then return storage end
    return placed:part(storage, part[2], part[3])
  end
end

local function read_head(text)
  local world = { containers = containers.new(), find = function() end, persistent = storage_id }
  local _, at = pickle.run(text, 1, world)
  local version, machine
  version, at = pickle.run(text, at, world)
  if version ~= VERSION then fail("of version %s, %d is known", tostring(version), VERSION) end
  machine, at = pickle.run(text, at, world)
  local swapped = type(machine) == "table" and machine.little_endian == false
  if swapped then fail "written by a big-endian machine" end
  return at
end

--- read(mapped) --> the object that the file of these bytes (core.bytes) holds. Raises what is wrong.
function legacy.read(mapped)
  local text = mapped:sub(1, PICKLES)
  local at = read_head(text)
  local found, behind = survey(text, at)
  local world = { containers = containers.new(), find = function() end, persistent = storage_id }
  local keys, data = pickle.run(text, behind, world)
  if type(keys) ~= "table" then fail "the list of its storages is missing" end
  local placed = storages.new(#mapped)
  local list = place_all(mapped, data, keys, found, placed)
  local function build(...) return placed:tensor(...) end
  return (read_object(text, at, persistent(list, placed), build))
end

return legacy
