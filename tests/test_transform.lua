-- Transforms of pictures: what they do, that back is the adjoint, and that the generator decides all.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}
local t = sb.transform

local function picture(...) return sb.randn(sb.rng(7), ...) end

local every = {
  pad = t.pad(2), reflect = t.pad(2, { mode = "reflect" }), jitter = t.jitter(3), crop = t.crop(4, 5),
  narrow = t.jitter(1, { border = "crop" }), centre = t.crop(3, 3, { place = "centre" }), flip = t.flip(1),
  scale = t.scale { 0.8, 1.2 }, rotate = t.rotate({ -30, 20 }, { border = "constant" }),
  turn = t.compose { t.rotate { 200 }, t.scale { 0.4 } },
  all = t.compose { t.pad(3), t.jitter(2), t.flip(), t.crop(7, 6), t.jitter(1) },
}

-- f = sum of w * y^2 / 2 has the gradient w * y in y.
function T.test_gradients_against_finite_differences()
  for _, transform in pairs(every) do
    local x = picture(2, 3, 6, 7)
    local y, back = transform(x, sb.rng(3))
    local w = sb.rand(sb.rng(5), table.unpack(y:size()))
    local function f()
      local moved = transform(x, sb.rng(3))
      return (moved * w):dot(moved) / 2
    end
    h.check_gradients(f, { x }, { back(w * y) })
  end
end

function T.test_same_seed_same_picture()
  local x = picture(1, 3, 9, 9)
  local before = x:clone()
  for name, transform in pairs(every) do
    h.close(transform(x, sb.rng(8)), (transform(x, sb.rng(8))), 0)
    h.close(x, before, 0)
    lu.assertEquals(transform(x, sb.rng(8)):size(2), 3, name)
  end
end

-- Of the 25 shifts of jitter(2) all occur, and each only permutes the pixels.
function T.test_jitter_wraps_and_reaches_every_shift()
  local x, rng, seen, count = sb.arange(1, 49):reshape(1, 1, 7, 7), sb.rng(2), {}, 0
  for _ = 1, 300 do
    local y = t.jitter(2)(x, rng)
    h.close(y:sum(), x:sum(), 0)
    local corner = y[{ 1, 1, 1, 1 }]
    if not seen[corner] then seen[corner], count = true, count + 1 end
  end
  lu.assertEquals(count, 25)
end

function T.test_crop_is_a_window()
  local x = sb.arange(1, 20):reshape(1, 1, 4, 5)
  local centre = t.crop(2, 3, { place = "centre" })(x)
  lu.assertEquals(centre:totable(), { { { { 7, 8, 9 }, { 12, 13, 14 } } } })
  local y = t.crop(2, 2)(x, sb.rng(1))
  h.close(y[{ 1, 1, 2, 2 }] - y[{ 1, 1, 1, 1 }], 6, 0)
end

function T.test_flip_mirrors_or_not()
  local x = picture(1, 3, 4, 5)
  h.close(t.flip(1)(x, sb.rng(0)), x:flip(4), 0)
  h.close(t.flip(0)(x, sb.rng(0)), x, 0)
end

-- A quarter turn moves every pixel onto another; a picture of a ramp, enlarged, is a ramp of less slope.
function T.test_rotate_and_scale_by_hand()
  local x = sb.arange(1, 9):reshape(1, 1, 3, 3)
  local turned = t.rotate { 90 }(x, sb.rng(1))
  h.close(turned, sb.tensor { 3, 6, 9, 2, 5, 8, 1, 4, 7 }:reshape(1, 1, 3, 3), 1e-5)
  local large = t.scale { 2 }(x, sb.rng(1))
  h.close(large, sb.tensor { 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7 }:reshape(1, 1, 3, 3), 1e-5)
  local small = t.scale({ 0.5 }, { border = "constant", value = 7 })(x, sb.rng(1))
  h.close(small, sb.tensor { 7, 7, 7, 7, 5, 7, 7, 7, 7 }:reshape(1, 1, 3, 3), 1e-5)
end

function T.test_errors_name_what_is_wrong()
  h.error_has(t.jitter, "transform.jitter: the distance must be a whole number of at least 0, got 1.5", 1.5)
  h.error_has(t.jitter, "unknown border 'wrapp'", 2, { border = "wrapp" })
  h.error_has(t.jitter(2), "give t(x, rng) a generator", picture(1, 3, 4, 4))
  h.error_has(t.crop(9, 2), "9x2 does not fit into 4x5", picture(1, 3, 4, 5), sb.rng(1))
  h.error_has(t.flip, "must be 0 to 1, got 2", 2)
  h.error_has(t.compose, "entry 2 is a number, not a transform", { t.pad(1), 3 })
  h.error_has(t.rotate, "transform.rotate: takes a list of numbers, got 5", 5)
  h.error_has(t.scale, "transform.scale: number 2 of the list is -1", { 1, -1 })
  h.error_has(t.pad, "unknown option 'modus'", 1, { modus = "edge" })
end

return T
