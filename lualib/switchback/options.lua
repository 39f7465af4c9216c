-- Options of recipes: declared once, from which come parsing, --help and errors.
--
-- A declaration is a list. An entry is a common option's name ("model"), or a table { name, field = value };
-- fields that it leaves out are those of the common option of that name, if there is one:
--   type      "string" (default), "file", "integer", "number", "flag", "class", "keep", "names" (a,b,c),
--             "integers" (1,2,3), "numbers" (1,0.5), "blend" (3, a name, 1:0.5,8:0.3 or all), "picture" (a
--             file to write), or a function(text) --> value, or nil and what was expected
--   default   as it would be typed; without one the option is nil when not given
--   required  true: it must be given
--   choices   list of the strings that it may be
--   min, max  of numbers
--   alias     another name of the option, as some other program calls it
--   help      one line
--   positional  true: it is given as a word of its own, without --NAME
-- On the command line a name may have one dash or two, and underscores for the dashes inside.
local suggest = require "switchback.suggest"

local options = {}

-- The options with one name and one meaning everywhere.
local common = {
  model = { default = "zfnet64", help = "network: a name, or a file of weights" },
  image = { type = "file", required = true, help = "photo to look at" },
  layer = { help = "layer, by its name (at the prompt, print(sb.load NAME) lists them)" },
  channel = { type = "integer", min = 1, help = "channel of the layer, from 1" },
  class = { type = "class", help = "class: its number from 1, or how its label begins" },
  steps = { type = "integer", min = 1, help = "number of steps" },
  seed = { type = "integer", default = 0, help = "seed of the random generator" },
  size = { type = "integer", min = 1, help = "size in pixels" },
  out = { type = "picture", help = "picture to write, .png or .jpg" },
  threads = { type = "integer", min = 1, max = 256, help = "number of threads (default: all cores)" },
  json = { type = "flag", help = "print the result as JSON" },
  quiet = { type = "flag", help = "print nothing but errors and --json's result" },
}
local in_every_recipe = { "threads", "json", "quiet" }

-- ---- Types ------------------------------------------------------------------------------------

local function integer(text) return math.tointeger(tonumber(text)), "an integer" end

