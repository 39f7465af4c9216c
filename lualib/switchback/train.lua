-- sb.train: trains a net.
local check = require "switchback.check"
local checkpoint = require "switchback.train.checkpoint"
local core = require "switchback.core"
local interrupt = require "switchback.interrupt"
local step = require "switchback.train.step"

local train = {}

local OPTIONS = {
  net = false, data = false, validate = false, epochs = 1, batch = 64, optimizer = false, schedule = false,
  criterion = false, clip = false, augment = false, size = false, seed = 0, drop_last = true, classes = true,
  checkpoint = false, checkpoint_every = false, resume = false, snapshots = false, snapshot = false,
  progress = false, each_epoch = false, columns = {}, identity = {},
}

local Run = {}
Run.__index = Run

-- ---- After a step ----------------------------------------------------------------------------------

local function report(self)
  local o, seen = self.o, self.seen
  if o.progress then
    local seconds = core.system.clock() - self.started
    local done = (self.epoch - 1) * self.steps + self.at
    local accuracy = self.classes and ("accuracy %.1f %%, "):format(100 * seen.right / seen.count) or ""
    o.progress(done - self.first, o.epochs * self.steps - self.first,
      ("epoch %d/%d, loss %.4f, %s%.0f images/s"):format(self.epoch, o.epochs, seen.loss / seen.count,
        accuracy, self.images / seconds))
  end
  if o.checkpoint_every and self.at % o.checkpoint_every == 0 then checkpoint.save(o.checkpoint, self) end
end

-- Takes the next step, or finds that the epoch's data are used up.
local function next_step(self)
  local x, targets = self.loader:next()
  self.used_up = not x
  if not x then return end
  self.at = self.at + 1
  self.optimizer.rate = self.rate *
    self.schedule:factor(self.epoch - 1 + (self.at - 1) / self.steps, self.o.epochs)
  step.take(self, x, targets)
  report(self)
end

-- ---- Epochs ----------------------------------------------------------------------------------------

local function begin_epoch(self, epoch)
  self.epoch, self.at, self.used_up = epoch, 0, false
  self.seen = { count = 0, loss = 0, right = 0 }
end

local function validation(self)
  if type(self.o.validate) == "function" then return self.o.validate(self.net) end
  if not self.validation then return {} end
  local measure = require "switchback.train.measure"
  if not self.classes then return measure.mean(self.net, self.validation, self.criterion) end
  return measure.classifier(self.net, self.validation, { criterion = self.criterion })
end

local function is_snapshot(o, epoch)
  for _, chosen in ipairs(o.snapshots or {}) do
    if chosen == epoch then return true end
  end
  return false
end

