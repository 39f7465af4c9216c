-- adamw{ weight_decay = 0.01, ... } --> adam (adam.lua) with its weight decay decoupled.
return function(options)
  local all = { weight_decay = 0.01, decoupled = true }
  for key, value in pairs(options or {}) do all[key] = value end
  return require "switchback.optim.adam"(all)
end
