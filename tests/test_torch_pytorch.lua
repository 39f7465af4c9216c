-- formats/torch against PyTorch itself, where it is installed.
local lu = require "luaunit"
local sb = require "switchback"
local weights = require "switchback.weights"
local h = require "helper"

local T = {}

local PYTHON <const> = "/usr/bin/python3" -- Debian's, which has python3-torch

local folder

-- The files that torch_files.py writes, once.
local function files()
  if folder == nil then
    local made = h.temporary "pytorch"
    local script = arg[0]:match "^(.*)/[^/]*$" .. "/torch_files.py"
    local output, status = h.shell(("mkdir -p %s && %s %s %s"):format(made, PYTHON, script, made))
    folder = status == 0 and made or not output:find "No module named 'torch'" and error(output, 0)
  end
  if not folder then lu.skip "python3-torch is not installed" end
  return folder
end

-- Zip and legacy files of all pickle protocols hold what PyTorch stored: dtypes, strides, containers.
function T.test_files_of_pytorch()
  local wanted = assert(sb.safetensors.load(files() .. "/wanted.safetensors"))
  for _, name in ipairs { "zip2", "zip3", "zip4", "zip5", "legacy2", "legacy3", "legacy4", "legacy5" } do
    local found = assert(sb.torch.load(files() .. "/" .. name .. ".pth"))
    for key, t in pairs(wanted) do
      lu.assertEquals(found.tensors[key]:size(), t:size(), key)
      lu.assertEquals(found.tensors[key]:bytes(), t:bytes(), key)
      found.tensors[key] = nil
    end
    lu.assertEquals(next(found.tensors), nil)
    lu.assertEquals({ found.epoch, found.name, found.done, found.large, found.device, found.type },
      { 7, "café", false, 1 << 40, "cpu", "float32" })
    lu.assertNil(found.nothing)
    lu.assertEquals(found.list, { 1, sb.torch.none, "a", { 2.5 } })
    lu.assertEquals({ found.pair, found.size, found.members }, { { 1, 2 }, { 4, 6 }, { true, true } })
    lu.assertEquals(found.optimizer.param_groups[1].lr, 0.5)
    lu.assertEquals(found.optimizer.state[0].momentum_buffer:size(), { 2, 1, 3, 3 })
    lu.assertEquals(weights.of(found)["0.weight"]:bytes(), wanted["module.0.weight"]:bytes())
  end
end

function T.test_modules_and_programs_are_refused()
  local module = select(2, sb.torch.load(files() .. "/module.pth"))
  lu.assertStrContains(module, "refuses to call torch.nn.modules.container.Sequential")
  lu.assertStrContains(select(2, sb.torch.load(files() .. "/script.pth")), "a TorchScript program")
end

return T
