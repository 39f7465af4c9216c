-- require "switchback": the library as one table.
local core = require "switchback.core"

-- SWITCHBACK_PRECISION=exact makes a program start in that mode (sb.precision, runtime/lsystem.c).
local asked = os.getenv "SWITCHBACK_PRECISION"
if asked and not pcall(core.system.precision, asked) then
  error(("SWITCHBACK_PRECISION is '%s', not fast or exact"):format(asked), 0)
end

local sb = {
  version = core.system.version,
  threads = core.system.threads,
  precision = core.system.precision,
  memory = core.system.memory,
  rng = core.rng.new,
  layer = core.layer,
  image = require "switchback.image",
  safetensors = require "switchback.formats.safetensors",
}

-- What a script may never use is loaded when it first does, so that starting stays instant.
local on_demand = {
  net = { "switchback.net", "new" },
  load = { "switchback.load", "load" },
  torch = { "switchback.formats.torch" },
  occlude = { "switchback.occlude", "run" },
  quilt = { "switchback.quilt", "run" },
  grabcut = { "switchback.grabcut" },
  ascend = { "switchback.ascend", "run" },
  vis = { "switchback.vis" },
  data = { "switchback.data" },
  augment = { "switchback.augment" },
  objective = { "switchback.objective" },
  param = { "switchback.param" },
  transform = { "switchback.transform" },
  optim = { "switchback.optim" },
  optimize = { "switchback.optimize", "run" },
  criterion = { "switchback.criterion" },
  schedule = { "switchback.schedule" },
  train = { "switchback.train", "run" },
  nearest = { "switchback.neighbors", "nearest" },
  trustworthiness = { "switchback.neighbors", "trustworthiness" },
  pca = { "switchback.pca" },
  tsne = { "switchback.tsne" },
  plot = { "switchback.plot" },
  conv2d = { "switchback.primitives", "conv2d" },
  conv2d_transpose = { "switchback.primitives", "conv2d_transpose" },
  unpool = { "switchback.primitives", "unpool" },
  gram = { "switchback.primitives", "gram" },
  conv_matrix = { "switchback.primitives", "conv_matrix" },
}

setmetatable(sb, { __index = function(self, name)
  local source = on_demand[name]
  if not source then return nil end
  local value = require(source[1])
  if source[2] then value = value[source[2]] end
  self[name] = value
  return value
end })

for name, f in pairs(core.tensor) do sb[name] = f end

return sb
