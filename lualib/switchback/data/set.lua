-- A data set: pictures with labels. Subsets share the pictures.
--   #set, set:count()      how many pictures
--   set.classes            list of names (nil: no labels); a label is a place in it
--   set.channels           1 or 3, what set:picture gives
--   set.name               of the file or folder it was opened from
--   set.damaged            with damaged = "skip": list of what was left out, { name =, message = } each
local grouping = require "switchback.data.classes"
local core = require "switchback.core"
local image = require "switchback.image"
local places = require "switchback.data.places"
local suggest = require "switchback.suggest"

local set = {}
set.__index = set

--- new{ name, pictures, channels, labels, classes, folders } --> set. pictures: of core.pictures; folders:
-- by class.
function set.new(fields)
  local s = setmetatable(fields, set)
  s.index = s.index or {}
  for i = 1, #s.index == 0 and s.pictures:count() or 0 do s.index[i] = i end
  return s
end

--- of_files(path, names, pictures, options) --> set of the pictures with these names ("folder/picture.jpg")
-- in a folder or archive; or nil, message. pictures(joined) makes them, or answers nil and a message: joined
-- is the names, each ended by a zero byte. options as for data.open.
function set.of_files(path, names, pictures, options)
  local listed, trouble = grouping.given(options.classes), nil
  if not listed then listed, trouble = grouping.beside(path, places.above(path)) end
  if trouble then return nil, trouble end
  local labels, of = grouping.of(names, listed, path)
  if not labels and of then return nil, of end
  local made, message = pictures(table.concat(names, "\0") .. "\0")
  if not made then return nil, message end
  return set.new { name = places.base(path), pictures = made, channels = options.channels or 3,
    labels = labels, classes = of and of.names, folders = of and of.folders }
end

function set:count() return #self.index end
set.__len = set.count

function set:__tostring()
  local classes = self.classes and (", %d classes"):format(#self.classes) or ", no labels"
  return ("data set %s: %d pictures%s"):format(self.name, self:count(), classes)
end

local function checked(self, i)
  if math.type(i) ~= "integer" or i < 1 or i > self:count() then
    error(("data: there is no picture %s, the set has %d"):format(tostring(i), self:count()), 3)
  end
  return self.index[i]
end

--- set:label(i) --> the class of picture i, 1-based; nil in a set without labels.
function set:label(i)
  checked(self, i)
  return self.labels and self.labels[i]
end

--- set:title(i) --> a name of picture i, for messages: its file's, or its number in the file.
function set:title(i)
  local k = checked(self, i)
  return ("%s: %s"):format(self.name, self.pictures:name(k) or "picture " .. k)
end

--- set:find(name) --> the number of the picture whose file has that name in the folder or archive, or nil.
function set:find(name)
  for i, k in ipairs(self.index) do
    if self.pictures:name(k) == name then return i end
  end
end

--- set:picture(i) --> (C,H,W) with values in [0,1]; or nil, message.
function set:picture(i)
  local t, message = self.pictures:read(checked(self, i))
  if not t then return nil, ("%s: %s"):format(self:title(i), message) end
  if t:size(1) == self.channels then return t end
  return self.channels == 1 and image.luminance(t) or image.rgb(t)
end

--- set:statistics(channels) --> mean, std of the pictures with 1 or 3 channels; see data.lua.
function set:statistics(channels)
  local mean, std, bad = self.pictures:moments(self.index, channels)
  if mean then return mean, std end
  local _, message = self:picture(bad)
  error(message, 0)
end

--- set:without_damaged() --> a set of the pictures that can be decoded; its field `damaged` lists the others.
function set:without_damaged()
  local good, damaged, bad = {}, {}, {}
  for _, i in ipairs(self.pictures:damaged(self.index)) do bad[i] = true end
  for i = 1, self:count() do
    if bad[i] then
      local _, message = self:picture(i)
      table.insert(damaged, { name = self:title(i), message = message })
    else
      table.insert(good, i)
    end
  end
  local s = self:subset(good)
  s.damaged = damaged
  return s
end

-- ---- Parts -----------------------------------------------------------------------------------------------

local function derived(self, fields)
  for _, key in ipairs { "name", "pictures", "channels", "classes", "folders", "damaged" } do
    if fields[key] == nil then fields[key] = self[key] end
  end
  return setmetatable(fields, set)
end

--- set:subset(list) --> a set of these pictures (1-based), in that order.
function set:subset(list)
  local index, labels = {}, self.labels and {}
  for n, i in ipairs(list) do
    index[n] = checked(self, i)
    if labels then labels[n] = self.labels[i] end
  end
  return derived(self, { index = index, labels = labels })
end

local function need_labels(self, function_name)
  if not self.labels then error(("%s: %s has no labels"):format(function_name, self.name), 3) end
end

local function class_number(self, class)
  if math.type(class) == "integer" and self.classes[class] then return class end
  class = tostring(class)
  for i, name in ipairs(self.classes) do
    if name == class or self.folders and self.folders[i] == class then return i end
  end
  local number = math.tointeger(tonumber(class)) -- as text, where no class is called so
  if number and self.classes[number] then return number end
  local hint = suggest.hint(class, self.classes)
  error(("data: no class is called '%s'%s"):format(class, hint), 4)
end

local function of_classes(self, number)
  local list, labels = {}, {}
  for i, label in ipairs(self.labels) do
    if number[label] then
      list[#list + 1], labels[#labels + 1] = self.index[i], number[label]
    end
  end
  return list, labels
end

--- set:only(list) --> a set of these classes' pictures: names, folders or numbers; labels are places in this
-- list.
function set:only(list)
  need_labels(self, "only")
  local number, classes, folders = {}, {}, self.folders and {}
  for place, class in ipairs(list) do
    local c = class_number(self, class)
    number[c], classes[place] = place, self.classes[c]
    if folders then folders[place] = self.folders[c] end
  end
  local index, labels = of_classes(self, number)
  return derived(self, { index = index, labels = labels, classes = classes, folders = folders })
end

local function by_class(self)
  local groups, all = {}, {}
  for i = 1, self:count() do
    local c = self.labels and self.labels[i] or 1
    if not groups[c] then
      groups[c] = {}
      all[#all + 1] = c
    end
    table.insert(groups[c], i)
  end
  table.sort(all)
  return groups, all
end

local function how_many(share, n)
  local k = share < 1 and math.floor(share * n + 0.5) or math.tointeger(share)
  if not k or k < 0 then error("split: the share must be below 1, or a whole number", 3) end
  return math.min(k, n)
end

--- set:split(share [, seed = 1]) --> a, b: two sets with all pictures between them. a has that share of every
-- class, chosen at random: a fraction below 1, or so many pictures. Both keep the order of the set.
function set:split(share, seed)
  local rng, chosen, first, second = core.rng.new(seed or 1), {}, {}, {}
  local groups, all = by_class(self)
  for _, c in ipairs(all) do
    local order = rng:permutation(#groups[c])
    for k = 1, how_many(share, #groups[c]) do chosen[groups[c][order[k]]] = true end
  end
  for i = 1, self:count() do table.insert(chosen[i] and first or second, i) end
  return self:subset(first), self:subset(second)
end

return set
