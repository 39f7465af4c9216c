-- Busy neighbours: how long networks take at 1 and 2 threads, on a machine left alone and beside two
-- processes that never rest. Two threads must not be slower than one. Run by hand:
--   build/switchback tests/bench/neighbours.lua [ROUNDS]
-- The counts of threads take turns in each round; medians are printed.
local sb = require "switchback"
local clock = require("switchback.core").system.clock

local NETS <const> = { { name = "squeezenet1_1", runs = 10 }, { name = "vgg16", runs = 1 } }
local NEIGHBOURS <const>, ROUNDS <const> = 2, math.tointeger(arg[1] or 15)

-- Starts processes that do nothing but use their core; answers what ends them.
local function start_neighbours(count)
  local list = {}
  for i = 1, count do
    list[i] = assert(io.popen "echo $$; while :; do :; done")
    list[i] = { pipe = list[i], id = list[i]:read "n" }
  end
  return function()
    for _, neighbour in ipairs(list) do
      os.execute("kill " .. neighbour.id)
      neighbour.pipe:close()
    end
  end
end

local function timed(run, count)
  local started = clock()
  for _ = 1, count do run() end
  return (clock() - started) * 1000 / count
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- Medians of the milliseconds of a run at 1 and at 2 threads.
local function in_turn(run, count)
  local times = { {}, {} }
  for round = 0, ROUNDS do
    for threads = 1, 2 do
      sb.threads(threads)
      local ms = timed(run, count)
      if round > 0 then table.insert(times[threads], ms) end
    end
  end
  return median(times[1]), median(times[2])
end

local function report(name, neighbours, run, count)
  local one, two = in_turn(run, count)
  print(("%-16s %d neighbours  1 thread %8.2f ms  2 threads %8.2f ms  ratio %.2f")
    :format(name, neighbours, one, two, one / two))
end

for _, entry in ipairs(NETS) do
  local net = sb.load(entry.name, { untrained = true })
  local x = sb.randn(sb.rng(1), 1, 3, 224, 224)
  local function run() net:forward(x, { record = false }) end
  report(entry.name, 0, run, entry.runs)
  local stop = start_neighbours(NEIGHBOURS)
  local ok, message = pcall(report, entry.name, NEIGHBOURS, run, entry.runs)
  stop()
  if not ok then error(message, 0) end
end
