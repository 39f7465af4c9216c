-- Values as readable text: what the prompt prints.
local inspect = {}

local WIDTH, DEPTH, ENTRIES, STRING = 96, 4, 24, 72

local function is_name(key) return type(key) == "string" and key:find "^[%a_][%w_]*$" end

-- One line for a value inside a table: strings quoted, objects by the first line of their own text.
local function short(value)
  if type(value) == "string" then
    local cut = #value > STRING and value:sub(1, STRING) .. "..." or value
    return ("%q"):format(cut):gsub("\\\n", "\\n")
  end
  local text = tostring(value)
  return text:match "^([^\n]*)\n" or text
end

local function is_plain(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) == "table" and not (meta and (meta.__tostring or meta.__name))
end

-- Positive integers first, in order, then the rest by type and text.
local function sorted_keys(t)
  local keys = {}
  for key in next, t do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    local ta, tb = type(a), type(b)
    if ta ~= tb then return ta == "number" or (tb ~= "number" and ta < tb) end
    if ta == "number" or ta == "string" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function key_text(key, position)
  if key == position then return "" end
  if is_name(key) then return key .. " = " end
  return "[" .. short(key) .. "] = "
end

local describe

local function entry_texts(t, depth, indent, seen)
  local texts, keys = {}, sorted_keys(t)
  for i, key in ipairs(keys) do
    if i > ENTRIES then
      texts[i] = ("... %d more"):format(#keys - ENTRIES)
      break
    end
    texts[i] = key_text(key, i) .. describe(t[key], depth - 1, indent .. "  ", seen)
  end
  return texts
end

function describe(value, depth, indent, seen)
  if not is_plain(value) then return short(value) end
  if next(value) == nil then return "{}" end
  if seen[value] then return "{<itself>}" end
  if depth == 0 then return "{...}" end
  seen[value] = true
  local texts = entry_texts(value, depth, indent, seen)
  seen[value] = nil
  local line = "{ " .. table.concat(texts, ", ") .. " }"
  if #indent + #line <= WIDTH and not line:find "\n" then return line end
  local separator = ",\n" .. indent .. "  "
  return "{\n" .. indent .. "  " .. table.concat(texts, separator) .. "\n" .. indent .. "}"
end

-- text(value) --> strings as they are, objects by their own text, plain tables with their entries:
-- on one line if they fit, four levels and 24 entries of each at most.
function inspect.text(value)
  if is_plain(value) then return describe(value, DEPTH, "", {}) end
  return tostring(value)
end

return inspect
