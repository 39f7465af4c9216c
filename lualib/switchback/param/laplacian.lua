-- Laplacian: the variables are the levels of a pyramid (Burt & Adelson 1983; Lucid's
-- laplacian_pyramid_image).
local painted = require "switchback.param.painted"
local pyramid = require "switchback.param.pyramid"
local start = require "switchback.param.start"

--- sb.param.laplacian{ size = | image =, start = "noise", batch =, photos =, deviation = 0.01, levels = 4,
-- rng = } -> p with a value for each level k = 0..levels-1, (N,3,ceil(H/2^k),ceil(W/2^k)), the coarsest
-- first. image = sigmoid(C (sum of the levels, enlarged bilinearly)), where C mixes colours as they are
-- correlated in ImageNet. Good with Adam at a rate of 0.05. Options: see param.lua. Raises for wrong ones.
local function laplacian(options)
  local o = start.options("laplacian", options, { levels = 4 })
  if math.type(o.levels) ~= "integer" or o.levels < 1 or o.levels > 16 then
    error(("laplacian: levels must be 1 to 16, got %s"):format(tostring(o.levels)), 2)
  end
  local factors = {}
  for k = 0, o.levels - 1 do factors[k + 1] = 1 << k end
  return painted.new("laplacian", laplacian, o, pyramid.parts("laplacian", o, factors))
end

return laplacian
