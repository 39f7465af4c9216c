-- adamw{ weight_decay = 0.01, ... } --> adam (adam.lua) with its weight decay decoupled.
local merged = require "switchback.merged"

return function(options)
  return require "switchback.optim.adam"(merged({ weight_decay = 0.01, decoupled = true }, options))
end
