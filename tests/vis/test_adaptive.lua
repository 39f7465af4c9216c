-- Sparse feature maps: against coordinate descent on the whole matrix, and pictures whose maps are known.
local adaptive = require "switchback.adaptive"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local tiny = require "tiny_model"

local T = {}

local function filters_of(seed, ...) return adaptive.unit(sb.randn(sb.rng(seed), ...)) end

-- ---- A small case, by another way ------------------------------------------------------------------------

-- F as a list of its columns (lists of numbers): the picture that each unit of the maps makes.
local function columns(filters, shape)
  local list = {}
  for k = 1, shape[2] do
    for y = 1, shape[3] do
      for x = 1, shape[4] do
        local z = sb.zeros(table.unpack(shape))
        z[{ 1, k, y, x }] = 1
        local pads = { filters:size(3) - 1, filters:size(4) - 1 }
        list[#list + 1] = sb.conv2d_transpose(z, filters, { pad = pads }):reshape(-1):totable()
      end
    end
  end
  return list
end

-- The minimum of lambda / 2 |F z - y|^2 + |z|_1 by coordinate descent, each coordinate solved in closed form.
local function by_coordinates(f, y, lambda)
  local z, rest = {}, table.move(y, 1, #y, 1, {}) -- rest = y - F z
  for i = 1, #f do z[i] = 0 end
  for _ = 1, 400 do
    for i, column in ipairs(f) do
      local dot, norm = 0, 0
      for p, v in ipairs(column) do dot, norm = dot + v * rest[p], norm + v * v end
      local wanted = dot + norm * z[i]
      local new = math.max(math.abs(wanted) - 1 / lambda, 0) * (wanted > 0 and 1 or -1) / norm
      for p, v in ipairs(column) do rest[p] = rest[p] - v * (new - z[i]) end
      z[i] = new
    end
  end
  local objective = 0
  for _, r in ipairs(rest) do objective = objective + lambda / 2 * r * r end
  for _, v in ipairs(z) do objective = objective + math.abs(v) end
  return objective, z
end

function T.test_equals_coordinate_descent()
  for _, case in ipairs { { 1, 1, 3, 3, 2 }, { 2, 3, 2, 3, 5 } } do
    local k, c, fh, fw, lambda = table.unpack(case)
    local filters = filters_of(1, k, c, fh, fw)
    local y = sb.randn(sb.rng(2), 1, c, 5, 6)
    local z, fz, history = adaptive.infer(y, filters, { lambda = lambda, steps = 3000 })
    local wanted, values = by_coordinates(columns(filters, z:size()), y:reshape(-1):totable(), lambda)
    lu.assertAlmostEquals(history[#history].objective, wanted, 1e-4 * wanted)
    h.close(z:reshape(-1), sb.tensor(values), 2e-2)
    h.close(fz, sb.conv2d_transpose(z, filters, { pad = { fh - 1, fw - 1 } }), 1e-5)
    lu.assertEquals(fz:size(), y:size())
  end
end

-- One filter of a single pixel: z = shrink(y, 1 / lambda), exactly.
function T.test_a_filter_of_one_pixel_shrinks_the_picture()
  local y = sb.randn(sb.rng(3), 2, 1, 7, 5)
  local z = adaptive.infer(y, sb.ones(1, 1, 1, 1), { lambda = 4, steps = 200 })
  h.close(z, y - y:clamp(-0.25, 0.25), 1e-5)
end

-- ---- Properties ------------------------------------------------------------------------------------------

function T.test_istas_objective_never_rises()
  for seed = 1, 4 do
    local filters, y = filters_of(seed, 5, 3, 5, 4), sb.randn(sb.rng(seed + 9), 1, 3, 16, 13)
    local _, _, history = adaptive.infer(y, filters, { method = "ista", steps = 60, lambda = 3 * seed })
    lu.assertEquals(#history, 61)
    for i = 2, #history do
      lu.assertTrue(history[i].objective <= history[i - 1].objective * (1 + 1e-6))
    end
    lu.assertTrue(history[61].objective < 0.8 * history[1].objective)
  end
end

function T.test_fista_is_faster()
  local filters, y = filters_of(1, 12, 1, 5, 5), sb.randn(sb.rng(2), 1, 1, 24, 24)
  local function after(method)
    local _, _, history = adaptive.infer(y, filters, { method = method, steps = 50, lambda = 10 })
    return history[51].objective
  end
  lu.assertTrue(after "fista" < after "ista")
end

-- The first entry of the history is of empty maps; a larger lambda leaves less error and more activity.
function T.test_lambda_trades_error_for_activity()
  local filters, y = filters_of(4, 6, 1, 5, 5), sb.randn(sb.rng(5), 1, 1, 20, 20)
  local error, active = 1, 0
  for _, lambda in ipairs { 0.01, 0.5, 2, 10 } do
    local z, fz, history = adaptive.infer(y, filters, { lambda = lambda })
    local last = history[#history]
    lu.assertAlmostEquals(history[1].objective, lambda / 2 * y:dot(y), 1e-3 * lambda * y:dot(y))
    lu.assertAlmostEquals(last.error, (fz - y):norm() ^ 2 / y:norm() ^ 2, 1e-5)
    lu.assertAlmostEquals(last.active, z:ne(0):mean(), 1e-6)
    lu.assertTrue(last.error <= error and last.active >= active)
    error, active = last.error, last.active
  end
  lu.assertTrue(error < 0.1)
end

function T.test_normalised_contrast()
  local photo = sb.image.longer_side(sb.image.load(tiny.photo()), 120):unsqueeze(1)
  local y = adaptive.normalised(photo)
  lu.assertTrue(math.abs(y:mean()) < 0.05 and y:std() > 0.5 and y:std() < 1.1)
  h.close(adaptive.normalised(photo * 0.3 + 0.2), y, 1e-3) -- neither brightness nor contrast matters
  lu.assertEquals(adaptive.normalised(sb.full(0.5, 1, 3, 20, 20)):abs():max() < 1e-2, true)
end

-- ---- Learning --------------------------------------------------------------------------------------------

-- Pictures are sums of two filters at a few places: what is learned comes near them, but for sign and place.
function T.test_filters_are_found_again()
  local rng = sb.rng(6)
  local bar, spot = sb.zeros(1, 5, 5), sb.zeros(1, 5, 5)
  for i = 1, 5 do bar[{ 1, i, i }] = 1 end
  spot[{ 1, 3, 3 }], spot[{ 1, 3, 2 }], spot[{ 1, 2, 3 }] = 1, -1, -1
  local truth = adaptive.unit(sb.stack({ bar, spot }, 1))
  local pictures = {}
  for i = 1, 6 do
    local z = sb.randn(rng, 1, 2, 44, 44) * sb.rand(rng, 1, 2, 44, 44):gt(0.98)
    pictures[i] = sb.conv2d_transpose(z, truth, { pad = 4 })[1]
  end
  local filters, history = adaptive.learn(pictures, { count = 4, side = 7, lambda = 10, updates = 120,
    steps = 15, batch = 4, window = 30, seed = 1 })
  lu.assertTrue(history[120] < 0.8 * history[1])
  for t = 1, 2 do
    local best = 0
    for k = 1, 4 do
      local match = sb.conv2d(filters:narrow(1, k, 1), truth:narrow(1, t, 1), { pad = 4 }):abs():max()
      best = math.max(best, match)
    end
    lu.assertTrue(best > 0.9, ("filter %d: %.3f"):format(t, best))
  end
  for k = 1, 4 do lu.assertAlmostEquals(filters:select(1, k):norm(), 1, 1e-5) end
end

function T.test_learning_repeats_itself()
  local pictures = { sb.randn(sb.rng(1), 1, 40, 40) }
  local options = { count = 3, side = 5, updates = 3, seed = 4 }
  lu.assertTrue(adaptive.learn(pictures, options):bytes() == adaptive.learn(pictures, options):bytes())
end

-- ---- The method ------------------------------------------------------------------------------------------

function T.test_the_method()
  local net, photo = tiny.loaded()
  local found = sb.vis.adaptive(net, photo, { lambdas = { 1, 4 }, steps = 15, size = 60, strongest = 3 })
  lu.assertEquals({ found.filters:size(), #found.results, #found.maps }, { { 8, 3, 5, 5 }, 2, 3 })
  lu.assertTrue(found.results[2].error < found.results[1].error)
  lu.assertEquals(found.maps[1].map:size(), { 1, table.unpack(found.input:size(), 2) })
  lu.assertTrue(found.maps[1].share >= found.maps[2].share)
  local grey = sb.vis.adaptive(nil, photo, { filters = filters_of(1, 4, 1, 5, 5), steps = 3, size = 60 })
  lu.assertEquals(grey.input:size(1), 1)
end

function T.test_mistakes()
  local y = sb.zeros(1, 1, 9, 9)
  h.error_has(adaptive.infer, "unknown method 'fist'; did you mean 'fista'", y,
    sb.ones(1, 1, 3, 3), { method = "fist" })
  h.error_has(adaptive.infer, "channel", y, sb.ones(2, 3, 3, 3))
  h.error_has(adaptive.learn, "9x9 is smaller than the window of 32", { y[1] })
end

return T
