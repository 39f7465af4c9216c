-- Parts of a picture that are painted from small planes, enlarged (see painted.lua).
local core = require "switchback.core"
local image = require "switchback.image"
local transform = require "switchback.transform"

local pyramid = {}

-- A part whose value (N,3,ceil(H/k),ceil(W/k)) is enlarged bilinearly to the size of the picture.
local function level(o, k, shared)
  local h, w = o.size[1], o.size[2]
  local small_h, small_w = (h + k - 1) // k, (w + k - 1) // k
  local enlarge = core.layer.resize { sizes = { h, w }, mode = "linear" }
  local function whole(x)
    return x, function(dy) return dy end
  end
  return {
    shared = shared,
    paint = k == 1 and whole or transform.layer(enlarge),
    fit = function(planes) return image.resize(planes, small_h, small_w, { method = "bilinear" }) end,
    noise = function()
      return core.tensor.randn(o.rng, shared and 1 or o.batch, 3, small_h, small_w) * (o.deviation or 0.01)
    end,
  }
end

--- parts(name, o, factors, shared) -> a part for each of a list of factors, the coarsest first: the value
-- is smaller than o.size by the factor, rounded up. shared = true: one value for all pictures of the batch.
-- Raises, in the name of the kind, for factors that are not positive whole numbers.
function pyramid.parts(name, o, factors, shared)
  local sorted, parts = {}, {}
  for i, k in ipairs(type(factors) == "table" and factors or { factors }) do
    if math.type(k) ~= "integer" or k < 1 then
      error(("%s: level %d is %s, not a positive whole number"):format(name, i, tostring(k)), 3)
    end
    sorted[i] = k
  end
  table.sort(sorted, function(a, b) return a > b end)
  for i, k in ipairs(sorted) do parts[i] = level(o, k, shared) end
  return parts
end

return pyramid
