-- Batches of a data set's pictures, epoch after epoch, made ready by threads ahead of their use.
local augment = require "switchback.augment"
local check = require "switchback.check"
local core = require "switchback.core"
local preprocess = require "switchback.preprocess"

local batches = {}
batches.__index = batches

local DEFAULTS = { batch = 64, shuffle = false, seed = false, augment = false, threads = 2, ahead = 2,
  drop_last = false, size = false, crop = "square", channels = false, scale = 1, mean = 0, std = 1 }

local function check_numbers(o)
  check.integer("data.batches", "batch", o.batch, 1)
  check.integer("data.batches", "threads", o.threads, 0)
  check.integer("data.batches", "ahead", o.ahead, 1)
  for _, name in ipairs { "shuffle", "seed" } do
    if o[name] and math.type(o[name]) ~= "integer" then
      error(("data.batches: %s must be a whole number or false, got %s"):format(name, tostring(o[name])), 3)
    end
  end
end

local function picture(set, i)
  local t, message = set:picture(i)
  return t or error(message, 0)
end

-- How a picture becomes a part of the batch: fields of runtime/treatment.h.
local function treatment(set, o, steps)
  local p = preprocess.complete { size = o.size or nil, crop = o.crop, scale = o.scale, mean = o.mean,
    std = o.std, channels = o.channels or (set.channels == 1 and "grey" or "RGB") }
  local size = p.size
  if not size then
    local first = augment.apply(steps, picture(set, 1), 0)
    size = { first:size(2), first:size(3) }
  end
  return { channels = set.channels, height = size[1], width = size[2], fit = p.size ~= nil,
    square = p.crop == "square", order = p.channels, scale = p.scale, mean = p.mean, std = p.std }
end

--- new(set, options) --> batches. options:
--   batch      pictures a batch (64); the last one of an epoch may be smaller, unless drop_last is true
--   shuffle    seed of the order, another one each epoch; false (default): the set's own order
--   augment    a list of augmentations (sb.augment), random for each picture in each epoch
--   seed       of the augmentations; default: that of shuffle, or 0
--   threads    that read, decode and augment beside the script's own thread (2), which helps when it waits
--   ahead      batches that they may be ahead (2): each takes its memory
--   size, crop, channels, scale, mean, std    of a net's preprocessing, see preprocess.lua, and with the same
--              result: x = (picture * scale - mean) / std. Without a size pictures stay as they are, or as
--              augmented, and must be of one size. Default channels: the set's.
-- Order and augmentation depend on the seeds, the epoch, and the place in the epoch only.
function batches.new(set, options)
  local o = check.options("data.batches", options, DEFAULTS)
  check_numbers(o)
  if set:count() == 0 then error("data.batches: the set is empty", 2) end
  local steps = augment.compose { o.augment or {} }
  local b = { set = set, options = o, augment = steps, treatment = treatment(set, o, steps) }
  b.epoch, b.at = 1, 0
  return setmetatable(b, batches)
end

--- batches:steps() --> batches an epoch.
function batches:steps()
  local n, batch = self.set:count(), self.options.batch
  return self.options.drop_last and n // batch or (n + batch - 1) // batch
end

--- batches:size() --> {C, H, W} of the pictures in a batch.
function batches:size()
  local t = self.treatment
  return { t.order == "grey" and 1 or 3, t.height, t.width }
end

-- ---- The epoch's order -----------------------------------------------------------------------------------

-- order: places in the set; index: of the pictures there.
local function begin_epoch(self)
  local set, shuffle, order = self.set, self.options.shuffle, nil
  if shuffle then
    local base = core.rng.new(shuffle):integer(0, 1 << 62)
    order = core.rng.new(base + self.epoch):permutation(set:count())
  end
  self.order, self.index = order, set.index
  if not order then return end
  self.index = {}
  for k, place in ipairs(order) do self.index[k] = set.index[place] end
end

local function place(self, k) return self.order and self.order[k] or k end

-- ---- Batches ---------------------------------------------------------------------------------------------

local function start(self)
  local o = self.options
  self.loader = core.loader.new(self.set.pictures, self.treatment, self.augment, o.threads, o.ahead)
  self.pushed = self.at
  begin_epoch(self)
end

local function extent(self, at)
  local first = at * self.options.batch + 1
  return first, math.min(self.options.batch, self.set:count() - first + 1)
end

local function fill_queue(self)
  local seed = self.options.seed or self.options.shuffle or 0
  while self.loader:queued() < self.options.ahead and self.pushed < self:steps() do
    local first, n = extent(self, self.pushed)
    self.loader:push(self.index, first, n, seed, self.epoch)
    self.pushed = self.pushed + 1
  end
end

local function labels_of(self, first, n)
  local labels = self.set.labels
  if not labels then return nil end
  local list = {}
  for k = 1, n do list[k] = labels[place(self, first + k - 1)] end
  return list
end

--- batches:next() --> x (N,C,H,W), labels (a list of N classes; nil in a set without labels), places (a list
-- of N: x[k] is picture places[k] of the set); nil at the end of an epoch, and the next call begins the next
-- one. Raises for a picture that cannot be read, and can then be called for the batch after that.
function batches:next()
  if self.at >= self:steps() then
    self:restore { epoch = self.epoch + 1, at = 0 }
    return nil
  end
  if not self.loader then start(self) end
  fill_queue(self)
  local first, n = extent(self, self.at)
  local x, message, at = self.loader:pop()
  self.at = self.at + 1
  fill_queue(self)
  if not x then error(("%s: %s"):format(self.set:title(place(self, first + at - 1)), message), 0) end
  local places = {}
  for k = 1, n do places[k] = place(self, first + k - 1) end
  return x, labels_of(self, first, n), places
end

--- batches:state() --> { epoch =, at = }: of which epoch how many batches were handed out.
function batches:state() return { epoch = self.epoch, at = self.at } end

--- batches:restore(state): the next batch is the one that came next when state() was asked, of batches with
-- the same set and options.
function batches:restore(state)
  check.integer("batches:restore", "epoch", state.epoch, 1)
  check.integer("batches:restore", "at", state.at, 0)
  self:close()
  self.epoch, self.at = state.epoch, state.at
end

--- batches:close() ends the threads; the next call of next() starts them again.
function batches:close()
  if self.loader then self.loader:close() end
  self.loader = nil
end

return batches
