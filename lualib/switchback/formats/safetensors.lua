-- safetensors: named tensors in one file (https://huggingface.co/docs/safetensors).
-- Layout: 8 bytes little-endian length N, N bytes of JSON header, then the tensors' bytes.
-- The header maps names to { dtype, shape, data_offsets = {first, last} }, offsets counted from
-- the end of the header; the entry `__metadata__` maps strings to strings.
local cjson = require "cjson.safe"
local bytes = require("switchback.core").bytes
local core = require("switchback.core").safetensors
local file = require "switchback.file"
local half = require("switchback.core").half
local sorted = require "switchback.keys"

local safetensors = {}

local LENGTH_BYTES <const> = 8 -- the header's length, before the header
local ALIGNMENT <const> = 8 -- of the data section in files that we write

local function is_offset(n)
  return type(n) == "number" and math.tointeger(n) ~= nil and n >= 0
end

local function is_list_of_offsets(list)
  if type(list) ~= "table" then return false end
  for key, n in pairs(list) do
    if not (math.type(key) == "integer" and key <= #list and is_offset(n)) then return false end
  end
  return true
end

local function check_entry(entry)
  if type(entry) ~= "table" or type(entry.dtype) ~= "string" then return "has no dtype" end
  if not is_list_of_offsets(entry.shape) then return "has no valid shape" end
  if #entry.shape > 6 then return "has more than 6 dimensions" end
  local at = entry.data_offsets
  if not is_list_of_offsets(at) or #at ~= 2 then return "has no valid data_offsets" end
end

-- Two tensors over the same bytes are no file that a writer makes, and a way to claim more
-- memory than the file has.
local function find_overlap(entries)
  local names = {}
  for name, entry in pairs(entries) do
    if entry.data_offsets[2] > entry.data_offsets[1] then names[#names + 1] = name end
  end
  table.sort(names, function(a, b)
    return entries[a].data_offsets[1] < entries[b].data_offsets[1]
  end)
  for i = 2, #names do
    if entries[names[i]].data_offsets[1] < entries[names[i - 1]].data_offsets[2] then
      return ("tensors '%s' and '%s' overlap"):format(names[i - 1], names[i])
    end
  end
end

-- header text -> { name = entry }, metadata; or nil, message.
local function parse_header(text)
  local entries, message = cjson.decode(text)
  if type(entries) ~= "table" then
    return nil, "not a safetensors file: bad header: " .. (message or "not an object")
  end
  local metadata = entries.__metadata__
  entries.__metadata__ = nil
  for name, entry in pairs(entries) do
    local trouble = type(name) == "string" and check_entry(entry) or nil
    if type(name) ~= "string" then return nil, "not a safetensors file: the header is a list" end
    if trouble then return nil, ("tensor '%s' %s"):format(name, trouble) end
  end
  local overlap = find_overlap(entries)
  if overlap then return nil, overlap end
  return entries, type(metadata) == "table" and metadata or {}
end

local function integers(list)
  local out = {}
  for i, n in ipairs(list) do out[i] = math.tointeger(n) end
  return out
end

-- The tensor of an entry; `data` is the number of bytes before the data section. Or nil, message.
local function read_tensor(mapped, data, entry)
  local at, shape = integers(entry.data_offsets), integers(entry.shape)
  local t, message = mapped:tensor(entry.dtype, data + at[1] + 1, data + at[2], shape)
  if not t then return nil, message end
  if t:count() * bytes.element_size(entry.dtype) ~= at[2] - at[1] then
    return nil, "its length does not fit the shape"
  end
  return t
end

-- --> the mapped file, its header's text, the number of bytes before the data section; or nil, message.
local function open(path)
  local mapped, message = bytes.map(path)
  if not mapped then return nil, message end
  if #mapped < LENGTH_BYTES then return nil, path .. ": too short for a safetensors file" end
  local length = string.unpack("<i8", mapped:sub(1, LENGTH_BYTES))
  if length < 0 or length > #mapped - LENGTH_BYTES then
    return nil, path .. ": not a safetensors file, or cut short: the header ends past its end"
  end
  return mapped, mapped:sub(LENGTH_BYTES + 1, LENGTH_BYTES + length), LENGTH_BYTES + length
end

--- Reads tensors from a file: load(path [, names]) -> { name = tensor }, metadata; or nil, message.
-- names: a list of the tensors wanted; default all of them. metadata: { string = string }, perhaps
-- empty. F32 tensors look into the memory-mapped file (nothing is read until it is used, changes
-- stay in memory); F64, F16, BF16, I64, I32, I16, I8, U8 and BOOL are converted to float32.
function safetensors.load(path, names)
  local mapped, text, data = open(path)
  if not mapped then return nil, text end
  local entries, metadata = parse_header(text)
  if not entries then return nil, ("%s: %s"):format(path, metadata) end
  local tensors = {}
  for _, name in ipairs(names or sorted(entries)) do
    if not entries[name] then return nil, ("%s: has no tensor '%s'"):format(path, name) end
    local tensor, message = read_tensor(mapped, data, entries[name])
    if not tensor then return nil, ("%s: tensor '%s': %s"):format(path, name, message) end
    tensors[name] = tensor
  end
  return tensors, metadata
end

local function encode_metadata(metadata)
  local parts = {}
  for _, key in ipairs(sorted(metadata)) do
    parts[#parts + 1] = cjson.encode(key) .. ":" .. cjson.encode(tostring(metadata[key]))
  end
  return '"__metadata__":{' .. table.concat(parts, ",") .. "}"
end

-- Written by hand rather than by cjson, so that equal tensors give equal bytes.
local function encode_header(tensors, names, metadata)
  local parts, first = { metadata and encode_metadata(metadata) }, 0
  for _, name in ipairs(names) do
    local t = tensors[name]
    local last = first + t:count() * (half.is(t) and 2 or 4)
    parts[#parts + 1] = ('%s:{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(
      cjson.encode(name), half.is(t) and "F16" or "F32", table.concat(t:size(), ","), first, last)
    first = last
  end
  local text = "{" .. table.concat(parts, ",") .. "}"
  return text .. (" "):rep(-#text % ALIGNMENT)
end

-- By name, halves after all others, so that these stay aligned in the file.
local function storage_order(tensors)
  local names, halves = {}, {}
  for _, name in ipairs(sorted(tensors)) do
    table.insert(half.is(tensors[name]) and halves or names, name)
  end
  return table.move(halves, 1, #halves, #names + 1, names)
end

--- Writes tensors as F32, those that are kept as halves (core.half) as F16: save(path, { name = tensor } [,
-- { string = string }]) -> true; or nil, message. The file appears whole or not at all.
function safetensors.save(path, tensors, metadata)
  local names = storage_order(tensors)
  local header = encode_header(tensors, names, metadata)
  return file.write(path, function(f)
    local ok, message = f:write(string.pack("<I8", #header), header)
    for _, name in ipairs(names) do
      if not ok then break end
      ok, message = core.append(f, tensors[name])
    end
    return ok, message
  end)
end

return safetensors
