-- Checkpoints of a run: all that the next step depends on, in one safetensors file, written atomically.
-- Numbers are kept in hexadecimal, to the last bit.
local checkpoints = require "switchback.checkpoint"
local exact = require "switchback.exact"
local lists = require "switchback.optimize.lists"
local safetensors = require "switchback.formats.safetensors"

local checkpoint = {}

local FORMAT <const> = "switchback run 1"

-- What must be the same for a run to go on from a checkpoint.
local function identity(run)
  local sizes = {}
  for i, octave in ipairs(run.plan) do
    sizes[i] = octave.h and ("%dx%d"):format(octave.h, octave.w) or "own size"
  end
  return { parameterisation = run.p and run.p.name, objective = run.objective.name,
           seed = exact.number(run.o.seed),
           octaves = table.concat(sizes, " ") }
end

local function history_text(history, metadata)
  metadata.history, metadata.history_octaves = exact.joined(history), exact.joined(history.octaves)
  for i, term in ipairs(history.terms) do metadata["history_" .. i] = exact.joined(term.values) end
end

-- save(path, run) writes a checkpoint between two steps. Raises if it cannot.
function checkpoint.save(path, run)
  local state, tensors = run.optimizer:state(), {}
  lists.store(tensors, "values", run.p.values)
  lists.store(tensors, "best", run.best)
  for name, t in pairs(state.tensors) do tensors["optimizer/" .. name] = t end
  local metadata = identity(run)
  exact.store(metadata, "optimizer/", state.numbers)
  metadata.format, metadata.rng = FORMAT, exact.hex(run.rng:state())
  metadata.at = exact.joined { run.octave, run.step, run.done, run.stale }
  metadata.best_loss = run.best_loss and exact.number(run.best_loss)
  history_text(run.history, metadata)
  assert(safetensors.save(path, tensors, metadata))
end

local function restore_values(path, tensors, p)
  for i, value in ipairs(p.values) do
    checkpoints.copy(path, "value " .. i, tensors["values/" .. i], value)
  end
end

local function restore_history(history, metadata)
  for i, value in ipairs(exact.split(metadata.history)) do history[i] = value end
  history.octaves = exact.split(metadata.history_octaves)
  for i, term in ipairs(history.terms) do term.values = exact.split(metadata["history_" .. i]) end
end

local function restore(path, run, tensors, metadata, begin_octave)
  local octave, step, done, stale = table.unpack(exact.split(metadata.at))
  begin_octave(run, octave)
  checkpoints.check(path, metadata, identity(run))
  restore_values(path, tensors, run.p)
  run.step, run.done, run.stale = step, done, stale
  run.best, run.best_loss = lists.fetch(tensors, "best"), tonumber(metadata.best_loss)
  run.rng:restore(exact.unhex(metadata.rng))
  run.optimizer:restore { tensors = exact.below(tensors, "optimizer/"),
                          numbers = exact.below(metadata, "optimizer/", tonumber) }
  restore_history(run.history, metadata)
end

-- load(path, run, begin_octave) puts a run that has not begun where the checkpoint was written; if there is
-- no such file, nothing happens. Raises for a file that is no checkpoint, or one of another run.
function checkpoint.load(path, run, begin_octave)
  local tensors, metadata = checkpoints.read(path, FORMAT, "a run")
  if tensors then restore(path, run, tensors, metadata, begin_octave) end
end

return checkpoint
