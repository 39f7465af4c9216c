-- Seeds: the gradient that a backward walk starts with.
local core = require "switchback.core"
local zeros = core.tensor.zeros

local seed = {}

-- class(values, classes) --> zeros like the logits (N, ...) with 1 at each image's class.
function seed.class(values, class)
  local s = zeros(values:size())
  local rows = s:reshape(values:size(1), -1)
  local classes = rows:size(2)
  if class > classes then
    error(("class %d is out of range: the net has %d"):format(class, classes), 0)
  end
  for n = 1, rows:size(1) do rows[{ n, class }] = 1 end
  return s
end

local function channel_list(channel, count)
  if type(channel) == "number" then channel = { channel } end
  if not channel then
    channel = {}
    for c = 1, count do channel[c] = c end
  end
  local list = {}
  for i, c in ipairs(channel) do
    list[i] = math.tointeger(c)
    if not list[i] or list[i] < 1 or list[i] > count then
      error(("channel %s is out of range: the layer has %d"):format(tostring(c), count), 0)
    end
  end
  return list
end

-- The positions (1-based, in the flattened rows of the chosen channels) that survive.
local function positions(rows, keep, width)
  local count = rows:count()
  if keep == "map" then return nil end
  if keep == "max" then keep = 1 end
  if math.tointeger(keep) then
    local _, index = rows:reshape(count):topk(math.min(math.tointeger(keep), count))
    return index:totable()
  end
  if type(keep) ~= "table" or #keep ~= 2 then
    error("keep must be 'max', 'map', a number of positions or {y, x}, got " .. tostring(keep), 0)
  end
  local y, x = keep[1], keep[2]
  local plane = rows:size(2)
  if y < 1 or x < 1 or x > width or (y - 1) * width + x > plane then
    error(("position {%d, %d} is outside the %dx%d map"):format(y, x, plane // width, width), 0)
  end
  local list = {}
  for c = 1, rows:size(1) do list[c] = math.tointeger((c - 1) * plane + (y - 1) * width + x) end
  return list
end

local function gather(maps, channels)
  local plane = maps:count() // maps:size(1)
  local rows = zeros(#channels, plane)
  local flat = maps:reshape(maps:size(1), plane)
  for i, c in ipairs(channels) do rows[i] = flat[c] end
  return rows
end

-- Keeps the wanted positions of one image's maps (C, ...) in `out`, zeros elsewhere.
local function keep_one(out, maps, channels, keep, value)
  local rows = gather(maps, channels)
  local width = maps:size()[#maps:size()]
  local list = positions(rows, keep, width)
  local kept = rows
  if value == "one" then kept = rows * 0 + 1 end
  if list then
    local all, flat = kept:reshape(kept:count()), zeros(kept:count())
    for _, p in ipairs(list) do flat[math.tointeger(p)] = all[math.tointeger(p)] end
    kept = flat:reshape(rows:size())
  end
  local target = out:reshape(out:size(1), -1)
  for i, c in ipairs(channels) do target[c] = kept[i] end
end

-- activation(values, options) --> zeros like values (N, C, ...) but for the chosen activations.
-- options.channel: one, a list, or nil for all; options.keep: "max" (the strongest position, default),
-- "map" (all), k (the k strongest) or {y, x}; options.seed: "activation" (their values, default), "one",
-- or a tensor like values, taken as it is.
function seed.activation(values, options)
  local value = options.seed or "activation"
  if type(value) == "userdata" then return value end
  if value ~= "activation" and value ~= "one" then
    error(("seed must be 'activation', 'one' or a tensor, got '%s'"):format(tostring(value)), 0)
  end
  local out = zeros(values:size())
  local channels = channel_list(options.channel, values:size(2))
  for n = 1, values:size(1) do
    keep_one(out:select(1, n), values:select(1, n), channels, options.keep or "max", value)
  end
  return out
end

return seed
