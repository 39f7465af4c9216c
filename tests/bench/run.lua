-- The benchmark: Switchback against what a user would pick instead, side by side on this machine.
--   build/switchback tests/bench/run.lua [THREADS="1 2"] [ONLY="VGG-16 forward"] [JSON=out.json]
-- Each side of a workload is a process of its own that does the same work on the same weights and input.
-- Outputs are compared first. Then the sides run in turn (A B A B ...), warm-up excluded, and the medians
-- are compared: ratio = peer's time / our time.
local folder = arg[0]:match "^(.*)/" or "."
package.path = folder .. "/?.lua;" .. package.path

local cjson = require "cjson"
local file = require "switchback.file"
local generate = require "generate"
local measure = require "measure"
local peers = require "peers"
local report = require "report"
local workloads = require "workloads"

local BUILD <const> = "build/bench"

local function options(list)
  local o = { THREADS = "1 2", ONLY = "", JSON = "" }
  for _, argument in ipairs(list) do
    local key, value = argument:match "^(%u+)=(.*)$"
    if not o[key] then error("unknown argument '" .. argument .. "' (known: THREADS= ONLY= JSON=)", 0) end
    if value ~= "" then o[key] = value end
  end
  return o
end

-- The workload of that name, or those whose names contain it.
local function chosen(only)
  local list = {}
  for _, spec in ipairs(workloads) do
    if spec.name == only then return { spec } end
    if spec.name:lower():find(only:lower(), 1, true) then list[#list + 1] = spec end
  end
  if #list == 0 then error(("no workload is called '%s'"):format(only), 0) end
  return list
end

local function write_spec(spec)
  local path = ("%s/%s.json"):format(BUILD, spec.id)
  assert(file.write(path, cjson.encode(spec)))
  return path
end

-- Commands of all sides: { ours = {command}, pytorch = {command by mode}, onnxruntime = {command} }.
local function sides_of_net(spec, threads, found)
  spec.weights = generate.weights(BUILD, spec.net)
  spec.tensors = generate.tensors(BUILD, spec)
  spec.onnx_file = ("%s/%s.onnx"):format(BUILD, spec.net)
  local path = write_spec(spec)
  local sides = { ours = { lua = peers.ours(path, threads) } }
  if found.pytorch then
    sides.pytorch = {}
    for _, mode in ipairs(spec.modes) do sides.pytorch[mode] = peers.pytorch(path, threads, mode) end
  end
  if found.onnxruntime and spec.onnx then
    peers.export(path, spec.onnx_file)
    sides.onnxruntime = { node = peers.onnxruntime(path, threads) }
  end
  return sides
end

local function sides_of_startup(threads)
  return { ours = { recipe = peers.ours_from_start(BUILD, threads) },
           pytorch = { process = peers.pytorch_from_start(BUILD, threads) } }
end

local function measured(spec, threads, found)
  if spec.family ~= "startup" then
    return measure.workload(BUILD, spec, sides_of_net(spec, threads, found))
  end
  if found.pytorch and peers.can_start_up() then
    return measure.workload(BUILD, spec, sides_of_startup(threads))
  end
  report.say(spec.name .. " is left out: it needs PyTorch and the shared SqueezeNet")
  return {}
end

local function main()
  local o = options(arg)
  local list, rows = chosen(o.ONLY), {}
  assert(file.make_folders(BUILD))
  local found = peers.find(BUILD, report.say)
  report.machine(found)
  report.heading()
  for _, spec in ipairs(list) do
    for threads in o.THREADS:gmatch "%d+" do
      for _, row in ipairs(measured(spec, math.tointeger(threads), found)) do
        row.workload, row.threads = spec.name, math.tointeger(threads)
        report.row(row)
        rows[#rows + 1] = row
      end
    end
  end
  if o.JSON ~= "" then assert(file.write(o.JSON, report.json(rows))) end
end

local ok, message = xpcall(main, function(m) return tostring(m) end)
if not ok then
  io.stderr:write("bench: ", message, "\n")
  os.exit(1, true)
end
