-- Pixels: the picture itself is the variable.
local core = require "switchback.core"
local image = require "switchback.image"
local start = require "switchback.param.start"

local Pixels = { name = "pixels" }
Pixels.__index = Pixels

function Pixels:image() return self.values[1] end

function Pixels.backward(_, dimage) return { dimage } end

function Pixels:resize(h, w)
  return setmetatable({ values = { image.resize(self.values[1], h, w) } }, Pixels)
end

--- sb.param.pixels{ size = | image =, start = "noise", batch =, photos =, deviation = 0.1, rng = } -> p
-- with one value (N,3,H,W), which image() answers as it is and without limits. Noise is normal, around 0.5
-- with that standard deviation, independent in each pixel and channel. Options: see param.lua. Raises for
-- wrong ones.
return function(options)
  local o = start.options("pixels", options)
  local value = o.picture
    or core.tensor.randn(o.rng, o.batch, 3, o.size[1], o.size[2]) * (o.deviation or 0.1) + 0.5
  return setmetatable({ values = { value } }, Pixels)
end
