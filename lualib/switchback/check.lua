-- Checks of what callers pass, with suggestions for near misses.
local suggest = require "switchback.suggest"
local sorted = require "switchback.keys"

local check = {}

-- options(name, given, defaults) --> a table with the given options and the defaults of the others. Every
-- option must be in `defaults` (false: none by default); raises for other keys, in the name of the function
-- `name`.
function check.options(name, given, defaults)
  local all = {}
  for key, value in pairs(defaults) do all[key] = value end
  for key, value in pairs(given or {}) do
    if defaults[key] == nil then
      local hint = suggest.hint(tostring(key), sorted(defaults))
      error(("%s: unknown option '%s'%s"):format(name, key, hint), 3)
    end
    all[key] = value
  end
  return all
end

-- choice(name, what, value, known) raises unless value is in the list `known`.
function check.choice(name, what, value, known)
  for _, candidate in ipairs(known) do
    if candidate == value then return end
  end
  local hint = suggest.hint(tostring(value), known)
  if hint == "" then hint = " (known: " .. table.concat(known, ", ") .. ")" end
  error(("%s: unknown %s '%s'%s"):format(name, what, tostring(value), hint), 3)
end

-- integer(name, what, value, least) raises unless value is a whole number of at least `least`.
function check.integer(name, what, value, least)
  if math.type(value) == "integer" and value >= least then return end
  local format = "%s: %s must be a whole number of at least %d, got %s"
  error(format:format(name, what, least, tostring(value)), 3)
end

return check
