-- SqueezeNet: Fire modules, which squeeze to few channels and expand again (Iandola et al. 2016; versions 1.0
-- and 1.1). Named as in torchvision; a Fire module's name is that of its output.
local builder = require "switchback.builder"
local zoo = require "switchback.zoo"

-- A number: a Fire module that squeezes to so many channels and expands to eight times as many.
local VERSIONS <const> = {
  ["1_0"] = { width = 96, kernel = 7, 16, 16, 32, "pool", 32, 48, 48, 64, "pool", 64 },
  ["1_1"] = { width = 64, kernel = 3, 16, 16, "pool", 32, 32, "pool", 48, 48, 64, 64 },
}

local function fire(b, name, squeeze)
  local squeezed = name .. ".squeeze_activation"
  b:conv(name .. ".squeeze", squeeze, 1):relu(squeezed)
  b:conv(name .. ".expand1x1", 4 * squeeze, 1):relu(name .. ".expand1x1_activation")
  b:from(squeezed):conv(name .. ".expand3x3", 4 * squeeze, 3, { pad = 1 })
  b:relu(name .. ".expand3x3_activation")
  b:join("concat", name, { name .. ".expand1x1_activation", name .. ".expand3x3_activation" })
end

return function(options, which)
  local b, version = builder.new(options), VERSIONS[which]
  local name, pool = b:sequence "features", { ceil_mode = true }
  b:conv(name(), version.width, version.kernel, { stride = 2 }):relu(name()):maxpool(name(), 3, 2, pool)
  for _, entry in ipairs(version) do
    if entry == "pool" then b:maxpool(name(), 3, 2, pool) else fire(b, name(), entry) end
  end
  name = b:sequence "classifier"
  b:add("dropout", name()):conv(name(), options.classes or 1000, 1):relu(name())
  b:add("global_avgpool", name()):add("flatten", "flatten")
  return b:finish { preprocess = zoo.torchvision }
end
