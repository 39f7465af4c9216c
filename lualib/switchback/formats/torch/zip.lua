-- PyTorch's files since version 1.6: a zip of NAME/data.pkl, a pickle, and the storages that it refers to,
-- NAME/data/KEY (torch/serialization.py, _save and _load).
local containers = require "switchback.formats.torch.containers"
local core = require "switchback.core"
local names = require "switchback.formats.torch.names"
local pickle = require "switchback.formats.torch.pickle"
local storages = require "switchback.formats.torch.storages"

local zip = {}

-- Members are not compressed by PyTorch. Files that were zipped again are read, but trained weights hardly
-- shrink, so one that grows to many times its size is no such file.
local UNPACKED <const>, SPARE <const> = 4, 1 << 16
local PICKLE <const> = 1 << 24 -- bytes; one of 10,000 tensors takes 2 million

local function fail(format, ...) error(format:format(...), 0) end

-- A member's bytes: where they are in the file, or unpacked; first and last position, and what is left to be
-- unpacked.
local function place(archive, mapped, size, offset, left)
  if offset then
    local ok, message = archive:check()
    if not ok then return nil, message end
    return { bytes = mapped, first = offset + 1, last = offset + size }, left
  end
  local text, message = archive:read(left)
  if not text then return nil, message end
  return { bytes = core.bytes.copy(text), first = 1, last = #text }, left - #text
end

local function check_name(name, found)
  if name:find "^[/\\]" or ("/" .. name .. "/"):find "[/\\]%.%.[/\\]" then
    fail("refuses the member '%s': its name leads out of the archive", name)
  end
  if found[name] then fail("has two members '%s'", name) end
end

-- { name = { bytes =, first =, last = } } of all files in the archive.
local function members(path, mapped)
  local archive <close>, trouble = core.archive.open(path, "zip")
  if not archive then fail("not a zip file, or cut short: %s", trouble) end
  local found, left = {}, UNPACKED * #mapped + SPARE
  while true do
    local name, kind, size, offset = archive:next()
    if name == false then return found end
    if not name then fail("damaged, or cut short: %s", kind) end
    check_name(name, found)
    if kind == "file" then
      local at, more = place(archive, mapped, size, offset, left)
      if not at then fail("member '%s': %s", name, more) end
      found[name], left = at, more
    elseif kind ~= "folder" then
      fail("member '%s' is not a plain file", name)
    end
  end
end

local function text(member, name)
  if member.last - member.first >= PICKLE then fail("%s has more than %d bytes", name, PICKLE) end
  return member.bytes:sub(member.first, member.last)
end

-- The folder of the archive that has the pickle.
local function find_root(found)
  local root
  for name in pairs(found) do
    local folder = name:match "^(.*/)data%.pkl$" or name == "data.pkl" and ""
    if folder and root then fail "has more than one data.pkl" end
    root = folder or root
  end
  if not root then fail "a zip file, but not of PyTorch: it has no data.pkl" end
  if found[root .. "constants.pkl"] then
    fail "a TorchScript program; save the state_dict() of the module that it was made from"
  end
  local order = found[root .. "byteorder"]
  if order and not text(order, "byteorder"):find "^little" then fail "written by a big-endian machine" end
  return root
end

-- The storage that a persistent id ("storage", type, key, location, elements) refers to.
local function persistent(found, root, placed)
  local known = {}
  return function(id)
    if type(id) ~= "table" or id[1] ~= "storage" or type(id[2]) ~= "table" or not id[2].dtype then
      fail "refers to what is no storage"
    end
    local key = tostring(id[3])
    local member = found[root .. "data/" .. key] or fail("the data of storage '%s' is missing", key)
    known[key] = known[key] or placed:place(key, id[2].dtype, id[5], member.bytes, member.first, member.last)
    return known[key]
  end
end

--- read(path, mapped) --> the object that the file of these bytes (core.bytes) holds. Raises what is wrong.
function zip.read(path, mapped)
  local found = members(path, mapped)
  local root = find_root(found)
  local made, placed = containers.new(), storages.new(#mapped)
  local function build(...) return placed:tensor(...) end
  return (pickle.run(text(found[root .. "data.pkl"], "data.pkl"), 1, { containers = made,
    find = names.new(made, build), persistent = persistent(found, root, placed) }))
end

return zip
