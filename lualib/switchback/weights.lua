-- Named tensors from files of weights and from training's checkpoints: what sb.load takes as `weights`.
local weights = {}

-- Where checkpoints of PyTorch keep the state_dict of the network.
local PLACES <const> = { "state_dict", "model_state_dict", "model", "net", "network", "params", "ema" }

local function is_tensor(value) return type(value) == "userdata" end

local function holds_tensors(t)
  for _, value in pairs(t) do
    if is_tensor(value) then return true end
  end
  return false
end

local function find_state_dict(value)
  if holds_tensors(value) then return value end
  for _, key in ipairs(PLACES) do
    if type(value[key]) == "table" and holds_tensors(value[key]) then return value[key] end
  end
end

-- torch.nn.DataParallel puts this before all names.
local PREFIX <const> = "^module%."

local function has_prefix(tensors)
  for name in pairs(tensors) do
    if not name:find(PREFIX) then return false end
  end
  return true
end

--- of(value) --> { name = tensor } of a state_dict, or of a checkpoint that has one under a usual name;
-- without the "module." that data-parallel training puts before names, and without what is no tensor. Raises
-- if there are no tensors.
function weights.of(value)
  local dict = type(value) == "table" and find_state_dict(value)
  if not dict then error("holds no named tensors", 0) end
  local tensors = {}
  for name, t in pairs(dict) do
    if is_tensor(t) then tensors[tostring(name)] = t end
  end
  if not has_prefix(tensors) then return tensors end
  local plain = {}
  for name, t in pairs(tensors) do plain[name:gsub(PREFIX, "")] = t end
  return plain
end

--- read(path) --> { name = tensor } of a .safetensors, .pth or .pt file. Raises, naming it, if it cannot be
-- read or holds none.
function weights.read(path)
  local format = path:lower():find "%.safetensors$" and "safetensors" or "torch"
  local value, message = require("switchback.formats." .. format).load(path)
  if value == nil then error(message or path .. ": holds nothing", 0) end
  local ok, result = pcall(weights.of, value)
  if not ok then error(("%s: %s"):format(path, result), 0) end
  return result
end

return weights
