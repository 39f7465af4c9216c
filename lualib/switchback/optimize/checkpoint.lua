-- Checkpoints of a run: all that the next step depends on, in one safetensors file, written atomically.
-- Numbers are kept in hexadecimal, to the last bit.
local lists = require "switchback.optimize.lists"
local safetensors = require "switchback.formats.safetensors"

local checkpoint = {}

local FORMAT <const> = "switchback run 1"

local function exact(n) return math.type(n) == "integer" and ("%d"):format(n) or ("%a"):format(n) end

local function joined(numbers)
  local parts = {}
  for i, n in ipairs(numbers) do parts[i] = exact(n) end
  return table.concat(parts, " ")
end

local function split(text)
  local numbers = {}
  for part in text:gmatch "%S+" do numbers[#numbers + 1] = math.tointeger(part) or tonumber(part) end
  return numbers
end

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function unhex(text)
  return (text:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

-- What must be the same for a run to go on from a checkpoint.
local function identity(run)
  local sizes = {}
  for i, octave in ipairs(run.plan) do
    sizes[i] = octave.h and ("%dx%d"):format(octave.h, octave.w) or "own size"
  end
  return { parameterisation = run.p and run.p.name, objective = run.objective.name, seed = exact(run.o.seed),
           octaves = table.concat(sizes, " ") }
end

local function history_text(history, metadata)
  metadata.history, metadata.history_octaves = joined(history), joined(history.octaves)
  for i, term in ipairs(history.terms) do metadata["history_" .. i] = joined(term.values) end
end

-- save(path, run) writes a checkpoint between two steps. Raises if it cannot.
function checkpoint.save(path, run)
  local state, tensors = run.optimizer:state(), {}
  lists.store(tensors, "values", run.p.values)
  lists.store(tensors, "best", run.best)
  for name, t in pairs(state.tensors) do tensors["optimizer/" .. name] = t end
  local metadata = identity(run)
  for name, n in pairs(state.numbers) do metadata["optimizer/" .. name] = exact(n) end
  metadata.format, metadata.rng = FORMAT, hex(run.rng:state())
  metadata.at = joined { run.octave, run.step, run.done, run.stale }
  metadata.best_loss = run.best_loss and exact(run.best_loss)
  history_text(run.history, metadata)
  assert(safetensors.save(path, tensors, metadata))
end

-- Entries of a table whose names begin with prefix, without it.
local function below(entries, prefix, convert)
  local found = {}
  for name, value in pairs(entries) do
    if name:sub(1, #prefix) == prefix then found[name:sub(#prefix + 1)] = convert(value) end
  end
  return found
end

local function same(x) return x end

local function check_identity(path, metadata, run)
  for field, here in pairs(identity(run)) do
    if metadata[field] ~= here then
      error(("%s: the checkpoint is of another run: its %s is %s, here it is %s"):format(path, field,
        metadata[field], here), 0)
    end
  end
end

local function check_format(path, metadata)
  if metadata.format ~= FORMAT then error(path .. ": not a checkpoint of a run", 0) end
end

local function restore_values(path, tensors, p)
  for i, value in ipairs(p.values) do
    local t = tensors["values/" .. i]
    local want, got = table.concat(value:size(), "x"), t and table.concat(t:size(), "x") or "missing"
    if want ~= got then
      error(("%s: value %d of the checkpoint is %s, here it is %s"):format(path, i, got, want), 0)
    end
    value:copy_(t)
  end
end

local function restore_history(history, metadata)
  for i, value in ipairs(split(metadata.history)) do history[i] = value end
  history.octaves = split(metadata.history_octaves)
  for i, term in ipairs(history.terms) do term.values = split(metadata["history_" .. i]) end
end

local function restore(path, run, tensors, metadata, begin_octave)
  local octave, step, done, stale = table.unpack(split(metadata.at))
  begin_octave(run, octave)
  check_identity(path, metadata, run)
  restore_values(path, tensors, run.p)
  run.step, run.done, run.stale = step, done, stale
  run.best, run.best_loss = lists.fetch(tensors, "best"), tonumber(metadata.best_loss)
  run.rng:restore(unhex(metadata.rng))
  run.optimizer:restore { tensors = below(tensors, "optimizer/", same),
                          numbers = below(metadata, "optimizer/", tonumber) }
  restore_history(run.history, metadata)
end

-- load(path, run, begin_octave) puts a run that has not begun where the checkpoint was written; if there is
-- no such file, nothing happens. Raises for a file that is no checkpoint, or one of another run.
function checkpoint.load(path, run, begin_octave)
  if not require("switchback.core").files.kind(path) then return end
  local tensors, metadata = safetensors.load(path)
  if not tensors then error(metadata, 0) end
  check_format(path, metadata)
  restore(path, run, tensors, metadata, begin_octave)
end

return checkpoint
