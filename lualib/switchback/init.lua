-- require "switchback": the library as one table.
local core = require "switchback.core"

local sb = {
  version = core.system.version,
  threads = core.system.threads,
  rng = core.rng.new,
  layer = core.layer,
  safetensors = require "switchback.formats.safetensors",
}

for name, f in pairs(core.tensor) do sb[name] = f end

return sb
