-- A part of a picture that is painted from its spectrum (see painted.lua).
local core = require "switchback.core"
local transform = require "switchback.transform"

local tensor = core.tensor
-- Of Lucid (optvis/param/spatial.py: fft_image): noise of deviation 0.01 gives soft colours.
local GAIN = 1 / 4

-- The smallest length from n up that has no prime factor above 5: others are slow to transform.
local function fast_length(n)
  local rest = n
  for _, factor in ipairs { 2, 3, 5 } do
    while rest % factor == 0 do rest = rest // factor end
  end
  return rest == 1 and n or fast_length(n + 1)
end

-- 1 / frequency for each bin of a half spectrum (1,1,H,W/2+1,1), with constant energy an octave as in
-- photographs; the lowest frequency counts as 1 / the longer side.
local function one_over_f(h, w)
  local scale, k = {}, w // 2 + 1
  for y = 0, h - 1 do
    local fy = (y <= h // 2 and y or h - y) / h
    for x = 0, k - 1 do
      local f = math.max(math.sqrt(fy ^ 2 + (x / w) ^ 2), 1 / math.max(h, w))
      scale[#scale + 1] = GAIN * math.sqrt(h * w) / f
    end
  end
  return tensor.tensor(scale):reshape(1, 1, h, k, 1)
end

-- 1 for the first and last column of a half spectrum, 2 for those that stand for their mirror image too.
local function column_weights(k)
  local weights = tensor.full(2, 1, 1, 1, k, 1)
  weights[{ 1, 1, 1, 1, 1 }], weights[{ 1, 1, 1, k, 1 }] = 1, 1
  return weights
end

-- The spectrum of planes (N,3,H,W) of a fast size: irfft2's inverse, from its adjoint.
local function spectrum_of(planes, irfft2)
  local n, c, h, w = table.unpack(planes:size())
  local k = w // 2 + 1
  local _, tape = irfft2:forward(tensor.zeros(n, c, h, k, 2))
  return irfft2:backward(tape, planes) * (h * w) / column_weights(k)
end

--- part(o) -> a part for painted.new whose value is (N,3,H',W'/2+1,2), real and imaginary parts; H' and W'
-- are o.size, enlarged to lengths that transform fast. o: options of start.options; deviation 0.01.
return function(o)
  local h, w = o.size[1], o.size[2]
  local tall, wide = math.max(2, fast_length(h)), 2 * math.max(2, fast_length((w + 1) // 2))
  local scale, irfft2 = one_over_f(tall, wide), core.layer.irfft2 {}
  local function scaled(x)
    return x * scale, function(dy) return dy * scale end
  end
  local cut = transform.layer(core.layer.pad { pads = { 0, 0, h - tall, w - wide } })
  local cover = core.layer.pad { pads = { 0, 0, tall - h, wide - w }, mode = "edge" }
  return {
    paint = transform.compose { scaled, transform.layer(irfft2), cut },
    fit = function(planes) return spectrum_of(cover:forward(planes, { tape = false }), irfft2) / scale end,
    noise = function()
      return tensor.randn(o.rng, o.batch, 3, tall, wide // 2 + 1, 2) * (o.deviation or 0.01)
    end,
  }
end
