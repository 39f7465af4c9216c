-- sb.train on a toy task: it learns, stops with words, and goes on to the same bytes.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"
local toy = require "toy_training"
local zoo = require "switchback.zoo"

local T = {}

local function options(more)
  local o = { net = toy.net(), data = toy.loader(1), epochs = 3,
              optimizer = sb.optim.sgd { rate = 0.02, momentum = 0.9, nesterov = true, weight_decay = 1e-3 },
              schedule = sb.schedule.cosine { warmup = 1 } }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

local function same_weights(a, b)
  local other = zoo.tensors(b)
  for name, t in pairs(zoo.tensors(a)) do lu.assertTrue(t == other[name], name) end
end

function T.test_it_learns()
  local net, history = sb.train(options { epochs = 8, validate = toy.loader(99) })
  lu.assertEquals(#history, 8)
  lu.assertEquals(history.ended, "epochs")
  lu.assertTrue(history[8].top1 > 0.8, tostring(history[8].top1))
  lu.assertTrue(history[8].loss < 0.6 * history[1].loss)
  lu.assertTrue(history[8].accuracy > history[1].accuracy)
  local x, labels = toy.loader(5, 50):next()
  local found, right = net:forward(x), 0
  for i, label in ipairs(labels) do right = right + (found:top(1, i)[1].index == label and 1 or 0) end
  lu.assertTrue(right > 33, tostring(right))
end

-- Clipped, a step of rate 1 is as long as the clip and goes the same way.
function T.test_clipping()
  local function weights_after(clip)
    local net = sb.train(options { epochs = 1, data = toy.loader(1, 12, 1), clip = clip,
      optimizer = sb.optim.sgd { rate = 1 }, schedule = sb.schedule.constant {} })
    return zoo.tensors(net)
  end
  local before, free, clipped = zoo.tensors(toy.net()), weights_after(false), weights_after(0.01)
  local sum = 0
  for name, t in pairs(clipped) do
    if not name:find "running" then
      local moved, moved_free = t - before[name], free[name] - before[name]
      sum = sum + moved:dot(moved)
      lu.assertTrue(moved:norm() == 0 or moved:dot(moved_free) > 0.999 * moved:norm() * moved_free:norm())
    end
  end
  lu.assertAlmostEquals(math.sqrt(sum), 0.01, 1e-5)
end

function T.test_frozen_weights_stay()
  local net = toy.net()
  net:freeze "conv1"
  local before = zoo.tensors(toy.net())
  sb.train(options { net = net, epochs = 1 })
  local after = zoo.tensors(net)
  lu.assertTrue(after["conv1.weight"] == before["conv1.weight"])
  lu.assertFalse(after["fc1.weight"] == before["fc1.weight"])
  net:freeze()
  h.error_has(sb.train, "train: the net has no weights to train, or all are frozen", options { net = net })
end

function T.test_any_number_of_threads_gives_the_same_bytes()
  local nets = {}
  for n = 1, 3 do
    sb.threads(n)
    nets[n] = sb.train(options { epochs = 2 })
  end
  sb.threads(2)
  same_weights(nets[1], nets[2])
  same_weights(nets[1], nets[3])
end

function T.test_it_goes_on_from_a_checkpoint()
  local path = h.temporary "toy.checkpoint"
  local whole, history = sb.train(options { optimizer = sb.optim.adam { rate = 0.01 } })
  local steps = 0
  local function broken(resume)
    return options { optimizer = sb.optim.adam { rate = 0.01 }, checkpoint = path, checkpoint_every = 2,
      resume = resume, progress = function()
        steps = steps + 1
        if not resume and steps == 11 then error "the power fails" end
      end }
  end
  h.error_has(sb.train, "the power fails", broken(false))
  local again, rest = sb.train(broken(true))
  same_weights(whole, again)
  lu.assertEquals(#rest, 3)
  lu.assertEquals(steps, 11 + 18 - 10)
  for i, row in ipairs(rest) do
    lu.assertEquals({ row.loss, row.accuracy }, { history[i].loss, history[i].accuracy })
  end
  h.error_has(sb.train, "the checkpoint is of another run: its epochs is 3, here it is 4",
    options { checkpoint = path, resume = true, epochs = 4 })
end

function T.test_a_loss_that_is_no_number_is_located()
  local data = toy.loader(1)
  local plain = data.next
  function data:next()
    local x, labels = plain(self)
    if self.at == 9 then x[{ 1, 1, 1, 1 }] = 0 / 0 end
    return x, labels
  end
  h.error_has(sb.train, "train: the loss is not a number at epoch 2, step 3: layer 'conv1' is the first",
    options { data = data })
end

function T.test_snapshots_and_rows()
  local kept, rows = {}, {}
  sb.train(options { snapshots = { 1, 3 }, snapshot = function(_, epoch) kept[#kept + 1] = epoch end,
                     each_epoch = function(row) rows[#rows + 1] = row.epoch end })
  lu.assertEquals(kept, { 1, 3 })
  lu.assertEquals(rows, { 1, 2, 3 })
end

-- What a criterion tells besides the loss is in the rows as the epoch's mean; a function may validate, and no
-- classes need be there.
function T.test_other_tasks_than_classes()
  local told, path = 0, h.temporary "other.checkpoint"
  local function other(epochs, resume)
    return options { classes = false, epochs = epochs, columns = { "twice", "far", "step" },
      criterion = function(outputs, labels, gradient)
        local loss, g = sb.criterion.cross_entropy {}(outputs, labels, gradient)
        told = told + 1
        return loss, g, { twice = 2 * loss }
      end, checkpoint = path, resume = resume, identity = { size = "8" },
      validate = function(net) return { loss = 7, far = net:parameter_count() } end }
  end
  local _, rows = sb.train(other(2))
  lu.assertEquals(told, 12)
  for epoch, row in ipairs(rows) do
    lu.assertAlmostEquals(row.twice, 2 * row.loss, 1e-12)
    lu.assertEquals({ row.validation_loss, row.far, row.step, row.accuracy },
      { 7, toy.net():parameter_count(), 6 * epoch, nil })
  end
  local _, again = sb.train(other(2, true))
  lu.assertEquals(again[2].twice, rows[2].twice)
  local changed = other(2, true)
  changed.identity = { size = "9" }
  h.error_has(sb.train, "its size is 8, here it is 9", changed)
  local _, mean = sb.train(options { classes = false, epochs = 1, validate = toy.loader(9) })
  lu.assertTrue(mean[1].validation_loss > 0 and mean[1].top1 == nil)
end

function T.test_wrong_options_are_named()
  h.error_has(sb.train, "train: unknown option 'epoch'; did you mean 'epochs'", options { epoch = 3 })
  h.error_has(sb.train, "train: give data =", { net = toy.net() })
  h.error_has(sb.train, "train: epochs must be a whole number of at least 1, got 0", options { epochs = 0 })
  h.error_has(sb.train, "train: resume and checkpoint_every need checkpoint = file",
    options { resume = true })
end

return T
