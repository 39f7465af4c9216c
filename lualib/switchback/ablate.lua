-- Architecture selection as in Zeiler & Fergus 2013 (section 4.1 and table 3): variants of a net, each
-- trained alike from several seeds, and what each comes to, with its parameters and the deviation over seeds.
local check = require "switchback.check"
local interrupt = require "switchback.interrupt"
local merged = require "switchback.merged"
local store = require "switchback.ablate.store"
local trainable = require "switchback.trainable"
local variants = require "switchback.ablate.variants"

local ablate = {}

-- ---- Variants ----------------------------------------------------------------------------------------

-- Shape of one picture for the net.
local function picture_shape(net)
  local shape, size = { table.unpack(net.inputs[1].shape) }, (net.preprocess or {}).size
  shape[1] = 1
  for i, n in ipairs(size and #shape == 4 and { size, size } or {}) do
    if shape[2 + i] == 0 then shape[2 + i] = type(n) == "table" and n[i] or n end
  end
  return shape
end

local function classes_of(net) return net:shapes()[net:logits()][2] end

-- The variant of a net; raises where it cannot be so.
local function made_of(variant, net)
  local made = variant.make(net)
  local got, want = classes_of(made), classes_of(net)
  if got ~= want then error(("it has scores for %d classes in place of %d"):format(got, want), 0) end
  return made
end

-- The variant with what it costs. Raises, in its name, where the net cannot be so; answers nil where that is
-- only `tried`, and where it is the net as it is.
local function weighed(variant, net, tried)
  local ok, made = pcall(made_of, variant, net)
  if not ok and not tried then
    error(("ablate: %s: %s"):format(variant.name, (made:gsub("^[^\n:]+:%d+: ", ""))), 0)
  end
  if tried and (not ok or tostring(made) == tostring(net)) then return nil end
  variant.flop = made:plan(picture_shape(made), { record = false }).forward.flop
  variant.parameters = trainable.count(made)
  return variant
end

--- variants(net [, { remove =, width =, first = }]) --> list of { name =, parameters = (trained ones),
-- flop = (of a picture forward), make = function(net) --> net }, the net itself first. Each option is a list
-- of texts: remove = { "conv3+conv4" }, width = { "x0.5", "fc6+fc7:x2", "conv3:512+conv4:1024" }, first =
-- { "7/2" } (variants.lua); default: the paper's, as far as the net can have them; {} or { "none" }: none.
-- Raises, with the variant's name, for unknown layers and for what cannot be made to fit.
function ablate.variants(net, options)
  local o = check.options("ablate.variants", options, { remove = false, width = false, first = false })
  local list = { weighed({ name = "original", make = function(n) return n end }, net) }
  for _, kind in ipairs { "remove", "width", "first" } do
    local texts = o[kind] or variants.defaults(net, kind)
    for _, text in ipairs(texts[1] == "none" and {} or texts) do
      list[#list + 1] = weighed(variants[kind](text), net, not o[kind])
      collectgarbage()
    end
  end
  return list
end

-- ---- Trainings ---------------------------------------------------------------------------------------

local OPTIONS = { variants = false, train = false, seeds = { 1, 2 }, path = false, settings = {},
                  resume = false, progress = false, each = false }

-- Steps of training that are left, one of the original net being 1.
local function cost(o, variant, done)
  local left = 0
  for _, seed in ipairs(o.seeds) do left = left + (store.run_of(done, variant.name, seed) and 0 or 1) end
  return left * variant.flop / math.max(1, o.variants[1].flop)
end

local function watch(self, variant, seed)
  local share = variant.flop / math.max(1, self.o.variants[1].flop)
  local before = self.spent
  self.spent = before + share
  if not self.o.progress then return nil end
  return function(done, total, note)
    local parts = 1000 -- of a training of the original net
    self.o.progress(math.floor(parts * (before + share * done / total)), math.floor(parts * self.total),
      ("%s, seed %d: %s"):format(variant.name, seed, note))
  end
end

-- Share of the pictures that a net gets wrong.
local function errors(net, set)
  local found = require("switchback.train.measure").data_set(net, set)
  return { top1 = 1 - found.top1, top5 = 1 - found.top5 }
end

local function trained(self, net, variant, seed)
  local o = self.o.train(net, seed)
  o.net, o.data, o.seed, o.progress = net, self.data, seed, watch(self, variant, seed)
  o.checkpoint = store.checkpoint(self.o.path, variant.name, seed)
  o.resume = self.o.resume
  local _, history = require("switchback.train").run(o)
  return history.ended == "epochs"
end

-- --> what one training came to; nil after Ctrl-C. A loss that is no number is a result too.
local function run(self, variant, seed)
  local net = variant.make(self.net):reset { seed = seed }
  local ok, ended = pcall(trained, self, net, variant, seed)
  if not ok and not tostring(ended):find("^train: the loss is ") then error(ended, 0) end
  if not ok then return { seed = seed, failed = ended } end
  if not ended then return nil end
  local own, other = errors(net, self.data), errors(net, self.validate)
  return { seed = seed, train = own.top1, top1 = other.top1, top5 = other.top5 }
end

-- Checkpoints that another run left must not be gone on from when this one is resumed.
local function forget_checkpoints(o)
  for _, variant in ipairs(o.variants) do
    for _, seed in ipairs(o.seeds) do os.remove(store.checkpoint(o.path, variant.name, seed)) end
  end
end

local function run_all(self)
  for _, seed in ipairs(self.o.seeds) do
    for _, variant in ipairs(self.o.variants) do
      if not store.run_of(self.done, variant.name, seed) then
        local found = run(self, variant, seed)
        if not found then return end
        store.add(self.done, variant.name, found)
        store.save(self.o.path, self.settings, self.done)
        os.remove(store.checkpoint(self.o.path, variant.name, seed))
        if self.o.each then self.o.each(variant, found) end
        collectgarbage()
      end
    end
  end
  self.complete = true
end

-- ---- The table ---------------------------------------------------------------------------------------

local function statistics(runs, key)
  local n, sum, squares = 0, 0, 0
  for _, r in ipairs(runs) do n, sum = n + (r[key] and 1 or 0), sum + (r[key] or 0) end
  for _, r in ipairs(runs) do squares = squares + (r[key] and (r[key] - sum / n) ^ 2 or 0) end
  return n > 0 and { mean = sum / n, deviation = n > 1 and math.sqrt(squares / (n - 1)) or nil } or nil
end

local function rows_of(self)
  local rows = {}
  for i, variant in ipairs(self.o.variants) do
    local row = { variant = variant.name, parameters = variant.parameters, flop = variant.flop, runs = {} }
    for _, seed in ipairs(self.o.seeds) do
      row.runs[#row.runs + 1] = store.run_of(self.done, variant.name, seed)
    end
    for _, key in ipairs { "train", "top1", "top5" } do row[key] = statistics(row.runs, key) end
    rows[i] = row
  end
  return rows
end

-- What must be the same for results to stand in one table.
local function settings_of(net, data, validate, o)
  local settings = merged({ parameters = o.variants[1].parameters, pictures = #data, classes = #data.classes,
                            data = data.name, validation = #validate, model = net.source or "" }, o.settings)
  for key, value in pairs(settings) do settings[key] = tostring(value) end
  return settings
end

--- run(net, data, validate, options) --> rows, complete. Trains each variant of the net on the data set
-- `data` from each seed, which draws its weights (He et al. 2015) and orders the data, and measures it on
-- `data`, as it is, and on `validate`. The net's preprocessing and labels are completed from `data`, as by
-- sb.train. A row is { variant = name, parameters =, flop =, runs = { { seed =, train = (share of data
-- wrong), top1 =, top5 = (shares of validate wrong) } ... }, train, top1, top5 = { mean =, deviation = (the
-- sample's, over seeds; nil of one seed) } }. A training whose loss is no number has a run
-- { seed =, failed = message } and counts in no mean. complete: false after Ctrl-C. options:
--   variants  of ablate.variants(net) (default)
--   train     function(net, seed) --> table of options for sb.train: epochs, batch, optimizer (a new one)...
--   seeds     { 1, 2 }
--   path      a file, .json: what is done is kept in it, after each training, whole or not at all; beside it
--             a checkpoint of the training that runs
--   settings  { name = text or number }: what else results depend on. resume = true goes on from path, to the
--             table of a run without a break; variants and seeds may be others, settings may not
--   progress  function(done, total, note): thousandths of a training of the net itself
--   each      function(variant, run), after each training
function ablate.run(net, data, validate, options)
  local o = check.options("ablate", options, OPTIONS)
  if not o.train or not o.path then error("ablate: give train = function and path = file", 2) end
  if not data.classes or not validate then error("ablate: give pictures of classes, and some to test", 2) end
  if #o.seeds == 0 then error("ablate: give at least one seed", 2) end
  o.variants = o.variants or ablate.variants(net)
  require("switchback.train.setup").net { net = net, data = data, classes = true }
  local self = { net = net, data = data, validate = validate, o = o, spent = 0, total = 0,
                 settings = settings_of(net, data, validate, o) }
  self.done = o.resume and store.load(o.path, self.settings) or {}
  for _, variant in ipairs(o.variants) do self.total = self.total + cost(o, variant, self.done) end
  if not o.resume then forget_checkpoints(o) end
  store.save(o.path, self.settings, self.done)
  local stopped = interrupt.caught(run_all, self)
  return rows_of(self), not stopped and self.complete
end

return ablate
