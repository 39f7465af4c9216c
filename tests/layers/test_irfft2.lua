-- irfft2 against the definition of the discrete Fourier transform.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- y[i][j] = 1/(H W) sum over u, v of X[u][v] e^(2 pi i (ui/H + vj/W)), where columns v > W/2 mirror the
-- others.
local function by_definition(x, height, width)
  local y = sb.zeros(height, width)
  for i = 0, height - 1 do
    for j = 0, width - 1 do
      local sum = 0
      for u = 0, height - 1 do
        for v = 0, width // 2 do
          local angle = 2 * math.pi * (u * i / height + v * j / width)
          local weight = (v == 0 or v == width // 2) and 1 or 2
          local re, im = x[{ u + 1, v + 1, 1 }], x[{ u + 1, v + 1, 2 }]
          sum = sum + weight * (re * math.cos(angle) - im * math.sin(angle))
        end
      end
      y[{ i + 1, j + 1 }] = sum / (height * width)
    end
  end
  return y
end

function T.test_equals_the_definition()
  for _, size in ipairs { { 2, 4 }, { 6, 10 }, { 15, 8 }, { 4, 36 } } do
    local height, width = table.unpack(size)
    local x = sb.randn(sb.rng(3), 2, 1, height, width // 2 + 1, 2)
    local y = sb.layer.irfft2 {}:forward(x, { tape = false })
    for n = 1, 2 do h.close(y[n][1], by_definition(x[n][1], height, width), 1e-5) end
  end
end

function T.test_one_bin_is_one_wave()
  local x = sb.zeros(1, 1, 8, 5, 2)
  x[{ 1, 1, 1, 3, 1 }] = 32 -- two waves across: 64 values, half of them from the mirror image
  local y = sb.layer.irfft2 {}:forward(x, { tape = false })
  for j = 1, 8 do lu.assertAlmostEquals(y[{ 1, 1, 5, j }], math.cos(2 * math.pi * 2 * (j - 1) / 8), 1e-6) end
end

function T.test_lengths_that_would_be_slow_are_refused()
  local function infer(...) return sb.layer.irfft2 {}:infer(...) end
  h.error_has(infer, "1x3x14x5x2 makes 14x8; rows and half the columns", { 1, 3, 14, 5, 2 })
  h.error_has(infer, "makes 8x2;", { 1, 3, 8, 2, 2 })
  h.error_has(infer, "must be (N,C,H,W/2+1,2), got 1x3x8x8", { 1, 3, 8, 8 })
end

return T
