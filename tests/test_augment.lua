-- Augmentations, each against its formula.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local t = {}
local A = sb.augment

-- A picture that tells places: red is the column, green the row, in steps of 1/255.
local function places(rows, columns)
  local p = sb.zeros(3, rows, columns)
  for y = 1, rows do
    for x = 1, columns do p[{ 1, y, x }], p[{ 2, y, x }] = x / 255, y / 255 end
  end
  return p
end

local function at(p, channel, y, x) return math.floor(p[{ channel, y, x }] * 255 + 0.5) end

function t.test_random_crop()
  local p, seen = places(6, 7), {}
  for seed = 1, 200 do
    local c = A.apply({ A.random_crop { size = { 4, 5 } } }, p, seed)
    lu.assertEquals(c:size(), { 3, 4, 5 })
    local y, x = at(c, 2, 1, 1), at(c, 1, 1, 1)
    h.close(c, sb.image.crop(p, y, x, 4, 5), 0)
    seen[y .. "," .. x] = true
  end
  local count = 0
  for _ in pairs(seen) do count = count + 1 end
  lu.assertEquals(count, 9) -- every place
end

function t.test_padding_is_filled_or_mirrored()
  local p = places(4, 4)
  for seed = 1, 50 do
    local filled = A.apply({ A.random_crop { size = 4, padding = 2, fill = 1 } }, p, seed)
    local mirrored = A.apply({ A.random_crop { size = 4, padding = 2, fill = "reflect" } }, p, seed)
    for x = 2, 4 do -- neighbours differ by one, at a mirror too
      local step = math.abs(at(mirrored, 1, 1, x) - at(mirrored, 1, 1, x - 1))
      lu.assertEquals(step, 1)
      local column = at(filled, 1, 2, x)
      lu.assertTrue(column == 255 or column == at(mirrored, 1, 2, x))
    end
  end
end

function t.test_random_resized_crop_draws_from_its_ranges()
  local p, areas, flat = places(100, 120), 0, 0
  for seed = 1, 300 do
    local c = A.apply({ A.random_resized_crop { size = 20, scale = { 0.1, 0.6 } } }, p, seed)
    -- corners of a linear picture tell the part: 19 of its 20 columns lie between their centres
    local w = (c[{ 1, 10, 15 }] - c[{ 1, 10, 5 }]) * 255 * 2
    local height = (c[{ 2, 15, 10 }] - c[{ 2, 5, 10 }]) * 255 * 2
    local area, ratio = w * height / 12000, w / height
    lu.assertTrue(area > 0.09 and area < 0.62, area)
    lu.assertTrue(ratio > 0.72 and ratio < 1.4, ratio)
    areas, flat = areas + area / 300, flat + math.log(ratio) / 300
  end
  lu.assertAlmostEquals(areas, 0.35, 0.03) -- uniform: deviation 0.144 / sqrt(300) = 0.008
  lu.assertAlmostEquals(flat, 0, 0.05) -- deviation 0.166 / sqrt(300) = 0.01
end

function t.test_flips_are_mirrors_half_of_the_time()
  local p, flipped = places(3, 5), 0
  local mirror = sb.image.flip(p, "horizontal")
  for seed = 1, 400 do
    local c = A.apply({ A.horizontal_flip {} }, p, seed)
    local is = c:close(mirror, 0)
    lu.assertTrue(is or c:close(p, 0))
    flipped = flipped + (is and 1 or 0)
  end
  lu.assertTrue(math.abs(flipped - 200) < 40, flipped) -- four deviations of 10
  h.close(A.apply({ A.horizontal_flip { p = 0 } }, p, 1), p, 0)
end

local COLORS <const> = { { 0.9, 0.2, 0.1 }, { 0.1, 0.8, 0.3 }, { 0.25, 0.5, 0.75 }, { 0.5, 0.5, 0.5 } }

