-- Runs the sides of a workload in turn and compares them.
local sb = require "switchback"
local worker = require "worker"

local measure = {}

local SLOW <const> = 1500 -- milliseconds of a run
local BUDGET <const> = 3000 -- milliseconds of one side's rounds
-- Of a side's turn, at least: methods run a network hundreds of times over, so what counts is a run after
-- others like it, not one after a pause in which the peers took the caches.
local TURN <const> = 200
local PAUSE <const> = "sleep 0.05" -- for threads that spin after a run (some 0.04 s) to come to rest

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  return #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
end

local function output_of(folder, side)
  local path = folder .. "/output"
  side:ask("output " .. path)
  local output = assert(sb.safetensors.load(path)).output:clone()
  os.remove(path)
  return output
end

local function check_output(spec, name, ours, theirs)
  local difference = (ours - theirs):norm() / theirs:norm()
  if difference <= (spec.tolerance or 0) then return end
  error(("%s: our output and that of %s differ by %.3g (relative L2), allowed are %.3g")
    :format(spec.name, name, difference, spec.tolerance or 0), 0)
end

-- How long a warm run takes, from a second one unless runs are slow.
local function warm(side)
  side.warm_ms = side.first_ms
  if side.first_ms < SLOW then side.warm_ms = math.min(side:run(1), side:run(1)) end
end

-- Starts a side in each of its modes, compares outputs, and keeps the fastest.
local function fastest(folder, spec, name, commands, ours)
  local best
  for mode, command in pairs(commands) do
    local side = worker.start(folder, command)
    side.name, side.mode = name, mode
    if ours then check_output(spec, name .. " (" .. mode .. ")", ours, output_of(folder, side)) end
    warm(side)
    if best and best.warm_ms <= side.warm_ms then
      side:stop()
    else
      if best then best:stop() end
      best = side
    end
  end
  return best
end

local function start_sides(folder, spec, commands)
  local ours = fastest(folder, spec, "ours", commands.ours)
  local sides, output = { ours }, output_of(folder, ours)
  for _, name in ipairs { "pytorch", "onnxruntime" } do
    if commands[name] then
      sides[#sides + 1] = fastest(folder, spec, name, commands[name], output)
    end
  end
  return sides
end

-- How many rounds there are, and how many runs a side does in its turn, all sides alike.
local function rounds_for(sides)
  local slowest, quickest = 0, math.huge
  for _, side in ipairs(sides) do
    slowest, quickest = math.max(slowest, side.warm_ms), math.min(quickest, side.warm_ms)
  end
  local runs = slowest >= SLOW and 1 or math.ceil(TURN / quickest)
  return math.max(5, math.min(15, BUDGET // (runs * slowest))), runs
end

local function run_in_turn(sides)
  local rounds, runs = rounds_for(sides)
  for _, side in ipairs(sides) do side.times = {} end
  for _ = 1, rounds do
    for _, side in ipairs(sides) do
      os.execute(PAUSE)
      side.times[#side.times + 1] = side:run(runs)
    end
  end
  for _, side in ipairs(sides) do side.ms = median(side.times) end
end

-- workload(folder, spec, commands) --> list with a row for each peer: { peer, mode, ours_ms, peer_ms, ratio,
-- ours_mib, peer_mib, gflops, runs, extrapolated }. Raises when outputs differ.
function measure.workload(folder, spec, commands)
  local sides, rows = start_sides(folder, spec, commands), {}
  run_in_turn(sides)
  local ours, flop = sides[1], commands.ours.lua and tonumber(sides[1]:ask "flop")
  for i = 2, #sides do
    local peer = sides[i]
    local peer_ms = peer.ms / (spec.share or 1)
    rows[#rows + 1] = {
      peer = peer.name, mode = peer.mode, ours_ms = ours.ms, peer_ms = peer_ms, ratio = peer_ms / ours.ms,
      ours_mib = tonumber(ours:ask "memory"), peer_mib = tonumber(peer:ask "memory"),
      gflops = flop and flop / ours.ms / 1e6, runs = { #ours.times, #peer.times },
      extrapolated = spec.share ~= nil,
    }
  end
  for _, side in ipairs(sides) do side:stop() end
  return rows
end

return measure
