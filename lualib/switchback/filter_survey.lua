-- What is wrong with a bank of filters: those that never answer, those that are there twice, those that see
-- only the coarsest or the finest structure. It was such a look at AlexNet's first layer that led to ZFNet
-- (Zeiler & Fergus 2014, section 4.1).
local core = require "switchback.core"
local image = require "switchback.image"

local survey = {}

local SMALLEST <const> = 1e-12
local TURN <const> = 15 -- degrees between the rotations that are tried

-- ---- Near-duplicates -------------------------------------------------------------------------------------

-- Rows of length 1.
local function unit(rows)
  return rows / (rows * rows):sum(2, true):sqrt():clamp(SMALLEST, math.huge)
end

-- Each filter as a row.
local function as_rows(weight) return unit(weight:reshape(weight:size(1), -1)) end

-- Each filter as a row that no orthogonal change of its colours alters: the inner products, over colours, of
-- its places with each other.
local function without_color(weight)
  local size = weight:size()
  local places = weight:reshape(size[1], size[2], size[3] * size[4])
  return unit(places:transpose(2, 3):matmul(places):reshape(size[1], -1))
end

-- The largest cosine between any filter and any of its turns (O,O).
local function similarity(weight, rows_of, turns)
  local rows, best = rows_of(weight), nil
  for i = 0, turns - 1 do
    local turned = i == 0 and weight or image.rotate(weight, i * TURN, { fill = 0 })
    local cosines = rows:matmul(rows_of(turned):transpose())
    best = best and core.tensor.where(best:gt(cosines), best, cosines) or cosines
  end
  return best
end

-- Of each filter the one most like it: list of { other =, cosine = }.
local function nearest(cosines)
  local n, list = cosines:size(1), {}
  if n < 2 then return list end
  local most, at = (cosines - 3 * core.tensor.eye(n)):max(2)
  for i = 1, n do list[i] = { other = math.tointeger(at[i]), cosine = most[i] } end
  return list
end

-- duplicates(weight (O,I,h,w), in_color) --> { plain =, rotated =, recolored =, both = } (the last two where
-- filters look at colours), of each a list with, for every filter, { other = the filter most like it, cosine
-- = how like }:
--   plain      the cosine between weights
--   rotated    the largest over turns of one of them about its middle in steps of 15 degrees, bilinear
--   recolored  up to an orthogonal change of colours: with A and B the filters as matrices (I, h*w) this is
--              |A B^T| / sqrt(|A A^T| |B B^T|), Frobenius norms: the root of the RV coefficient (Robert &
--              Escoufier 1976); 1 where the patterns are equal, whatever their colours and signs
function survey.duplicates(weight, in_color)
  local turns = weight:size(3) > 1 and 360 // TURN or 1
  local found = { plain = nearest(similarity(weight, as_rows, 1)),
                  rotated = nearest(similarity(weight, as_rows, turns)) }
  if not in_color then return found end
  for name, n in pairs { recolored = 1, both = turns } do
    found[name] = nearest(similarity(weight, without_color, n):clamp(0, math.huge):sqrt())
  end
  return found
end

-- near(list, least) --> how many filters have another one at a cosine of at least `least`.
function survey.near(list, least)
  local n = 0
  for _, entry in ipairs(list) do n = n + (entry.cosine >= least and 1 or 0) end
  return n
end

-- ---- Frequencies -----------------------------------------------------------------------------------------

local POINTS <const> = 32 -- of the Fourier transform, along each axis
local LOW <const>, HIGH <const> = 1 / 8, 1 / 4 -- cycles per pixel between the bands; 1/2 is the finest

-- Cosines and sines (POINTS, k) of the transform of k values followed by zeros.
local function transform(k)
  local phase = core.tensor.arange(0, POINTS - 1):reshape(POINTS, 1)
    * core.tensor.arange(0, k - 1):reshape(1, k) * (2 * math.pi / POINTS)
  return phase:cos(), phase:sin()
end

-- The power spectrum (O, POINTS, POINTS) of each filter, over its channels.
local function spectrum(weight)
  local size = weight:size()
  local cy, sy = transform(size[3])
  local cx, sx = transform(size[4])
  cx, sx = cx:transpose(), sx:transpose()
  local along, across = weight:matmul(cx), weight:matmul(sx)
  local real = cy:matmul(along) - sy:matmul(across)
  local imaginary = cy:matmul(across) + sy:matmul(along)
  return (real * real + imaginary * imaginary):sum(2)
end

-- Cycles per pixel, in any direction, of each point of the spectrum.
local function radii()
  local line = core.tensor.arange(0, POINTS - 1)
  local folded = core.tensor.where(line:gt(POINTS / 2), POINTS - line, line) / POINTS
  local squares = folded * folded
  return (squares:reshape(POINTS, 1) + squares:reshape(1, POINTS)):sqrt()
end

-- frequencies(weight (O,I,h,w)) --> list of { low =, mid =, high =, band =, mean = }, one for each filter:
-- the shares of its power (the squared Fourier transform, summed over its channels) below 1/8 cycle per
-- pixel, up to 1/4, and above; the name of the largest; the mean frequency, weighted by power. And the mean
-- spectrum of all filters, each of power 1: (32,32), frequency 0 in the first corner.
function survey.frequencies(weight)
  local radius, power, list = radii(), spectrum(weight), {}
  local total = power:sum({ 2, 3 }, true):clamp(SMALLEST, math.huge)
  power = power / total
  local low, high = radius:lt(LOW), radius:gt(HIGH)
  local shares = { low = (power * low):sum { 2, 3 }, high = (power * high):sum { 2, 3 } }
  local mean = (power * radius):sum { 2, 3 }
  for i = 1, weight:size(1) do
    local f = { low = shares.low[i], high = shares.high[i], mean = mean[i] }
    f.mid = math.max(0, 1 - f.low - f.high)
    f.band = f.low >= f.mid and f.low >= f.high and "low" or f.high > f.mid and "high" or "mid"
    list[i] = f
  end
  return list, power:mean(1)
end

-- ---- Filters that never answer ---------------------------------------------------------------------------

-- dead(net, layer, set [, progress]) --> list of the channels of a layer that are above 0 nowhere in any
-- picture of the set; what their strongest activations are, by channel.
function survey.dead(net, layer, set, progress)
  local found = require("switchback.strongest").of(net, set, { layers = { layer }, most = 1,
                                                               progress = progress })[layer]
  local list, most = {}, {}
  for c, entries in ipairs(found) do
    most[c] = entries[1].activation
    if most[c] <= 0 then list[#list + 1] = c end
  end
  return list, most
end

return survey
