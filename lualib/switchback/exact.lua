-- Numbers and bytes as text, to the last bit: what checkpoints keep in the metadata of a safetensors file.
local exact = {}

-- exact.number(n) --> text; a float in hexadecimal.
function exact.number(n) return math.type(n) == "integer" and ("%d"):format(n) or ("%a"):format(n) end

-- exact.joined(list) --> the numbers as one text;  exact.split(text) --> the list again.
function exact.joined(numbers)
  local parts = {}
  for i, n in ipairs(numbers) do parts[i] = exact.number(n) end
  return table.concat(parts, " ")
end

function exact.split(text)
  local numbers = {}
  for part in text:gmatch "%S+" do numbers[#numbers + 1] = math.tointeger(part) or tonumber(part) end
  return numbers
end

-- exact.hex(bytes) --> text;  exact.unhex(text) --> bytes.
function exact.hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

function exact.unhex(text)
  return (text:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

-- exact.store(metadata, prefix, numbers) files { name = number } as entries prefix .. name.
function exact.store(metadata, prefix, numbers)
  for name, n in pairs(numbers) do metadata[prefix .. name] = exact.number(n) end
end

-- exact.below(entries, prefix [, convert]) --> the entries whose names begin with prefix, without it.
function exact.below(entries, prefix, convert)
  local found = {}
  for name, value in pairs(entries) do
    if name:sub(1, #prefix) == prefix then
      found[name:sub(#prefix + 1)] = convert and convert(value) or value
    end
  end
  return found
end

-- exact.value(text) --> the number, an integer where it was one.
function exact.value(text) return math.tointeger(text) or tonumber(text) end

return exact
