-- Python's containers as Lua tables:
--   list, tuple, torch.Size   { first, second, ... }; None is `none` there, since a Lua list has no holes
--   dict, OrderedDict         { [key] = value }; a key whose value is None is left out
--   set                       { [member] = true }
-- Keys are strings, numbers or booleans.
local Containers = {}
Containers.__index = Containers

local MOST <const> = 1 << 20 -- containers of a file

local none = setmetatable({}, { __name = "None", __tostring = function() return "None" end,
                                __newindex = function() error("None cannot be changed", 2) end })

-- new() --> a maker of containers that knows of each what it is, and counts them.
local function new()
  return setmetatable({ kinds = setmetatable({}, { __mode = "k" }), made = 0 }, Containers)
end

local function made(self, kind, t)
  self.made = self.made + 1
  if self.made > MOST then error(("more than %d containers"):format(MOST), 0) end
  self.kinds[t] = kind
  return t
end

-- c:check(value, kind, what) raises "WHAT is not a KIND" unless it is.
function Containers:check(value, kind, what)
  if self.kinds[value] ~= kind then error(("%s is no %s"):format(what, kind), 0) end
  return value
end

local function check_key(key)
  local kind = type(key)
  if kind == "string" or kind == "boolean" or kind == "number" and key == key then return key end
  error(("a dict has a key that is neither string, number nor boolean (%s)"):format(tostring(key)), 0)
end

-- c:list(values), c:dict{ key, value, key, value... }, c:set(members) --> a new container.
function Containers:list(values) return made(self, "list", values) end

function Containers:dict(items) return self:set_items(made(self, "dict", {}), items) end

function Containers:set(members) return self:add(made(self, "set", {}), members) end

-- c:append(list, values), c:set_items(dict, { key, value... }), c:add(set, members) --> the same container.
function Containers:append(list, values)
  self:check(list, "list", "what the pickle appends to")
  return table.move(values, 1, #values, #list + 1, list)
end

function Containers:set_items(dict, items)
  self:check(dict, "dict", "what the pickle sets items of")
  if #items % 2 == 1 then error("a dict has a key without a value", 0) end
  for i = 1, #items, 2 do
    local value = items[i + 1]
    if value == none then value = nil end
    dict[check_key(items[i])] = value
  end
  return dict
end

function Containers:add(set, members)
  self:check(set, "set", "what the pickle adds to")
  for _, member in ipairs(members) do set[check_key(member)] = true end
  return set
end

return { new = new, none = none }
