-- kill -9 at any moment of a training run, then go on: the final weights are those of an unbroken run, byte
-- for byte.
local lu = require "luaunit"
local h = require "helper"
local file = require "switchback.file"
local toy = require "toy_training"

local T = {}

local CHILD <const> = "tests/train/killed_child.lua"
local SIGKILL <const> = 9
local KILLS <const> = tonumber(os.getenv "KILLS" or 20)

local function command(checkpoint, out)
  return ("exec %s %s %s %s %s"):format(h.host, CHILD, h.temporary "toy", checkpoint, out)
end

-- Runs the child and kills it after so many seconds; answers whether it was still running.
local function killed_after(seconds, checkpoint, out)
  local said, status = h.shell(("(%s) & child=$!; sleep %.4f; kill -KILL $child; wait $child"):format(
    command(checkpoint, out), seconds))
  if status ~= 0 then lu.assertEquals(status, 128 + SIGKILL, said) end
  return status ~= 0
end

-- Time and again a run is killed after a random part of the time that a whole run takes, and goes on, until
-- there were so many kills; whenever one gets to its end, another one begins.
function T.test_killed_runs_end_with_the_same_bytes()
  assert(file.make_folders(h.temporary "toy"))
  toy.write(h.temporary "toy", 66)
  local whole, checkpoint = h.temporary "whole", h.temporary "killed.checkpoint"
  local out = h.temporary "killed_net"
  local clock = require("switchback.core").system.clock
  local started = clock()
  local said, status = h.shell(command(h.temporary "whole.checkpoint", whole))
  lu.assertEquals(status, 0, said)
  local resumed = 0
  local length, wanted = clock() - started, assert(file.read(whole))
  local rng, kills, ends = require("switchback").rng(os.time()), 0, 0
  while kills < KILLS or ends == 0 do
    if kills < KILLS and killed_after(length * rng:uniform(), checkpoint, out) then
      kills = kills + 1
      if file.read(checkpoint) then resumed = resumed + 1 end
    else
      said, status = h.shell(command(checkpoint, out))
      lu.assertEquals(status, 0, said)
      lu.assertTrue(assert(file.read(out)) == wanted, "after " .. kills .. " kills the weights differ")
      ends = ends + 1
      os.remove(checkpoint)
    end
  end
  lu.assertTrue(resumed > 0, "no run was killed after a checkpoint")
end

return T
