-- Sizes and places: against the formulas written out, and numbers worked out by hand.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local image = sb.image
local T = {}

-- ---- The filters as published, one target pixel at a time -------------------------------------------------

local function triangle(x) return math.max(0, 1 - math.abs(x)) end

local function keys(x) -- Keys 1981, equation 4 with a = -1/2
  local a = -0.5
  x = math.abs(x)
  if x < 1 then return (a + 2) * x ^ 3 - (a + 3) * x ^ 2 + 1 end
  return x < 2 and a * x ^ 3 - 5 * a * x ^ 2 + 8 * a * x - 4 * a or 0
end

-- Weights of all `from` source pixels for target pixel i of `to`.
local function weights(filter, i, from, to)
  local scale, sum, w = from / to, 0, {}
  local centre = (i - 0.5) * scale
  for k = 1, from do
    w[k] = filter((k - 0.5 - centre) / math.max(scale, 1))
    sum = sum + w[k]
  end
  for k = 1, from do w[k] = w[k] / sum end
  return w
end

-- Weights of the mean over [(i-1) scale, i scale).
local function area_weights(i, from, to)
  local scale, w = from / to, {}
  for k = 1, from do
    w[k] = math.max(0, math.min(k, i * scale) - math.max(k - 1, (i - 1) * scale)) / scale
  end
  return w
end

local function matrix(n, row)
  local rows = {}
  for i = 1, n do rows[i] = row(i) end
  return sb.tensor(rows)
end

-- y = A x B^T with the weights of each axis.
local function naive(x, to_h, to_w, rows_of)
  local from_h, from_w = x:size(1), x:size(2)
  local a = matrix(to_h, function(i) return rows_of(i, from_h, to_h) end)
  local b = matrix(to_w, function(i) return rows_of(i, from_w, to_w) end)
  return a:matmul(x):matmul(b:transpose(1, 2))
end

local SIZES = { { 5, 7 }, { 31, 40 }, { 5, 40 }, { 31, 7 }, { 16, 23 }, { 1, 1 } }

-- 1e-5: float32 sums of up to 23 terms near 1, and cancellation of the bicubic's negative lobes.
local function check_against(method, rows_of)
  local x = sb.rand(sb.rng(1), 16, 23)
  for _, size in ipairs(SIZES) do
    local y = image.resize(x, size[1], size[2], { method = method })
    h.close(y, naive(x, size[1], size[2], rows_of), 1e-5)
  end
end

function T.test_bilinear()
  check_against("bilinear", function(...) return weights(triangle, ...) end)
end

function T.test_bicubic()
  check_against("bicubic", function(...) return weights(keys, ...) end)
end

function T.test_area() check_against("area", area_weights) end

function T.test_nearest()
  check_against("nearest", function(i, from, to)
    local w = {}
    for k = 1, from do w[k] = k == math.floor((i - 0.5) * from / to) + 1 and 1 or 0 end
    return w
  end)
end

function T.test_auto_is_area_when_shrinking_and_bicubic_when_growing()
  local x = sb.rand(sb.rng(2), 16, 23)
  local mixed = image.resize(x, 5, 40)
  local wide = image.resize(x, 16, 40, { method = "bicubic" })
  h.close(mixed, image.resize(wide, 5, 40, { method = "area" }), 1e-6)
  lu.assertEquals(image.resize(x, 16, 23):totable(), x:totable())
end

function T.test_planes_are_independent_and_threads_do_not_matter()
  local x = sb.rand(sb.rng(3), 2, 3, 16, 23)
  local threads = sb.threads()
  sb.threads(1)
  local one = image.resize(x, 9, 30)
  sb.threads(3)
  local three = image.resize(x, 9, 30)
  sb.threads(threads)
  lu.assertEquals(one:size(), { 2, 3, 9, 30 })
  lu.assertEquals(one:totable(), three:totable())
  lu.assertEquals(one[2][3]:totable(), image.resize(x[2][3], 9, 30):totable())
end

function T.test_resize_refuses()
  local x = sb.zeros(1, 4, 4)
  local typo = { method = "bilinar" }
  h.error_has(image.resize, "unknown method 'bilinar'; did you mean 'bilinear'?", x, 2, 2, typo)
  h.error_has(image.resize, "unknown option 'filter'", x, 2, 2, { filter = "area" })
  h.error_has(image.resize, "sides must be 1 to 16777216 pixels, got 0", x, 0, 2)
  h.error_has(image.resize, "must be (H,W), (C,H,W) or (N,C,H,W) and not empty, got 4", sb.zeros(4), 2, 2)
  h.error_has(image.resize, "tensor expected", "picture", 2, 2)
end

-- ---- Crops ------------------------------------------------------------------------------------------------

-- (C,H,W) with the value 100 c + 10 y + x.
local function numbered(c, height, width)
  local t = sb.zeros(c, height, width)
  for i = 1, c do
    for y = 1, height do
      for x = 1, width do t[{ i, y, x }] = 100 * i + 10 * y + x end
    end
  end
  return t