local function list_of(parse, expected)
  return function(text)
    local list = {}
    for part in text:gmatch "[^,]+" do
      local value = parse(part)
      if value == nil then return nil, expected end
      list[#list + 1] = value
    end
    return list, expected
  end
end

local integers = list_of(integer, "integers such as 1,2,3")

-- "max", "map", a number of positions, or "y,x": what seed.activation takes as keep.
local function keep(text)
  if text == "max" or text == "map" then return text end
  local numbers = integers(text)
  if not numbers or #numbers > 2 then return nil, "max, map, a number or y,x" end
  return #numbers == 2 and numbers or numbers[1]
end

-- "3", "wave", "1:0.5,8:0.3" or "wave:2,scream:1" --> { [index or name] = weight }; "all" stands for itself.
local function blend(text)
  if text == "all" then return text end
  local weights, expected = {}, "numbers or names with weights such as 3 or 1:0.5,8:0.3, or all"
  for part in (text .. ","):gmatch "(.-)," do
    local which, weight = part:match "^([^:]+)$", 1
    if not which then which, weight = part:match "^([^:]+):([%d.]+)$" end
    local index = integer(which)
    if not which or not tonumber(weight) or tonumber(which) and not index then return nil, expected end
    weights[index or which] = tonumber(weight)
  end
  return weights, expected
end

local function picture(text)
  local extension = (text:match "%.([^./]*)$" or ""):lower()
  local known = extension == "png" or extension == "jpg" or extension == "jpeg"
  return known and text or nil, "a name that ends in .png or .jpg"
end

local types = {
  string = { placeholder = "NAME", parse = function(text) return text end },
  file = { placeholder = "FILE", parse = function(text) return text end },
  picture = { placeholder = "FILE", parse = picture },
  integer = { placeholder = "N", parse = integer },
  number = { placeholder = "X", parse = function(text) return tonumber(text), "a number" end },
  class = { placeholder = "CLASS", parse = function(text) return integer(text) or text end },
  keep = { placeholder = "WHAT", parse = keep },
  names = { placeholder = "A,B,...", parse = list_of(function(part) return part end) },
  integers = { placeholder = "N,M,...", parse = integers },
  numbers = { placeholder = "X,Y,...", parse = list_of(tonumber, "numbers such as 1,0.5") },
  blend = { placeholder = "N:W,...", parse = blend },
  flag = {},
}

-- ---- Declarations -----------------------------------------------------------------------------

local fields = { type = true, default = true, required = true, choices = true, min = true, max = true,
                 alias = true, help = true, positional = true }

-- An entry with its common fields filled in, as { name =, type = {...}, ... }.
local function complete(entry)
  entry = type(entry) == "string" and { entry } or entry
  local name = entry[1]
  if type(name) ~= "string" then error("options: an entry has no name", 0) end
  local option = { name = name }
  for key, value in pairs(common[name] or {}) do option[key] = value end
  for key, value in pairs(entry) do
    if key ~= 1 and not fields[key] then
      error(("options: '%s' has an unknown field '%s'"):format(name, key), 0)
    end
    if key ~= 1 then option[key] = value end
  end
  if type(entry) == "table" and entry.default ~= nil then option.required = nil end
  local kind = option.type or "string"
  option.type = type(kind) == "function" and { placeholder = "VALUE", parse = kind } or types[kind]
  if not option.type then error(("options: '%s' is of unknown type '%s'"):format(name, kind), 0) end
  return option
end

local function complete_all(declaration)
  local list = {}
  for _, entry in ipairs(declaration) do list[#list + 1] = complete(entry) end
  for _, name in ipairs(in_every_recipe) do list[#list + 1] = complete(name) end
  return list
end

-- ---- Parsing ----------------------------------------------------------------------------------

local function known_choice(option, text)
  for _, choice in ipairs(option.choices) do
    if choice == text then return text end
  end
  local hint = suggest.hint(text, option.choices)
  local known = table.concat(option.choices, ", ")
  return nil, ("--%s: '%s' is none of %s%s"):format(option.name, text, known, hint)
end

local function in_range(option, value)
  if option.min and value < option.min then
    return nil, ("--%s: must be at least %s, got %s"):format(option.name, option.min, value)
  end
  if option.max and value > option.max then
    return nil, ("--%s: must be at most %s, got %s"):format(option.name, option.max, value)
  end
  return value
end

-- --> the value of an option's text; or nil, message.
local function convert(option, text)
  if option.choices then return known_choice(option, text) end
  local value, expected = option.type.parse(text)
  if value == nil then
    return nil, ("--%s: expected %s, got '%s'"):format(option.name, expected or "another value", text)
  end
  if type(value) == "number" then return in_range(option, value) end
  return value
end

local function add(parser, option)
  local flag = "--" .. option.name
  if option.type == types.flag then return parser:flag(flag, option.help) end
  if option.positional then
    local element = parser:argument(option.name, option.help):args(option.required and 1 or "?")
    return element:convert(function(text) return convert(option, text) end)
  end
  local element = parser:option(flag, option.help):argname("<" .. option.type.placeholder .. ">")
  if option.choices then element:argname("<" .. table.concat(option.choices, "|") .. ">") end
  if option.required then element:count(1) end
  if option.default ~= nil then element:default(tostring(option.default)) end
  return element:convert(function(text) return convert(option, text) end)
end

local function dashed(name) return (name:gsub("_", "-")) end

-- parser(name, summary, declaration) --> an argparse parser, for parse. Raises for wrong declarations.
function options.parser(name, summary, declaration)
  local parser = require "argparse"("switchback " .. name, summary):help_max_width(100)
  parser.known_names, parser.help_of = {}, {}
  for _, option in ipairs(complete_all(declaration)) do
    add(parser, option)
    parser.help_of["--" .. option.name] = option.help
    parser.known_names[option.name] = option.name
    if option.alias then parser.known_names[dashed(option.alias)] = option.name end
  end
  return parser
end

-- The arguments with options called as declared.
local function canonical(parser, arguments)
  local list = {}
  for i, word in ipairs(arguments) do
    local name, rest = word:match "^%-%-?([%a][%w_-]+)(.*)$"
    local known = name and parser.known_names[dashed(name)]
    list[i] = known and (rest == "" or rest:find "^=") and "--" .. known .. rest or word
  end
  return list
end

-- A message of one line, which tells of a missing option what to give.
local function one_line(parser, message)
  local missing = message:match "^missing option '(.-)'"
  local help = missing and parser.help_of[missing]
  if help then return message .. ": " .. help end
  return (message:gsub("\nDid you mean", "; did you mean"):gsub("\n", " "))
end

-- parse(parser, arguments) --> table of values by option name; or nil, a message of one line.
function options.parse(parser, arguments)
  local ok, result = parser:pparse(canonical(parser, arguments))
  if ok then return result end
  return nil, one_line(parser, result)
end

return options
