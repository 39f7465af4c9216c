-- Our side of a workload, as a process of its own: ours.lua SPEC.json THREADS
-- Prepares the workload, runs it once, says "ready" and how many milliseconds that took, then answers each
-- line it is told:
--   run N --> milliseconds of one of N    output PATH --> ok (what the first run gave)
--   memory --> peak MiB     flop --> operations of a run
local folder = arg[0]:match "^(.*)/" or "."
package.path = folder .. "/?.lua;" .. package.path

local cjson = require "cjson"
local sb = require "switchback"
local zoo = require "switchback.zoo"
local clock = require("switchback.core").system.clock

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function with_integers(t)
  for key, value in pairs(t) do
    t[key] = type(value) == "table" and with_integers(value) or math.tointeger(value) or value
  end
  return t
end

local spec = with_integers(cjson.decode(read(arg[1])))
sb.threads(math.tointeger(arg[2]))
local net = sb.net(zoo.describe(spec.net, { tensors = assert(sb.safetensors.load(spec.weights)) }))
if spec.thrifty then
  net:half()
  sb.memory "scarce"
end
local tensors = assert(sb.safetensors.load(spec.tensors))
local work = require("workloads." .. spec.family)(net, tensors, spec)

local function timed(runs)
  local started = clock()
  for _ = 1, runs do work.run() end
  return ("%.6f"):format((clock() - started) * 1000 / runs)
end

local first_ms = timed(1)
local output = work.output():clone()

local answer = {}

function answer.run(runs) return timed(math.tointeger(runs)) end

function answer.output(path)
  assert(sb.safetensors.save(path, { output = output:reshape(-1) }))
  return "ok"
end

function answer.memory()
  return ("%.1f"):format(tonumber(read("/proc/self/status"):match "VmHWM:%s*(%d+)") / 1024)
end

function answer.flop() return ("%.0f"):format(work.flop or 0) end

io.stdout:setvbuf "line"
print("ready " .. first_ms)
for line in io.lines() do
  local what, argument = line:match "^(%S+) ?(.*)$"
  print(answer[what](argument))
end
