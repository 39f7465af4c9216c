-- Shared: pictures of a batch that have their coarse parts in common, so that they stay alike while each goes
-- its own way (Mordvintsev et al. 2018, "Aligned neuron interpolation"; Lucid's lowres_tensor).
local painted = require "switchback.param.painted"
local pyramid = require "switchback.param.pyramid"
local spectrum = require "switchback.param.spectrum"
local start = require "switchback.param.start"

--- sb.param.shared{ size = | image =, start = "noise", batch =, photos =, deviation = 0.01,
-- levels = {16, 8, 4}, rng = } -> p whose values are a plane (1,3,ceil(H/k),ceil(W/k)) for each level k,
-- the coarsest first, and each picture's own spectrum as fourier's. image = sigmoid(C (the sum of all)). Good
-- with Adam at a rate of 0.05. Options: see param.lua. Raises for wrong ones.
local function shared(options)
  local o = start.options("shared", options, { levels = { 16, 8, 4 } })
  local parts = pyramid.parts("shared", o, o.levels, true)
  parts[#parts + 1] = spectrum(o)
  return painted.new("shared", shared, o, parts)
end

return shared