end

function T.test_crop()
  local t = numbered(2, 3, 4)
  lu.assertEquals(image.crop(t, 2, 3, 2, 1):totable(), { { { 123 }, { 133 } }, { { 223 }, { 233 } } })
  h.error_has(image.crop, "image.crop: 2x2 pixels at (3, 1) are not inside of 3x4", t, 3, 1, 2, 2)
  h.error_has(image.crop, "are not inside", t, 0, 1, 2, 2)
end

function T.test_centre_crop_and_square()
  local t = numbered(1, 3, 6)
  lu.assertEquals(image.centre_crop(t, 1, 2):totable(), { { { 123, 124 } } })
  lu.assertEquals(image.square(t)[1][1]:totable(), { 112, 113, 114 })
end

function T.test_fit_covers_and_contain_shows_all()
  local t = image.rectangle(sb.zeros(3, 20, 40), 1, 1, 20, 10) -- the left quarter is white
  lu.assertEquals(image.fit(t, 10, 10):max(), 0.0) -- cut off
  local whole = image.contain(t, 20, 20, { fill = 0.25 })
  lu.assertEquals(whole:size(), { 3, 20, 20 })
  lu.assertEquals(whole[1][5]:totable(), sb.full(0.25, 20):totable())
  lu.assertEquals(whole[1][10]:narrow(1, 1, 6):totable(), { 1, 1, 1, 1, 1, 0 })
end

-- ---- Flips, turns, moves ----------------------------------------------------------------------------------

function T.test_longer_side()
  lu.assertEquals(sb.image.longer_side(sb.zeros(3, 300, 451), 100):size(), { 3, 67, 100 })
  lu.assertEquals(sb.image.longer_side(sb.zeros(1, 9, 3), 18):size(), { 1, 18, 6 })
  lu.assertEquals(sb.image.longer_side(sb.zeros(1, 900, 1), 9):size(), { 1, 9, 1 })
end

function T.test_flip()
  local t = numbered(2, 2, 3)
  lu.assertEquals(image.flip(t)[1]:totable(), { { 113, 112, 111 }, { 123, 122, 121 } })
  lu.assertEquals(image.flip(t, "vertical")[2]:totable(), { { 221, 222, 223 }, { 211, 212, 213 } })
  h.error_has(image.flip, "unknown axis 'x'", t, "x")
end

function T.test_translate()
  local t = numbered(1, 3, 3)
  local moved = image.translate(t, 1, -1, { fill = 0 })
  lu.assertEquals(moved[1]:totable(), { { 0, 0, 0 }, { 112, 113, 0 }, { 122, 123, 0 } })
  h.close(image.translate(t, 0, 0.25)[1]:narrow(2, 2, 2),
    sb.tensor { { 111.75, 112.75 }, { 121.75, 122.75 }, { 131.75, 132.75 } }, 1e-4)
end

-- Counter-clockwise, as it looks on the screen: the right column becomes the top row. 1e-4 for the
-- rounding of sines against values near 200.
function T.test_rotate_quarter_turns()
  local t = numbered(1, 3, 3)
  h.close(image.rotate(t, 90)[1], sb.tensor { { 113, 123, 133 }, { 112, 122, 132 }, { 111, 121, 131 } }, 1e-4)
  h.close(image.rotate(t, 180)[1], image.flip(image.flip(t), "vertical")[1], 1e-4)
  h.close(image.rotate(t, 360), t, 1e-4)
end

-- A plane a + b y + c x is looked up exactly by bilinear interpolation.
function T.test_affine_of_a_plane_is_exact()
  local t = sb.zeros(1, 30, 40)
  for y = 1, 30 do
    for x = 1, 40 do t[{ 1, y, x }] = 0.5 + 0.01 * (y - 15.5) - 0.02 * (x - 20.5) end
  end
  local out = image.affine(t, { 0.5, 0.1, -0.2, 0.8, 1.5, -2.25 }, { size = { 10, 12 } })
  lu.assertEquals(out:size(), { 1, 10, 12 })
  for y = 1, 10 do
    for x = 1, 12 do
      local dy, dx = y - 5.5, x - 6.5
      local sy, sx = 0.5 * dy + 0.1 * dx + 1.5, -0.2 * dy + 0.8 * dx - 2.25
      lu.assertAlmostEquals(out[{ 1, y, x }], 0.5 + 0.01 * sy - 0.02 * sx, 1e-6)
    end
  end
end

function T.test_outside_is_filled()
  local t = sb.full(1, 1, 4, 4)
  lu.assertEquals(image.translate(t, 100, 0)[1][1][1], 0.5)
  lu.assertEquals(image.translate(t, 100, 0, { fill = 0 }):max(), 0.0)
  lu.assertEquals(image.translate(t, 0 / 0, 0):max(), 0.5)
  lu.assertEquals(image.translate(t, math.huge, 0):max(), 0.5)
end

return T
