-- A training task that takes no time: pictures (1,8,8) of three classes, a bar across, down or along the
-- diagonal in noise, and a small net with batch norm and dropout.
local builder = require "switchback.builder"
local file = require "switchback.file"
local sb = require "switchback"

local toy = {}

local function picture(class, rng)
  local t = sb.randn(rng, 1, 8, 8) * 0.4
  local at = rng:integer(1, 8)
  for i = 1, 8 do
    local y, x = class == 1 and at or i, class == 2 and at or class == 3 and (i + at) % 8 + 1 or i
    t[{ 1, y, x }] = 1
  end
  return t
end

local Loader = {}
Loader.__index = Loader

function Loader:next()
  local epoch, first = self.at // self.per_epoch, self.at % self.per_epoch
  if self.ended ~= epoch and first == 0 and self.at > 0 then
    self.ended = epoch
    return nil
  end
  self.at = self.at + 1
  local rng, pictures, labels = sb.rng(self.seed * 1000003 + self.at), {}, {}
  for i = 1, self.batch do
    labels[i] = rng:integer(1, 3)
    pictures[i] = picture(labels[i], rng)
  end
  return sb.stack(pictures), labels
end

function Loader:steps() return self.per_epoch end
function Loader:state() return { at = self.at, ended = self.ended } end
function Loader:restore(state) self.at, self.ended = state.at, state.ended end

-- loader(seed [, batch = 12 [, steps = 6]]) --> a loader of ever new pictures, `steps` batches an epoch.
function toy.loader(seed, batch, steps)
  return setmetatable({ seed = seed, batch = batch or 12, per_epoch = steps or 6, at = 0, ended = 0 }, Loader)
end

-- write(folder, count) writes so many of them as idx files into a folder that is there.
function toy.write(folder, count)
  local rng, pixels, labels = sb.rng(77), {}, {}
  for i = 1, count do
    local class = i % 3
    labels[i] = string.char(class)
    for _, row in ipairs(picture(class + 1, rng):clamp(0, 1)[1]:totable()) do
      for _, value in ipairs(row) do pixels[#pixels + 1] = string.char(math.floor(255 * value)) end
    end
  end
  local function save(name, head, list)
    assert(file.write(("%s/train-%s-ubyte"):format(folder, name), head .. table.concat(list)))
  end
  save("images-idx3", string.pack(">I4I4I4I4", 0x803, count, 8, 8), pixels)
  save("labels-idx1", string.pack(">I4I4", 0x801, count), labels)
end

-- net([seed]) --> an untrained net for them.
function toy.net(seed)
  local b = builder.new { channels = 1, size = { 8, 8 }, seed = seed or 1 }
  b:conv("conv1", 8, 3, { pad = 1, bias = false }):batchnorm("bn1"):relu("relu1"):maxpool("pool1", 2, 2)
  b:add("flatten", "flat"):add("dropout", "drop", { p = 0.2 }):linear("fc1", 3, 8 * 16)
  return sb.net(b:finish {})
end

return toy
