-- What Fourier, Laplacian, shared and CPPN pictures have in common: variables are painted onto planes, the
-- planes are added, and become colours: decorrelated, and inside [0,1] by a sigmoid.
local core = require "switchback.core"
local image = require "switchback.image"
local transform = require "switchback.transform"

-- The square root of the covariance of colours in ImageNet, column by column, largest first (Lucid,
-- optvis/param/color.py: color_correlation_svd_sqrt), scaled so that its longest column has length 1.
local CORRELATION = { { 0.26, 0.09, 0.02 }, { 0.27, 0.00, -0.05 }, { 0.27, -0.09, 0.03 } }
local INSIDE = 1 / 1024 -- a sigmoid never reaches 0 or 1: pictures are kept this far inside

local painted = {}

local function longest_column(m)
  local longest = 0
  for c = 1, 3 do longest = math.max(longest, m[1][c] ^ 2 + m[2][c] ^ 2 + m[3][c] ^ 2) end
  return math.sqrt(longest)
end

-- The inverse of a 3x3 matrix of numbers, by cofactors.
local function inverse(m)
  local out, determinant = { {}, {}, {} }, 0
  for r = 1, 3 do
    for c = 1, 3 do
      local r1, r2, c1, c2 = r % 3 + 1, (r + 1) % 3 + 1, c % 3 + 1, (c + 1) % 3 + 1
      out[c][r] = m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    end
    determinant = determinant + m[1][r] * out[r][1]
  end
  return out, determinant
end

local function mixing(weight)
  return core.layer.conv2d { weight = weight:reshape(3, 3, 1, 1), bias = false }
end

local matrix = core.tensor.tensor(CORRELATION) / longest_column(CORRELATION)
local cofactors, determinant = inverse(matrix:totable())
local unmix = mixing(core.tensor.tensor(cofactors) / determinant)

--- mix -> the transform of planes (N,3,H,W), as white as ImageNet's are after decorrelation, to colours.
painted.mix = transform.layer(mixing(matrix))

local to_color = transform.compose { painted.mix, transform.layer(core.layer.sigmoid {}) }

--- planes_of(picture) -> the planes (N,3,H,W) that become this picture; values below 1/1024 and above 1 minus
-- that are moved there, as a sigmoid cannot reach 0 and 1.
function painted.planes_of(picture)
  local p = picture:clamp(INSIDE, 1 - INSIDE)
  return (unmix:forward((p / (1 - p)):log(), { tape = false }))
end

local function spread(planes, batch)
  if planes:size(1) == batch then return planes end
  return planes:expand(batch, table.unpack(planes:size(), 2))
end

local Painted = {}
Painted.__index = Painted

function Painted:image()
  local sum
  for i, part in ipairs(self.parts) do
    local planes
    planes, part.back = part.paint(self.values[i])
    planes = spread(planes, self.batch)
    sum = sum and sum + planes or planes
  end
  local picture
  picture, self.back = to_color(sum)
  return picture
end

function Painted:backward(dimage)
  local dplanes, gradients = self.back(dimage), {}
  for i, part in ipairs(self.parts) do
    local one = part.shared and self.batch > 1
    gradients[i] = part.back(one and dplanes:sum(1, true) or dplanes)
  end
  return gradients
end

function Painted:resize(h, w)
  local picture = image.resize(self:image(), h, w)
  return self.make { image = picture, levels = self.levels }
end

-- The values whose painting is the planes: each part in turn takes what it can of what those before left.
local function fitted(parts, planes)
  local values = {}
  for i, part in ipairs(parts) do
    values[i] = part.fit(part.shared and planes:mean(1, true) or planes)
    if i < #parts then planes = planes - spread((part.paint(values[i])), planes:size(1)) end
  end
  return values
end

--- new(name, make, options, parts) -> p. parts: list of { paint = transform of a value to planes (N,3,H,W),
-- fit = function(planes) -> value that paints them as well as can be, noise = function() -> value, shared =
-- true: for all pictures of the batch }; the last one paints any planes exactly. make: what constructs p.
function painted.new(name, make, o, parts)
  local values = o.picture and fitted(parts, painted.planes_of(o.picture))
  if not values then
    values = {}
    for i, part in ipairs(parts) do values[i] = part.noise() end
  end
  return setmetatable({ name = name, make = make, values = values, parts = parts, batch = o.batch,
                        levels = o.levels }, Painted)
end

return painted
