-- What an occluding patch shows.
local sb = require "switchback"

local fill = {}

local named = {}

-- Mid-grey pixels, as the network sees them; zero for a net without preprocessing.
function named.grey(net, input)
  if not net.preprocess then return input * 0 end
  local p = require("switchback.preprocess").complete(net.preprocess)
  p.size = nil
  local pixel = require("switchback.preprocess").prepare(p, sb.full(0.5, 3, 1, 1))
  return input * 0 + pixel
end

-- The mean pixel of the input.
function named.mean(_, input) return input * 0 + input:mean(4, true):mean(3, true) end

-- The input behind frosted glass: a Gaussian whose deviation is half the patch's side, so that nothing
-- the size of a patch is left to see. Beyond the edge it goes on as at the edge.
function named.blur(_, input, size)
  local gather = require("switchback.core").occlude.gather
  local out, channels = input, input:size(2)
  for axis = 1, 2 do
    local deviation = size[axis] / 2
    local reach = math.ceil(2 * deviation)
    local weights = ((sb.arange(-reach, reach) / deviation) ^ 2 * -0.5):exp()
    local extent, at, kernel = { out:size(3), out:size(4) }, { 1, 1 }, { 1, 1 }
    extent[axis], at[axis], kernel[axis] = extent[axis] + 2 * reach, 1 - reach, 2 * reach + 1
    local w = (weights / weights:sum()):reshape(1, 1, kernel[1], kernel[2]):tile(channels, 1, 1, 1)
    out = sb.conv2d(gather(out, sb.tensor { at }, extent, "edge"), w, { groups = channels })
  end
  return out
end

-- Independent normal noise with the mean and deviation of each channel of the input.
function named.noise(_, input, _, seed)
  local mean = input:mean(4, true):mean(3, true)
  local deviation = ((input - mean) ^ 2):mean(4, true):mean(3, true):sqrt()
  return sb.randn(sb.rng(seed), table.unpack(input:size())) * deviation + mean
end

-- fill.make(net, input, what, size, seed) --> tensor like the input (1,C,H,W), of which a patch shows what
-- lies where it is. what: "grey", "mean", "blur", "noise" (from `seed`), a number in the network's units,
-- or a tensor that broadcasts to the input's shape. size: {h, w} of the patch.
function fill.make(net, input, what, size, seed)
  if type(what) == "string" then
    require("switchback.check").choice("occlude", "fill", what, { "grey", "mean", "blur", "noise" })
    what = named[what](net, input, size, seed)
  end
  return input * 0 + what
end

return fill
