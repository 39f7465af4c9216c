-- What an occlusion sweep watches. Each watch fills a map with one number a position.
local sb = require "switchback"

local watch = {}

local Watches = {}
Watches.__index = Watches

local function class_entry(net, w)
  return { value = net:logits(), scores = true, class = w.class and net:class(w.class), logit = w.logit }
end

local function layer_entry(net, w) return { value = net:value(w.layer), channel = w.channel } end

local function entry_of(net, w)
  local kinds = type(w) ~= "table" and 0 or (w.class and 1 or 0) + (w.layer and 1 or 0) + (w.top and 1 or 0)
  if kinds ~= 1 then
    error("occlude: a watch is { class = }, { top = true } or { layer = [, channel =] }", 0)
  end
  return w.layer and layer_entry(net, w) or class_entry(net, w)
end

-- watch.new(net, list, n) --> watches of n positions, nothing read yet.
function watch.new(net, list, n)
  if type(list) ~= "table" or #list == 0 then
    error("occlude: say what to watch: watch = { { class = } | { layer =, channel = } ... }", 0)
  end
  local self = setmetatable({ entries = {}, maps = {} }, Watches)
  for i, w in ipairs(list) do
    self.entries[i] = entry_of(net, w)
    self.maps[i] = sb.full(0 / 0, n)
  end
  return self
end

-- watches:values() --> list of the values that are watched.
function Watches:values()
  local list = {}
  for i, entry in ipairs(self.entries) do list[i] = entry.value end
  return list
end

-- watches:whole(plan) --> list of the values that changes are watched in and whole maps are needed of;
-- the sum over a value that is known by rectangles is read from those.
function Watches:whole(plan)
  local list = {}
  for _, entry in ipairs(self.entries) do
    if plan.whole[entry.value] or entry.scores and plan:changes(entry.value) then
      list[#list + 1] = entry.value
    end
  end
  return list
end

local function channel_sums(t) -- (n,C,...) --> (n,C)
  return t:reshape(t:size(1), t:size(2), -1):sum(3)
end

-- Sums over the watched channel, or all, from sums (n,C).
local function chosen(sums, entry)
  local channels = sums:size(2)
  if not entry.channel then return sums:sum(2) end
  if math.type(entry.channel) ~= "integer" or entry.channel < 1 or entry.channel > channels then
    error(("occlude: channel %s of '%s' is out of range: it has %d"):format(entry.channel, entry.value,
      channels), 0)
  end
  return sums:select(2, entry.channel)
end

local function read_scores(pass, entry)
  if not entry.class then return pass:scores():argmax(2) end
  local scores = entry.logit and pass:scores() or pass:probabilities()
  if entry.class > scores:size(2) then
    error(("occlude: class %d is out of range: the net has %d"):format(entry.class, scores:size(2)), 0)
  end
  return scores:select(2, entry.class)
end

-- What the entry reads off a pass, one number an image.
local function read(pass, entry)
  if entry.scores then return read_scores(pass, entry) end
  return chosen(channel_sums(pass:value(entry.value)), entry)
end

local function fill(self, i, positions, numbers)
  for k, position in ipairs(positions) do self.maps[i][position] = numbers[k] end
end

-- watches:start(plan) reads the input without a patch. What no patch changes is known then.
function Watches:start(plan)
  self.plan = plan
  for i, entry in ipairs(self.entries) do
    entry.base = read(plan.base, entry)[1]
    if not plan:changes(entry.value) then self.maps[i]:fill_(entry.base) end
  end
end

-- watches:see_rectangles(batch, value, positions): sums over a value known by rectangles.
function Watches:see_rectangles(batch, value, positions)
  local changes
  for i, entry in ipairs(self.entries) do
    if entry.value == value and not entry.scores then
      changes = changes or batch:changes(value)
      fill(self, i, positions, chosen(changes, entry) + entry.base)
    end
  end
end

-- watches:see_whole(pass, positions): all the others, from a run of the tail.
function Watches:see_whole(pass, positions)
  for i, entry in ipairs(self.entries) do
    local rectangles = self.plan.reach[entry.value] and not entry.scores
    if self.plan:changes(entry.value) and not rectangles then
      fill(self, i, positions, read(pass, entry))
    end
  end
end

return watch
