-- Protocol-buffer text format, as Caffe's .prototxt files are written in it.
-- A message becomes { field = {value, ...} }: every field is a list, since text alone does not tell
-- which may repeat. Values: numbers, strings (quoted text and bare words such as MAX), booleans, and
-- messages.
local prototxt = {}

local DEEPEST <const> = 64 -- of nested messages; Caffe's schema needs 5

local function fail(reader, what)
  local _, lines = reader.text:sub(1, reader.at - 1):gsub("\n", "")
  error({ ("line %d: %s"):format(lines + 1, what) }, 0)
end

-- Moves past blanks, comments, and the separators that the format allows between fields.
local function skip(reader, separators)
  local blanks = separators and "^[%s,;]+" or "^%s+"
  while true do
    local _, stop = reader.text:find(blanks, reader.at)
    if not stop then _, stop = reader.text:find("^#[^\n]*", reader.at) end
    if not stop then return end
    reader.at = stop + 1
  end
end

-- Takes the text that a pattern matches here, or nil.
local function take(reader, pattern)
  local start, stop = reader.text:find("^" .. pattern, reader.at)
  if not start then return nil end
  reader.at = stop + 1
  return reader.text:sub(start, stop)
end

local escapes = { n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v",
                  ["\\"] = "\\", ["'"] = "'", ['"'] = '"', ["?"] = "?" }

local function read_escape(reader)
  local octal = take(reader, "[0-7][0-7]?[0-7]?")
  if octal then return string.char(tonumber(octal, 8) & 255) end
  local hex = take(reader, "[xX]%x%x?")
  if hex then return string.char(tonumber(hex:sub(2), 16)) end
  local plain = escapes[take(reader, ".") or ""]
  return plain or fail(reader, "unknown escape in a string")
end

local function read_quoted(reader, quote)
  local parts = {}
  while true do
    parts[#parts + 1] = take(reader, "[^\\\n" .. quote .. "]+")
    if take(reader, quote) then return table.concat(parts) end
    if not take(reader, "\\") then fail(reader, "unfinished string") end
    parts[#parts + 1] = read_escape(reader)
  end
end

local words = { ["true"] = true, ["false"] = false, inf = math.huge, infinity = math.huge,
                nan = 0 / 0 }

-- C's spelling of a number (decimal, octal, hexadecimal, with or without a final f); nil if it is none.
local function to_number(text)
  if text:find("^0[0-7]+$") then return tonumber(text, 8) end
  if not text:find("^0[xX]") then text = text:gsub("([%d.])[fF]$", "%1") end
  return tonumber(text)
end

local function read_number(reader)
  local sign = take(reader, "%-")
  skip(reader)
  local text = take(reader, "[%d.]+[eE][+-]?%d+[fF]?") or take(reader, "[%w_.]+") or ""
  local word = words[text:lower()]
  local number = type(word) == "number" and word or to_number(text)
  if not number then fail(reader, ("'%s' is not a number"):format(text)) end
  return sign and -number or number
end

local read_message

local function read_scalar(reader)
  if reader.text:find("^[-%d.]", reader.at) then return read_number(reader) end
  local quote, text = take(reader, "[\"']"), nil
  while quote do -- neighbouring strings are one string
    text = (text or "") .. read_quoted(reader, quote)
    skip(reader)
    quote = take(reader, "[\"']")
  end
  if text then return text end
  local word = take(reader, "[%a_][%w_]*") or fail(reader, "expected a value")
  if words[word:lower()] ~= nil then return words[word:lower()] end
  return word
end

local function read_value(reader, depth)
  local opening = take(reader, "[{<]")
  if opening then return read_message(reader, opening == "{" and "}" or ">", depth + 1) end
  return read_scalar(reader)
end

local function read_list(reader, depth, values)
  skip(reader)
  if take(reader, "%]") then return end
  repeat
    skip(reader)
    values[#values + 1] = read_value(reader, depth)
    skip(reader)
  until not take(reader, ",")
  if not take(reader, "%]") then fail(reader, "expected ',' or ']'") end
end

local function read_field(reader, depth, message)
  local name = take(reader, "[%a_][%w_]*") or fail(reader, "expected the name of a field")
  skip(reader)
  local colon = take(reader, ":")
  skip(reader)
  if not colon and not reader.text:find("^[{<]", reader.at) then
    fail(reader, ("expected ':' or '{' after '%s'"):format(name))
  end
  message[name] = message[name] or {}
  if take(reader, "%[") then return read_list(reader, depth, message[name]) end
  table.insert(message[name], read_value(reader, depth))
end

-- Reads fields up to `closing`, or to the end of the text for the outermost message.
function read_message(reader, closing, depth)
  if depth > DEEPEST then fail(reader, "nested too deeply") end
  local message = {}
  while true do
    skip(reader, true)
    if closing and take(reader, closing) then return message end
    if reader.at > #reader.text then
      if closing then fail(reader, ("expected '%s' before the end"):format(closing)) end
      return message
    end
    read_field(reader, depth, message)
  end
end

--- parse(text) -> { field = {value, ...} }; or nil, message with the line.
function prototxt.parse(text)
  local reader = { text = text, at = 1 }
  local ok, result = pcall(read_message, reader, nil, 1)
  if ok then return result end
  if type(result) ~= "table" then error(result, 0) end -- not the text's fault
  return nil, result[1]
end

return prototxt
