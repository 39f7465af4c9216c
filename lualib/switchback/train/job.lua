-- What a recipe that trains asks for, from the values of its options: data, net, optimiser, augmentation, and
-- the files that a job leaves beside its net.
local file = require "switchback.file"
local paths = require "switchback.paths"
local record = require "switchback.train.record"

local job = {}

-- Of classes = { "3" } the first three, of { "cat", "dog" } those two.
local function chosen(set, classes)
  if not classes then return set end
  local n = #classes == 1 and math.tointeger(tonumber(classes[1]))
  if not n then return set:only(classes) end
  return set:only(table.move(set.classes, 1, math.min(n, #set.classes), 1, {}))
end

-- data(o) --> the set to train on, that to validate on or nil. o: data, validate, classes.
function job.data(o)
  local data = require "switchback.data"
  local train = chosen(assert(data.open(o.data, { part = "train" })), o.classes)
  if not train.classes then error(o.data .. ": its pictures have no classes", 0) end
  local test
  if o.validate then
    test = assert(data.open(o.validate, { part = "test" }))
  elseif require("switchback.core").files.kind(o.data) == "folder" then
    test = data.open(o.data, { part = "test" })
    if test and test.name == train.name and #test == #train then test = nil end -- a folder without parts
  end
  return train, test and chosen(test, o.classes)
end

-- net(o, set) --> the net to train, for the classes of the set. o: model, seed, freeze.
function job.net(o, set)
  local sb, zoo = require "switchback", require "switchback.zoo"
  local from_zoo = zoo.has(o.model)
  local net = sb.load(o.model, from_zoo and { untrained = true, seed = o.seed,
    classes = #set.classes } or nil)
  local p = net.preprocess
  if from_zoo and p then
    net.preprocess = { size = p.size, channels = p.channels } -- the data's own mean and deviation
  elseif net:shapes()[net:logits()][2] ~= #set.classes then
    net = net:head(#set.classes, { seed = o.seed })
  end
  if o.freeze then net:freeze(o.freeze) end
  return net
end

-- optimizer(o) --> optimiser. o: optimizer, rate, momentum, weight_decay.
function job.optimizer(o)
  local optim = require "switchback.optim"
  if o.optimizer == "sgd" then
    return optim.sgd { rate = o.rate or 0.05, momentum = o.momentum, nesterov = o.momentum > 0,
                       weight_decay = o.weight_decay }
  end
  return optim[o.optimizer] { rate = o.rate or 0.001, weight_decay = o.weight_decay }
end

local augmentations = {}

function augmentations.crop(augment, size)
  return augment.random_crop { size = size, padding = math.max(size[1], size[2]) // 8, fill = "reflect" }
end
function augmentations.resized(augment, size)
  return augment.random_resized_crop { size = size, scale = { 0.35, 1 } }
end
function augmentations.flip(augment) return augment.horizontal_flip {} end
function augmentations.jitter(augment)
  return augment.color_jitter { brightness = 0.3, contrast = 0.3, saturation = 0.3 }
end
function augmentations.rotate(augment) return augment.rotation { degrees = 10 } end

-- augment(o, net) --> list of augmentations, or nil. o: augment, a list of: crop (shifts by up to an eighth),
-- resized (parts of 35 % to all of the picture), flip, jitter (brightness, contrast, saturation by up to
-- 30 %), rotate (by up to 10 degrees).
function job.augment(o, net)
  if not o.augment then return nil end
  local augment, list = require "switchback.augment", {}
  local shape = net.inputs[1].shape
  local size = shape[3] > 0 and { shape[3], shape[4] } or net.preprocess and net.preprocess.size
  for i, name in ipairs(o.augment) do
    require("switchback.check").choice("train", "augmentation", name, { "crop", "resized", "flip", "jitter",
      "rotate" })
    if not size and name ~= "flip" and name ~= "jitter" and name ~= "rotate" then
      error(("train: augmentation '%s' needs a net of a fixed size"):format(name), 0)
    end
    list[i] = augmentations[name](augment, size)
  end
  return list
end

local function line_of(row)
  local parts = { ("epoch %d  rate %.4g  loss %.4f"):format(row.epoch, row.rate, row.loss) }
  if row.accuracy then parts[#parts + 1] = ("accuracy %.1f %%"):format(100 * row.accuracy) end
  if row.top1 then
    parts[#parts + 1] = ("validation %.4f  top-1 %.1f %%  top-5 %.1f %%"):format(row.validation_loss,
      100 * row.top1, 100 * row.top5)
  end
  parts[#parts + 1] = ("%.0f s"):format(row.seconds)
  return table.concat(parts, "  ")
end

-- files(o) --> { stem =, checkpoint = path, snapshot = function, log = function(report [, form]) -->
-- each_epoch, save = function(net, report) }: what is written beside o.out. form: how a run that is not a
-- classifier's shows its history, { line = function(row) --> text, columns =, charts = function(history) }.
function job.files(o)
  local stem = o.out:gsub("%.[^./]*$", "")
  assert(file.make_folders(paths.folder(o.out)))
  local files = { stem = stem, checkpoint = stem .. ".checkpoint" }
  function files.snapshot(net, epoch) net:save(("%s-epoch%03d.safetensors"):format(stem, epoch)) end
  function files.log(report, form)
    form = form or { line = line_of, charts = record.charts }
    return function(row, history)
      report:say("%s", form.line(row))
      record.write(stem, history, form.columns, form.charts(history))
    end
  end
  function files.save(net, report)
    net:save(o.out)
    report:note(o.out)
    for _, extension in ipairs { ".csv", ".svg", ".png" } do report:note(stem .. extension) end
  end
  return files
end

return job