local function end_epoch(self, found)
  local seen, o = self.seen, self.o
  local row = { epoch = self.epoch, step = self.epoch * self.steps, rate = self.optimizer.rate,
                loss = seen.loss / seen.count, accuracy = self.classes and seen.right / seen.count or nil,
                validation_loss = found.loss, top1 = found.top1, top5 = found.top5,
                seconds = core.system.clock() - self.begun }
  for _, name in ipairs(o.columns) do
    row[name] = row[name] or found[name] or seen[name] and seen[name] / seen.count
  end
  self.history[#self.history + 1] = row
  self.schedule:observe(row.validation_loss or row.loss)
  if o.snapshot and is_snapshot(o, self.epoch) then o.snapshot(self.net, self.epoch) end
  if o.each_epoch then o.each_epoch(row, self.history) end
  begin_epoch(self, self.epoch + 1)
  if o.checkpoint then checkpoint.save(o.checkpoint, self) end
end

local function run_all(self)
  while self.epoch <= self.o.epochs do
    self.begun = core.system.clock()
    while not self.used_up do core.system.uninterrupted(next_step, self) end
    core.system.uninterrupted(end_epoch, self, validation(self))
  end
end

-- ---- Setting up ------------------------------------------------------------------------------------

local function given(o)
  check.integer("train", "epochs", o.epochs, 1)
  check.integer("train", "batch", o.batch, 1)
  for _, name in ipairs { "net", "data" } do
    if not o[name] then error(("train: give %s ="):format(name), 0) end
  end
  if (o.resume or o.checkpoint_every) and not o.checkpoint then
    error("train: resume and checkpoint_every need checkpoint = file", 0)
  end
  return o
end

local function new_run(o)
  local sb = require "switchback"
  local setup = require "switchback.train.setup"
  setup.net(o)
  local self = setmetatable({ o = o, net = o.net, classes = o.classes, images = 0, history = {},
    loader = setup.loader(o), validation = setup.validation(o), rng = sb.rng(o.seed),
    optimizer = o.optimizer or sb.optim.sgd { rate = 0.05, momentum = 0.9 },
    schedule = o.schedule or sb.schedule.constant {}, clip = o.clip,
    criterion = o.criterion or sb.criterion.cross_entropy {} }, Run)
  self.values, self.gradients = step.weights(o.net)
  self.steps, self.rate = self.loader:steps(), self.optimizer.rate
  begin_epoch(self, 1)
  if o.resume then checkpoint.load(o.checkpoint, self) end
  self.first, self.started = (self.epoch - 1) * self.steps + self.at, core.system.clock()
  return self
end

-- train{ net =, data =, validate =, epochs = 1, ... } --> net, history
-- net: whose weights are changed in place, but for frozen ones (net:freeze). data, validate: data sets
-- (data.lua), or loaders of one (x:next(), :steps(), :state(), :restore(), as sb.data.batches gives), whose
-- batches are tensors, or { [input] = tensor } for nets of several inputs. validate may also be a
-- function(net) --> { loss =, [column] = number }.
-- The net's preprocessing gives size, channels, mean and std of what it reads; what it does not say comes
-- from the net's input and from the data's statistics, and is noted in net.preprocess, as the data's classes
-- are in net.labels. Options:
--   epochs = 1, batch = 64, seed = 0 (order of the data, augmentation, dropout)
--   optimizer     optim.lua; default sb.optim.sgd{ rate = 0.05, momentum = 0.9 }
--   schedule      schedule.lua; default sb.schedule.constant{}
--   criterion     criterion.lua; default sb.criterion.cross_entropy{}, of the scores before softmax
--   classes       true; false for targets that are not classes: the criterion gets the net's first output
--   clip          largest norm of the gradient, all weights together
--   augment       transforms of the training pictures (augment.lua)
--   size          {h, w} of the pictures (default: the net's)
--   drop_last     true: pictures that fill no batch are left out, others each epoch
--   checkpoint    a file, written after each epoch and each checkpoint_every steps, whole or not at all, and
--                 on Ctrl-C. resume = true: goes on from it, if it is there, to the bytes of a run without a
--                 break; all other options must be those of the run that wrote it
--   snapshot      function(net, epoch), called after the epochs of the list `snapshots`
--   progress      function(done, total, note), called after each step
--   each_epoch    function(row, history), called after each epoch
--   columns       names of more numbers for the rows: of what the criterion tells besides the loss, as a mean
--                 over the epoch, or `validate` does
--   identity      { name = text } of what else must be the same for a run to go on from a checkpoint
-- history: a row an epoch, { epoch =, rate =, loss =, accuracy = (of the training batches as they went by),
-- validation_loss =, top1 =, top5 =, seconds =, step = }, accuracies from 0 to 1; history.ended is "epochs",
-- or "interrupted" by Ctrl-C, which waits for the end of a step. Equal seeds give equal bytes at any number
-- of threads. Raises for unknown options, a checkpoint of another run, and where the loss is no finite
-- number, with the epoch, the step and the layer.
function train.run(options)
  local self = new_run(given(check.options("train", options, OPTIONS)))
  local stopped = interrupt.caught(run_all, self)
  if stopped and self.o.checkpoint then checkpoint.save(self.o.checkpoint, self) end
  self.history.ended = stopped and "interrupted" or "epochs"
  return self.net, self.history
end

return train
