-- Checkpoints of a synthesis without a network: how far its method has come, and what it was asked for, in
-- one safetensors file that is written atomically.
local checkpoints = require "switchback.checkpoint"
local exact = require "switchback.exact"
local safetensors = require "switchback.formats.safetensors"

local checkpoint = {}

local FORMAT <const> = "switchback quilt 1"
local TIMES <const> = 32 -- in a run

-- The tensors and the words that must be the same for a run to go on from a checkpoint.
local GIVEN <const> = { "texture", "image", "hole" }
local ASKED <const> = { "method", "seed", "size", "window", "tolerance", "limit", "levels", "leaves",
                        "overlap" }

local function text_of(value)
  if type(value) == "table" then return exact.joined(value) end
  return type(value) == "number" and exact.number(value) or tostring(value)
end

local function asked_for(o)
  local words = { format = FORMAT }
  for _, name in ipairs(ASKED) do words[name] = text_of(o[name]) end
  return words
end

-- keeper(o) --> keep(done, total, snapshot), for a method to call wherever it could go on from: it writes
-- o.checkpoint when another 32nd of the pixels is done. snapshot() --> { name = tensor }, list of numbers.
-- Raises if it cannot write.
function checkpoint.keeper(o)
  local words, written = asked_for(o), 0
  return function(done, total, snapshot)
    local share = done * TIMES // total
    if share == written then return end
    local tensors, numbers = snapshot()
    for _, name in ipairs(GIVEN) do tensors["given/" .. name] = o[name] or nil end
    words.at, words.rng, written = exact.joined(numbers), exact.hex(o.rng:state()), share
    assert(safetensors.save(o.checkpoint, tensors, words))
  end
end

local function check_same(o, tensors, words)
  checkpoints.check(o.checkpoint, words, asked_for(o))
  for _, name in ipairs(GIVEN) do
    local there, here = tensors["given/" .. name], o[name] or nil
    if (there and there:bytes()) ~= (here and here:bytes()) then
      error(("%s: the checkpoint is of another run: its %s differs"):format(o.checkpoint, name), 0)
    end
  end
end

-- load(o) --> { tensors =, numbers = } as the method's snapshot answered them, and o.rng is where it was; nil
-- if there is no file o.checkpoint. Raises for a file that is no checkpoint, or one of another run.
function checkpoint.load(o)
  if not o.checkpoint then error("quilt: resume needs checkpoint = file", 0) end
  local tensors, words = checkpoints.read(o.checkpoint, FORMAT, "a quilt")
  if not tensors then return nil end
  check_same(o, tensors, words)
  o.rng:restore(exact.unhex(words.rng))
  return { tensors = tensors, numbers = exact.split(words.at) }
end

return checkpoint
