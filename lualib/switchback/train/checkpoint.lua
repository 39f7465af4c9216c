-- Checkpoints of training: weights, running statistics, optimiser, generator, the place in the data and the
-- history, in one safetensors file, which is written whole or not at all.
local checkpoints = require "switchback.checkpoint"
local exact = require "switchback.exact"
local safetensors = require "switchback.formats.safetensors"
local zoo = require "switchback.zoo"

local checkpoint = {}

local FORMAT <const> = "switchback training 1"
local COLUMNS <const> = { "epoch", "rate", "loss", "accuracy", "validation_loss", "top1", "top5", "seconds" }
checkpoint.columns = COLUMNS

-- with(more) --> the columns of a history with more of them, for runs that have them.
function checkpoint.with(more) return table.move(more, 1, #more, #COLUMNS + 1, { table.unpack(COLUMNS) }) end

-- What must be the same for a run to go on from a checkpoint.
local function identity(run)
  local fields = { seed = exact.number(run.o.seed), epochs = exact.number(run.o.epochs),
                   batch = exact.number(run.o.batch), steps = exact.number(run.steps),
                   schedule = run.schedule.name or "custom", weights = exact.number(#run.values) }
  if #run.o.columns > 0 then fields.columns = table.concat(run.o.columns, ", ") end
  for name, text in pairs(run.o.identity) do fields[name] = text end
  return fields
end

local function history_text(history, columns)
  local rows = {}
  for i, row in ipairs(history) do
    local cells = {}
    for k, column in ipairs(columns) do cells[k] = row[column] and exact.number(row[column]) or "-" end
    rows[i] = table.concat(cells, " ")
  end
  return table.concat(rows, "\n")
end

local function restore_history(history, text, columns)
  for line in text:gmatch "[^\n]+" do
    local row, k = {}, 0
    for cell in line:gmatch "%S+" do
      k = k + 1
      row[columns[k]] = exact.value(cell)
    end
    history[#history + 1] = row
  end
end

-- save(path, run) writes a checkpoint between two steps. Raises if it cannot.
function checkpoint.save(path, run)
  local tensors, state, metadata = {}, run.optimizer:state(), identity(run)
  for name, t in pairs(zoo.tensors(run.net)) do tensors["net/" .. name] = t end
  for name, t in pairs(state.tensors) do tensors["optimizer/" .. name] = t end
  exact.store(metadata, "optimizer/", state.numbers)
  exact.store(metadata, "schedule/", run.schedule:state())
  exact.store(metadata, "data/", run.loader:state())
  exact.store(metadata, "seen/", run.seen)
  metadata.format, metadata.rng = FORMAT, exact.hex(run.rng:state())
  metadata.at = exact.joined { run.epoch, run.at, run.used_up and 1 or 0 }
  metadata.history = history_text(run.history, checkpoint.with(run.o.columns))
  assert(safetensors.save(path, tensors, metadata))
end

local function restore_weights(path, net, tensors)
  for name, value in pairs(zoo.tensors(net)) do
    checkpoints.copy(path, ("weight '%s'"):format(name), tensors["net/" .. name], value)
  end
end

-- load(path, run) --> true, with the run where the checkpoint was written; false if there is no such file.
-- Raises for a file that is no checkpoint, or one of another run.
function checkpoint.load(path, run)
  local tensors, metadata = checkpoints.read(path, FORMAT, "training")
  if not tensors then return false end
  checkpoints.check(path, metadata, identity(run))
  restore_weights(path, run.net, tensors)
  run.optimizer:restore { tensors = exact.below(tensors, "optimizer/"),
                          numbers = exact.below(metadata, "optimizer/", exact.value) }
  run.schedule:restore(exact.below(metadata, "schedule/", exact.value))
  run.loader:restore(exact.below(metadata, "data/", exact.value))
  run.seen = exact.below(metadata, "seen/", exact.value)
  run.rng:restore(exact.unhex(metadata.rng))
  local used_up
  run.epoch, run.at, used_up = table.unpack(exact.split(metadata.at))
  run.used_up = used_up == 1
  restore_history(run.history, metadata.history, checkpoint.with(run.o.columns))
  return true
end

return checkpoint