local function colors(list)
  local p = sb.zeros(3, 2, 2)
  for i, c in ipairs(list) do
    for k = 1, 3 do p[{ k, (i - 1) // 2 + 1, (i - 1) % 2 + 1 }] = c[k] end
  end
  return p
end

-- The amount drawn is found from one colour, the others must follow. Turned by 0.3 they are, by colorsys of
-- Python: (0.16, 0.9, 0.1), (0.16, 0.1, 0.8), (0.75, 0.25, 0.6), grey.
function t.test_hue()
  local turned = colors { { 0.16, 0.9, 0.1 }, { 0.16, 0.1, 0.8 }, { 0.75, 0.25, 0.6 }, { 0.5, 0.5, 0.5 } }
  local p, best = colors(COLORS), 1
  for seed = 1, 3000 do
    local c = A.apply({ A.color_jitter { hue = 0.5 } }, p, seed)
    best = math.min(best, (c - turned):abs():max())
  end
  lu.assertTrue(best < 2e-3, best) -- some seed turns by 0.3 to 1/3000
end

local function luminance(c) return 0.2989 * c[1] + 0.587 * c[2] + 0.114 * c[3] end

-- Fits y = factor * x + (1 - factor) * reference in one place and demands it in all, with clamping.
local function check_blend(name, reference)
  local p = colors(COLORS)
  for seed = 1, 20 do
    local c = A.apply({ A.color_jitter { [name] = 0.5 } }, p, seed)
    local r = reference(COLORS[3])
    local factor = (c[{ 1, 2, 1 }] - r) / (0.25 - r)
    lu.assertTrue(factor > 0.499 and factor < 1.501, factor)
    for i, color in ipairs(COLORS) do
      for k = 1, 3 do
        local wanted = factor * color[k] + (1 - factor) * reference(color)
        wanted = math.max(0, math.min(1, wanted))
        lu.assertAlmostEquals(c[{ k, (i - 1) // 2 + 1, (i - 1) % 2 + 1 }], wanted, 1e-5)
      end
    end
  end
end

function t.test_brightness() check_blend("brightness", function() return 0 end) end

function t.test_contrast()
  local mean = 0
  for _, c in ipairs(COLORS) do mean = mean + luminance(c) / 4 end
  check_blend("contrast", function() return mean end)
end

function t.test_saturation() check_blend("saturation", luminance) end

function t.test_rotation_keeps_the_centre_and_turns_the_rest()
  local p, most = places(41, 41), 0
  for seed = 1, 100 do
    local c = A.apply({ A.rotation { degrees = 30 } }, p, seed)
    h.close(c[{ 1, 21, 21 }], 21 / 255, 1e-5)
    local dx, dy = c[{ 1, 21, 31 }] * 255 - 21, c[{ 2, 21, 31 }] * 255 - 21
    lu.assertAlmostEquals(dx ^ 2 + dy ^ 2, 100, 0.1) -- ten pixels away, in any direction
    most = math.max(most, math.abs(math.deg(math.atan(dy, dx))))
  end
  lu.assertTrue(most > 25 and most <= 30.01, most)
end

function t.test_sizes()
  local p = places(10, 20)
  lu.assertEquals(A.apply({ A.resize { size = 5 } }, p, 0):size(), { 3, 5, 10 })
  local steps = { A.resize { size = { 5, 7 } }, A.center_crop { size = { 3, 4 } } }
  lu.assertEquals(A.apply(steps, p, 0):size(), { 3, 3, 4 })
  h.close(A.apply({ A.center_crop { size = 4 } }, p, 0), sb.image.crop(p, 4, 9, 4, 4), 0)
end

function t.test_bad_options_are_explained()
  h.error_has(A.random_crop, "size must be whole numbers from 1 to 32768, got false", {})
  h.error_has(A.color_jitter, "hue must be 0 to 0.5, got 0.6", { hue = 0.6 })
  h.error_has(A.color_jitter, "did you mean 'contrast'?", { contrst = 1 })
  h.error_has(A.random_resized_crop, "scale is an empty range", { size = 3, scale = { 1, 0.5 } })
  local large = { A.random_crop { size = 5 } }
  h.error_has(A.apply, "5x5 does not fit into the picture of 4x4", large, places(4, 4), 1)
end

return t
