-- How each layer is run on rectangles of its input instead of all of it. A rule is
--   { kind = "local" }: the layer as it is, on the same rectangle of every input;
--   { kind = "window", window =, beyond =, layer =, factor = }: an output rectangle comes from the region
--     its windows look at, seen as `beyond` outside the map (core.occlude.gather), by a layer without padding
--     (nil: the region is the output already), then times the map `factor` (1,1,H,W), if there is one;
--   { kind = "whole" }: the layer looks at everything: the whole map is needed.
local core = require "switchback.core"
local reach = require "switchback.occlude.reach"

local rules = {}

local WHOLE = { kind = "whole" }

local function integers(pair)
  local a, b = math.tointeger(pair[1]), math.tointeger(pair[2])
  return a and b and { a, b }
end

-- The layer's window in integers, or nil.
local function window_of(layer)
  local w = layer:window()
  if not w then return nil end
  local out = { extent = integers(w.extent), stride = integers(w.stride), pad = integers(w.pad) }
  return out.extent and out.stride and out.pad and out
end

local function is_padded(config)
  for _, p in ipairs(config.pad) do
    if p ~= 0 then return true end
  end
  return false
end

local twins = setmetatable({}, { __mode = "k" })

-- The same layer, on the same weights, without padding: kept as long as the layer.
local function unpadded(layer)
  local config = layer.config
  if not is_padded(config) then return layer end
  if not twins[layer] or twins[layer].version ~= layer.version then
    config.pad = 0
    for name, t in pairs(layer.params) do config[name] = t end
    twins[layer] = { version = layer.version, layer = core.layer[layer.kind](config) }
  end
  return twins[layer].layer
end

-- What the mean of a window filled up with zeros is to be multiplied with at each place, where edges
-- count otherwise; nil if nowhere.
local function mean_factor(layer, plain, window, shape, out)
  local ones = core.tensor.ones(1, 1, shape[3], shape[4])
  local size = {}
  for axis = 1, 2 do size[axis] = (out[2 + axis] - 1) * window.stride[axis] + window.extent[axis] end
  local at = core.tensor.tensor { { 1 - window.pad[1], 1 - window.pad[2] } }
  local zeros_counted = plain:forward(core.occlude.gather(ones, at, size), { tape = false })
  local factor = layer:forward(ones, { tape = false }) / zeros_counted:clamp(1e-9, math.huge)
  if (factor - 1):abs():max() > 1e-6 then return factor end
end

local windows = {}

function windows.conv2d(layer) return { beyond = 0, layer = unpadded(layer) } end

function windows.maxpool(layer) return { beyond = -math.huge, layer = unpadded(layer) } end

function windows.avgpool(layer, window, shape, out)
  local plain = unpadded(layer)
  return { beyond = 0, layer = plain, factor = mean_factor(layer, plain, window, shape, out) }
end

-- Borders of rows and columns alone; what they show is a matter of where to look.
function windows.pad(layer, _, shape, out)
  local config = layer.config
  if config.mode == "wrap" or shape[1] ~= out[1] or shape[2] ~= out[2] then return nil end
  return { beyond = config.mode == "constant" and config.value or config.mode, mode = config.mode }
end

local function is_map(shape) return #shape == 4 and shape[1] == 1 end

local function is_trivial(w)
  for axis = 1, 2 do
    if w.extent[axis] ~= 1 or w.stride[axis] ~= 1 or w.pad[axis] ~= 0 then return false end
  end
  return true
end

-- A value that is the same at all places of a map.
local function is_uniform(shape) return (shape[#shape] or 1) == 1 and (shape[#shape - 1] or 1) == 1 end

local function same_extent(a, b) return a[3] == b[3] and a[4] == b[4] end

-- Pointwise in space: maps of one extent in and out; what does not change may be uniform instead.
local function is_local(inputs, outputs, window)
  local map
  for _, input in ipairs(inputs) do
    if input.reach and not is_map(input.shape) then return false end
    if input.reach then map = map or input.shape end
  end
  for _, input in ipairs(inputs) do
    local fits = is_map(input.shape) and same_extent(input.shape, map)
    if not fits and (input.reach or not is_uniform(input.shape)) then return false end
  end
  for _, shape in ipairs(outputs) do
    if not is_map(shape) or not same_extent(shape, map) then return false end
  end
  return is_trivial(window)
end

local function window_rule(layer, window, input, out)
  local make = windows[layer.kind]
  local rule = make and is_map(input.shape) and is_map(out) and make(layer, window, input.shape, out)
  if not rule then return nil end
  rule.kind, rule.window = "window", window
  rule.reach = reach.border(input.reach, window, { out[3], out[4] }, rule.mode or "constant")
  return rule
end

local function local_rule(inputs)
  local reaches = {}
  for _, input in ipairs(inputs) do reaches[#reaches + 1] = input.reach end
  return { kind = "local", reach = reach.union(reaches) }
end

-- rules.of(layer, inputs, outputs) --> rule, with `reach`, that of the outputs, unless it is "whole".
-- inputs: { shape =, reach = (nil: does not change) } each; outputs: shapes.
function rules.of(layer, inputs, outputs)
  local window = window_of(layer)
  if not window then return WHOLE end
  if is_local(inputs, outputs, window) then return local_rule(inputs) end
  return #inputs == 1 and window_rule(layer, window, inputs[1], outputs[1]) or WHOLE
end

return rules
