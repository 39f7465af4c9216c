-- Results as JSON text: the same value gives the same bytes.
local json = {}

local encode, encode_number

-- Slashes stay as they are: most strings here are paths.
local function encode_string(s)
  return '"' .. s:gsub('[%c"\\]', function(c)
    if c == "\n" then return "\\n" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function encode_list(t)
  local parts = {}
  for i, value in ipairs(t) do parts[i] = encode(value) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(t)
  local keys, parts = {}, {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = encode_string(key) .. ":" .. encode(t[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Floats to so many significant digits: 17 read back as the same number.
local function number_encoder(digits)
  local format = "%." .. digits .. "g"
  return function(x)
    if math.type(x) == "integer" then return ("%d"):format(x) end
    if x ~= x or x == math.huge or x == -math.huge then return "null" end
    return format:format(x)
  end
end

local function encode_plain(value)
  if type(value) == "string" then return encode_string(value) end
  if type(value) == "boolean" then return tostring(value) end
  error(("json: cannot write a %s"):format(type(value)), 0)
end

function encode(value)
  local kind = type(value)
  if kind == "number" then return encode_number(value) end
  if kind == "userdata" and value.totable then return encode(value:totable()) end
  if kind ~= "table" then return encode_plain(value) end
  if #value > 0 or next(value) == nil then return encode_list(value) end
  return encode_object(value)
end

-- encode(value [, digits = 14]) --> JSON. Keys are sorted, tensors are nested lists, numbers that JSON lacks
-- are null, an empty table is []. Keys must be strings, or 1 to n. Raises for functions and the like.
function json.encode(value, digits)
  encode_number = number_encoder(digits or 14)
  return encode(value)
end

return json
