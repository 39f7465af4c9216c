-- What is wrong with a bank of filters, on banks made to have it.
local h = require "helper"
local lu = require "luaunit"
local picture_set = require "picture_set"
local sb = require "switchback"
local survey = require "switchback.filter_survey"
local tiny = require "tiny_model"

local T = {}

-- Smooth noise (1,1,n,n), so that a turned filter still has its shape.
local function smooth(rng, n)
  return sb.image.resize(sb.randn(rng, 1, 1, 3, 3), n, n, { method = "bilinear" })
end

-- Three channels of random smooth patterns (1,3,n,n).
local function colored(rng, n) return sb.cat({ smooth(rng, n), smooth(rng, n), smooth(rng, n) }, 2) end

-- ---- Near-duplicates -------------------------------------------------------------------------------------

function T.test_each_kind_of_duplicate_is_found_by_its_cosine()
  local rng = sb.rng(21)
  local a, b, c = colored(rng, 7), colored(rng, 7), colored(rng, 7)
  local turned = sb.image.rotate(b, 90, { fill = 0 })
  local s = math.sqrt(0.5) -- red and green turned by 45 degrees, blue negated: orthogonal
  local mix = sb.tensor { { s, s, 0 }, { -s, s, 0 }, { 0, 0, -1 } }
  local painted = mix:matmul(c:reshape(3, 49)):reshape(1, 3, 7, 7)
  local found = survey.duplicates(sb.cat({ a, a * 2.5, b, turned, c, painted }, 1), true)
  local function pair(kind, i, j)
    lu.assertEquals(found[kind][i].other, j)
    lu.assertAlmostEquals(found[kind][i].cosine, 1, 1e-5)
  end
  for _, kind in ipairs { "plain", "rotated", "recolored", "both" } do
    pair(kind, 1, 2)
    pair(kind, 2, 1)
  end
  pair("rotated", 3, 4)
  pair("both", 4, 3)
  pair("recolored", 5, 6)
  pair("both", 6, 5)
  lu.assertEquals(survey.near(found.plain, 0.99), 2)
  lu.assertEquals(survey.near(found.rotated, 0.99), 4)
  lu.assertEquals(survey.near(found.recolored, 0.99), 4)
  lu.assertEquals(survey.near(found.both, 0.99), 6)
end

-- Against sums over the weights.
function T.test_cosines()
  local w = sb.randn(sb.rng(22), 4, 3, 5, 5)
  local found = survey.duplicates(w, true)
  for i = 1, 4 do
    local best, best_color = -1, -1
    for j = 1, 4 do
      if i ~= j then
        local a, b = w:select(1, i):reshape(3, 25), w:select(1, j):reshape(3, 25)
        best = math.max(best, a:dot(b) / (a:norm() * b:norm()))
        local ab, aa, bb = a:matmul(b:transpose()), a:matmul(a:transpose()), b:matmul(b:transpose())
        best_color = math.max(best_color, ab:norm() / math.sqrt(aa:norm() * bb:norm()))
      end
    end
    lu.assertAlmostEquals(found.plain[i].cosine, best, 1e-5)
    lu.assertAlmostEquals(found.recolored[i].cosine, best_color, 1e-5)
    lu.assertTrue(found.rotated[i].cosine >= best - 1e-6)
    lu.assertTrue(found.both[i].cosine >= best_color - 1e-6)
  end
end

function T.test_a_bank_of_one_and_filters_of_zeros()
  lu.assertEquals(survey.duplicates(sb.ones(1, 3, 3, 3), true).plain, {})
  local found = survey.duplicates(sb.zeros(2, 3, 3, 3), true)
  lu.assertEquals({ found.plain[1].cosine, found.both[2].cosine }, { 0, 0 })
end

-- ---- Frequencies -----------------------------------------------------------------------------------------

