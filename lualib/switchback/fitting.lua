-- Fits named tensors, as files of weights have them, to the layers of a network that is being built, and
-- keeps account of those that are missing, unexpected or misshapen, so that one error can list them all.
local core = require "switchback.core"
local merged = require "switchback.merged"

local Fitting = {}
Fitting.__index = Fitting

local fitting = {}

-- PyTorch's names of weights, where they are not ours.
local torch_names = { mean = "running_mean", variance = "running_var" }

-- What PyTorch stores and no layer here has a use for: how many batches a batch norm has seen.
local PASSED_OVER <const> = "num_batches_tracked$"

-- weight_name(layer_name, weight) --> the name in a file of weights: "bn1", "mean" --> "bn1.running_mean".
function fitting.weight_name(layer_name, weight)
  return layer_name .. "." .. (torch_names[weight] or weight)
end

-- new(tensors [, unused]) --> fitting. tensors: { name = tensor }, or nil: weights are then drawn. Names that
-- match the pattern `unused` may be among them for nothing.
function fitting.new(tensors, unused)
  return setmetatable({ tensors = tensors, unused = unused, used = {}, missing = {}, misshapen = {} },
    Fitting)
end

local function construct(name, kind, config)
  local ok, layer = pcall(core.layer[kind], config)
  if not ok then error(("layer '%s': %s"):format(name, layer), 0) end
  return layer
end

-- The layer with the tensors given, or with weights of its own if one of them does not fit it.
local function with_tensors(kind, name, config, tensors)
  local ok, layer = pcall(core.layer[kind], merged(config, tensors))
  return ok and layer or construct(name, kind, config)
end

local function shape_text(t) return table.concat(t:size(), "x") end

-- Compares what was given with what the layer has.
local function note(self, name, layer, given)
  for _, weight in ipairs(core.layer.about(layer.kind).weights) do
    local key, t = fitting.weight_name(name, weight.name), layer.params[weight.name]
    local got = given[weight.name]
    if t and not got then
      table.insert(self.missing, key)
    elseif t and shape_text(got) ~= shape_text(t) then
      table.insert(self.misshapen, ("%s is %s, must be %s"):format(key, shape_text(got), shape_text(t)))
    end
    self.used[key] = t and true
  end
end

-- fit:layer(kind, name, config, rng) --> sb.layer[kind](config) with the tensors that belong to it, or with
-- weights drawn by rng where there are none. A weight that the configuration has as false is not wanted.
-- Raises for configurations that make no layer.
function Fitting:layer(kind, name, config, rng)
  local drawn = merged(config, { rng = rng })
  if not self.tensors then return construct(name, kind, drawn) end
  local given = {}
  for _, weight in ipairs(core.layer.about(kind).weights) do
    local t = self.tensors[fitting.weight_name(name, weight.name)]
    if config[weight.name] ~= false then given[weight.name] = t end
  end
  local layer = with_tensors(kind, name, drawn, given)
  note(self, name, layer, given)
  return layer
end

local function unexpected(self)
  local names = {}
  for name in pairs(self.tensors) do
    local known = self.used[name] or name:find(PASSED_OVER) or self.unused and name:find(self.unused)
    if not known then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- fit:check() raises, listing them, if tensors were missing, misshapen or left over.
function Fitting:check()
  if not self.tensors then return end
  local lines = {}
  local function list(what, names)
    if #names > 0 then lines[#lines + 1] = ("\n  %s: %s"):format(what, table.concat(names, ", ")) end
  end
  list("missing", self.missing)
  list("unexpected", unexpected(self))
  list("misshapen", self.misshapen)
  if #lines > 0 then error("the weights do not fit:" .. table.concat(lines), 0) end
end

return fitting
