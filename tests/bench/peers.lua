-- What is measured, and what it is measured against: which programs are there, and how to start them.
local files = require("switchback.core").files

local peers = {}

local PYTHON <const> = "/usr/bin/python3" -- Debian's, which has python3-torch

-- Tried in this order until one loads on this machine.
local ORT_VERSIONS <const> = { "latest", "1.20.1", "1.17.3", "1.14.0" }

local function silently(command) return os.execute(command .. " > /dev/null 2>&1") == true end

local function first_line(command)
  local pipe = assert(io.popen(command .. " 2> /dev/null"))
  local line = pipe:read "l"
  pipe:close()
  return line
end

local function ort_version(folder)
  return first_line(("cd '%s' && node -p \"require('onnxruntime-node').env.versions.node\""):format(folder))
end

local function install_ort(folder)
  if not silently "command -v npm" then return end
  for _, version in ipairs(ORT_VERSIONS) do
    silently(("cd '%s' && npm install --ignore-scripts --no-audit --no-fund onnxruntime-node@%s")
      :format(folder, version))
    if ort_version(folder) then return end
  end
end

-- find(folder) --> { name = version } of the peers that are there; the others are reported through say(text).
-- ONNX Runtime is installed into the folder if npm is there.
function peers.find(folder, say)
  local found = {}
  found.pytorch = first_line(PYTHON .. " -c 'import torch, numpy; print(torch.__version__)'")
  if not found.pytorch then say "PyTorch is left out: python3-torch is not installed" end
  if not ort_version(folder) then install_ort(folder) end
  found.onnxruntime = ort_version(folder)
  if not found.onnxruntime then
    say "ONNX Runtime is left out: onnxruntime-node is not installed and cannot be, or does not load"
  elseif not found.pytorch then
    say "ONNX Runtime is left out: PyTorch is needed to write the networks as ONNX"
    found.onnxruntime = nil
  end
  return found
end

local function threads_set(threads)
  return ("env OMP_NUM_THREADS=%d OPENBLAS_NUM_THREADS=%d"):format(threads, threads)
end

-- ours(spec_file, threads), pytorch(spec_file, threads, mode), onnxruntime(spec_file, threads) --> command.
function peers.ours(spec_file, threads)
  return ("%s %s tests/bench/ours.lua '%s' %d"):format(threads_set(threads), arg[-1], spec_file, threads)
end

function peers.pytorch(spec_file, threads, mode)
  return ("%s %s tests/bench/peer_torch.py '%s' %d %s")
    :format(threads_set(threads), PYTHON, spec_file, threads, mode)
end

function peers.onnxruntime(spec_file, threads)
  return ("%s node tests/bench/peer_onnxruntime.js '%s' %d"):format(threads_set(threads), spec_file, threads)
end

-- The start-up of whole programs, timed from outside by processes.py.
local models <const> = os.getenv "SWITCHBACK_MODELS" or "../shared/models"
local PHOTO <const> = "tests/images/chelsea.png"
local PTH <const> = models .. "/squeezenet1_1/squeezenet1_1.pth"

function peers.can_start_up() return files.kind(PTH) == "file" end

local function process(threads, command)
  return ("%s %s tests/bench/processes.py %s"):format(threads_set(threads), PYTHON, command)
end

function peers.ours_from_start(folder, threads)
  local options = "--model squeezenet1_1 --image %s --threads %d --json --out '%s/o.png'"
  return process(threads, ("%s saliency " .. options):format(arg[-1], PHOTO, threads, folder))
end

function peers.pytorch_from_start(folder, threads)
  return process(threads, ("%s tests/bench/start_torch.py '%s' %s %d '%s/t.png'")
    :format(PYTHON, PTH, PHOTO, threads, folder))
end

-- export(spec_file, path): writes the network as ONNX unless it is there.
function peers.export(spec_file, path)
  if files.kind(path) then return end
  local command = ("%s tests/bench/export_onnx.py '%s' '%s' 2>&1"):format(PYTHON, spec_file, path)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  if not pipe:close() then error(command .. "\n" .. text, 0) end
end

return peers