-- The shares by the definition: the Fourier sum at 32x32 frequencies, one at a time.
local function shares(filter)
  local sums, k = { low = 0, mid = 0, high = 0, mean = 0 }, filter:size(1)
  local total, rows = 0, filter:totable()
  for v = 0, 31 do
    for u = 0, 31 do
      local re, im = 0, 0
      for y = 1, k do
        for x = 1, k do
          local phase = 2 * math.pi * (v * (y - 1) + u * (x - 1)) / 32
          re, im = re + rows[y][x] * math.cos(phase), im - rows[y][x] * math.sin(phase)
        end
      end
      local power = re * re + im * im
      local radius = math.sqrt(math.min(v, 32 - v) ^ 2 + math.min(u, 32 - u) ^ 2) / 32
      local band = radius < 1 / 8 and "low" or radius > 1 / 4 and "high" or "mid"
      sums[band], total, sums.mean = sums[band] + power, total + power, sums.mean + power * radius
    end
  end
  for name, sum in pairs(sums) do sums[name] = sum / total end
  return sums
end

function T.test_shares_of_power_are_those_of_the_fourier_sum()
  local w = sb.randn(sb.rng(23), 3, 1, 5, 5)
  local list, spectrum = survey.frequencies(w)
  for i = 1, 3 do
    for name, share in pairs(shares(w[i][1])) do lu.assertAlmostEquals(list[i][name], share, 1e-5) end
  end
  lu.assertEquals(spectrum:size(), { 32, 32 })
  lu.assertAlmostEquals(spectrum:sum(), 1, 1e-5)
end

function T.test_bands_of_gratings()
  local function grating(frequency)
    local rows = {}
    for y = 1, 11 do
      rows[y] = {}
      for x = 1, 11 do rows[y][x] = math.cos(2 * math.pi * frequency * x) end
    end
    return sb.tensor(rows):reshape(1, 1, 11, 11)
  end
  local list = survey.frequencies(sb.cat({ grating(0), grating(0.18), grating(0.5) }, 1))
  lu.assertEquals({ list[1].band, list[2].band, list[3].band }, { "low", "mid", "high" })
  lu.assertAlmostEquals(list[2].mean, 0.18, 0.03) -- eleven pixels see frequencies that exactly
end

-- ---- The method ------------------------------------------------------------------------------------------

function T.test_dead_filters_are_those_that_no_picture_moves()
  local net = sb.load(tiny.model())
  local weight = net:node("conv1").layer.params.weight
  weight:select(1, 3):fill_(0)
  local bank = sb.vis.filters(net, picture_set.set(), { survey = true })
  lu.assertEquals(bank.dead, { 3 })
  for c, most in ipairs(bank.most) do lu.assertEquals(most > 0, c ~= 3) end
  lu.assertEquals({ #bank.frequencies, #bank.duplicates.both }, { 8, 8 })
  lu.assertNil(sb.vis.filters(net, nil, { survey = true }).dead)
  lu.assertNil(sb.vis.filters(net, nil, { survey = true, layer = "conv2" }).duplicates.recolored)
end

function T.test_the_table_and_the_picture()
  local sheet, net = require "switchback.filter_sheet", sb.load(tiny.model())
  local bank = sb.vis.filters(net, picture_set.set(), { survey = true })
  local t = sheet.table(bank, 0.9)
  lu.assertEquals({ t.filters, t.size, t.bands.low + t.bands.mid + t.bands.high }, { 8, "3x5x5", 8 })
  lu.assertAlmostEquals(t.power.low + t.power.mid + t.power.high, 1, 1e-6)
  local sizes = {}
  for i = 1, 8 do sizes[i] = bank.weight:select(1, i):norm() / math.sqrt(75) end
  lu.assertAlmostEquals(sizes[t.rms.which], t.rms.largest, 1e-6)
  table.sort(sizes)
  lu.assertAlmostEquals(t.rms.largest, sizes[8], 1e-6)
  lu.assertAlmostEquals(t.rms.median, sizes[5], 1e-6)
  local one = sheet.compare({ bank }, { "tiny" }, {})
  local two = sheet.compare({ bank, bank }, { "tiny", "again" }, {})
  lu.assertTrue(two:size(3) > 1.9 * one:size(3))
  h.close(two:size(2), one:size(2), 0.1)
end

return T
