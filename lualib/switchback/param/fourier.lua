-- Fourier: the variables are a spectrum, scaled so that steps are as large in all octaves of frequency
-- (Olah et al. 2017, "Preconditioning"; Lucid's fft_image).
local painted = require "switchback.param.painted"
local spectrum = require "switchback.param.spectrum"
local start = require "switchback.param.start"

--- sb.param.fourier{ size = | image =, start = "noise", batch =, photos =, deviation = 0.01, rng = } -> p
-- with one value (N,3,H',W'/2+1,2). image = sigmoid(C irfft2(value * s)), s = sqrt(H' W') / (4 frequency),
-- where C mixes colours as they are correlated in ImageNet; H' and W' are H and W rounded up to products of
-- 2, 3 and 5. Good with Adam at a rate of 0.05. Options: see param.lua. Raises for wrong ones.
local function fourier(options)
  local o = start.options("fourier", options)
  return painted.new("fourier", fourier, o, { spectrum(o) })
end

return fourier
