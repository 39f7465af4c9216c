-- What the benchmark prints, and its JSON.
local cjson = require "cjson"

local report = {}

local FORMAT <const> = "%-36s %3s  %-26s %10s %10s %7s %8s %7s %7s  %s"

function report.say(text) print(text) end

local function from_file(path, pattern)
  local file = io.open(path, "r")
  if not file then return "?" end
  local found = file:read("a"):match(pattern)
  file:close()
  return found or "?"
end

-- One line on what this ran on, one on what it ran against.
function report.machine(peers)
  local sb = require "switchback"
  print(("%s, %d cores, %.0f GiB, Linux %s, load average %s")
    :format(from_file("/proc/cpuinfo", "model name%s*: ([^\n]*)"), sb.threads(),
      tonumber(from_file("/proc/meminfo", "MemTotal:%s*(%d+)") or 0) / 2 ^ 20,
      from_file("/proc/sys/kernel/osrelease", "[^\n]*"), from_file("/proc/loadavg", "%S+")))
  print(("Switchback %s, PyTorch %s, ONNX Runtime %s"):format(sb.version, peers.pytorch or "-",
    peers.onnxruntime or "-"))
end

function report.heading()
  print(FORMAT:format("workload", "thr", "peer (its fastest mode)", "ours ms", "peer ms", "ratio",
    "GFLOP/s", "our MiB", "its MiB", "runs"))
end

local function number(value, format) return value and format:format(value) or "" end

function report.row(row)
  local peer = row.peer == "pytorch" and ("PyTorch (%s)"):format(row.mode) or "ONNX Runtime"
  local ms = row.ours_ms < 1000 and "%.2f" or "%.0f"
  print(FORMAT:format(row.workload, row.threads, peer, ms:format(row.ours_ms), ms:format(row.peer_ms),
    ("%.2f"):format(row.ratio), number(row.gflops, "%.0f"), ("%.0f"):format(row.ours_mib),
    ("%.0f"):format(row.peer_mib),
    ("%d, %d%s"):format(row.runs[1], row.runs[2], row.extrapolated and ", extrapolated" or "")))
  io.stdout:flush()
end

local FIELDS <const> = { "workload", "threads", "peer", "ours_ms", "peer_ms", "ratio", "ours_mib",
  "peer_mib" }

-- json(rows) --> text of an array with one object a row.
function report.json(rows)
  local parts = {}
  for i, row in ipairs(rows) do
    local fields = {}
    for k, field in ipairs(FIELDS) do
      fields[k] = ('"%s": %s'):format(field, cjson.encode(row[field]))
    end
    parts[i] = "  {" .. table.concat(fields, ", ") .. "}"
  end
  return "[\n" .. table.concat(parts, ",\n") .. "\n]\n"
end

return report
