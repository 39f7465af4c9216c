-- What a pickle may name and call: the few functions of which PyTorch's files of tensors consist.
local storages = require "switchback.formats.torch.storages"

local function fail(format, ...) error(format:format(...), 0) end

-- A name that may stand in a pickle, but not be called, such as the type of a storage.
local function inert(name, fields)
  local t = fields or {}
  t.call = function() fail("refuses to call %s: only tensors and plain containers are built", name) end
  return t
end

-- Types of storages and of numbers ("float32") are found by their form.
local function find_type(name)
  local kind = name:match "^torch%.(%w+)Storage$" or name:match "^torch%.cuda%.(%w+)Storage$"
  if kind and storages.dtype(kind) then return inert(name, { dtype = storages.dtype(kind) }) end
  local plain = name:match "^torch%.([%l%d]+)$"
  if plain and (plain:find "^u?int%d+$" or plain:find "^b?float%d+$" or plain == "bool") then
    return { value = plain }
  end
end

local inert_names = { "torch.Tensor", "torch.nn.parameter.Parameter", "builtins.dict", "builtins.list",
                      "builtins.int", "builtins.float", "__builtin__.dict", "__builtin__.list" }

local function pairs_of(made, list)
  local items = {}
  for _, pair in ipairs(list or {}) do
    made:check(pair, "list", "an item of an OrderedDict")
    items[#items + 1], items[#items + 2] = pair[1], pair[2]
  end
  return items
end

-- new(made, build) --> find(name) for pickle.run. made: the containers of the file; build(storage, offset,
-- shape, strides) --> tensor.
local function new(made, build)
  local known = {}
  local function define(names, call)
    for name in names:gmatch "%S+" do known[name] = { call = call } end
  end
  for _, name in ipairs(inert_names) do known[name] = inert(name) end
  define("collections.OrderedDict", function(items) return made:dict(pairs_of(made, items)) end)
  define("collections.defaultdict", function() return made:dict {} end)
  define("collections.Counter", function(counts)
    return counts and made:check(counts, "dict", "what is counted") or made:dict {}
  end)
  define("builtins.set __builtin__.set", function(members)
    return made:set(members and made:check(members, "list", "a set's members") or {})
  end)
  define("torch.Size", function(extents)
    return extents and made:check(extents, "list", "a size") or made:list {}
  end)
  define("torch.device", function(kind, index)
    return tostring(kind) .. (math.type(index) == "integer" and ":" .. index or "")
  end)
  define("torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2", build)
  define("torch._utils._rebuild_parameter torch._utils._rebuild_parameter_with_state",
    function(tensor) return tensor end)
  define("torch._tensor._rebuild_from_type_v2", function(f, _, arguments)
    if not (type(f) == "table" and f == known["torch._utils._rebuild_tensor_v2"]) then
      fail "a tensor is rebuilt by what is not its function"
    end
    return f.call(table.unpack(made:check(arguments, "list", "a tensor's arguments"), 1, 8))
  end)
  return function(name)
    known[name] = known[name] or find_type(name)
    return known[name]
  end
end

return { new = new }
