-- A training run that test_kill.lua kills and starts again: killed_child.lua DATA CHECKPOINT OUT
-- Pictures from files, with augmentation, dropout and batch norm, so that every part of the state matters.
-- Writes OUT when it is done.
package.path = arg[0]:match "^(.*)/train/" .. "/?.lua;" .. package.path
local sb = require "switchback"
local toy = require "toy_training"
local zoo = require "switchback.zoo"

local data, checkpoint, out = table.unpack(arg, 1, 3)
local net = sb.train {
  net = toy.net(), data = assert(sb.data.open(data)), epochs = 25, batch = 8, seed = 5,
  augment = { sb.augment.random_crop { size = 8, padding = 1 }, sb.augment.horizontal_flip {} },
  optimizer = sb.optim.adamw { rate = 0.01 }, schedule = sb.schedule.cosine { warmup = 1 },
  checkpoint = checkpoint, checkpoint_every = 3, resume = true,
}
assert(sb.safetensors.save(out, zoo.tensors(net)))
