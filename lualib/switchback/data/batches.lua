-- Batches of a data set's pictures, epoch after epoch.
local check = require "switchback.check"
local core = require "switchback.core"
local preprocess = require "switchback.preprocess"

local batches = {}
batches.__index = batches

local DEFAULTS = { batch = 64, size = false, shuffle = false, augment = false, mean = 0, std = 1, scale = 1,
  channels = false, threads = 2, drop_last = false }

--- new(set, options) --> batches. options:
--   batch      pictures a batch (default 64); the last one of an epoch may be smaller, unless drop_last
--   size       {h, w} or one number: every picture's central square, resized; default: as the pictures are,
--              which must then be of one size
--   shuffle    seed of the order, a new one each epoch; false (default): the set's own order
--   mean, std, scale, channels   as in a net's preprocessing: x = (picture * scale - mean) / std
function batches.new(set, options)
  options = check.options("data.batches", options, DEFAULTS)
  check.integer("data.batches", "batch", options.batch, 1)
  local prepare = preprocess.complete { size = options.size or nil, mean = options.mean, std = options.std,
    scale = options.scale, channels = options.channels or set.channels == 1 and "grey" or "RGB" }
  return setmetatable({ set = set, options = options, prepare = prepare, epoch = 1, at = 0 }, batches)
end

--- batches:steps() --> batches an epoch.
function batches:steps()
  local n, batch = self.set:count(), self.options.batch
  return self.options.drop_last and n // batch or (n + batch - 1) // batch
end

local function order_of(self)
  if not self.options.shuffle then return nil end
  return core.rng.new(self.options.shuffle * 1000003 + self.epoch):permutation(self.set:count())
end

local function picture(self, i)
  local t, message = self.set:picture(i)
  if not t then error(message, 0) end
  return t
end

--- batches:next() --> x (N,C,H,W), labels (a list of N, or nil); nil at the end of an epoch, and the next
-- call begins the next one. Raises for a picture that cannot be read.
function batches:next()
  if self.at >= self:steps() then
    self.epoch, self.at, self.order = self.epoch + 1, 0, nil
    return nil
  end
  self.order = self.order or order_of(self) or {}
  local images, labels = {}, self.set.labels and {}
  for k = self.at * self.options.batch + 1, math.min((self.at + 1) * self.options.batch, self.set:count()) do
    local i = self.order[k] or k
    images[#images + 1] = picture(self, i)
    if labels then labels[#labels + 1] = self.set:label(i) end
  end
  self.at = self.at + 1
  return preprocess.prepare(self.prepare, images), labels
end

--- batches:state() --> { epoch =, at = }: how many batches of which epoch were handed out.
function batches:state() return { epoch = self.epoch, at = self.at } end

--- batches:restore(state): the next batch is the one that came next when state() was asked.
function batches:restore(state) self.epoch, self.at, self.order = state.epoch, state.at, nil end

return batches
