-- Objectives that raise what lies in some direction of the space of channels, position by position. Their
-- values are means over positions and sums over the images of the batch.
local algebra = require "switchback.objective.algebra"
local check = require "switchback.check"
local core = require "switchback.core"

local direction = {}

-- The maps of image i of t (N,C,H,W) as a matrix (C, H*W), a view.
local function matrix(t, i) return t:select(1, i):reshape(t:size(2), -1) end

-- An objective that is a sum over the images of f(maps, gradient), on matrices (C, H*W); f writes the
-- gradient.
local function for_each_image(name, layer, f)
  return algebra.new(name, { layer }, function(activations, weight)
    local a, value = activations[layer], 0
    local g = core.tensor.zeros(a:size())
    for i = 1, a:size(1) do value = value + f(matrix(a, i), matrix(g, i)) end
    if weight ~= 1 then g:mul_(weight) end
    return value, { [layer] = g }
  end)
end

-- Cosines below this count as this, so that maps that point elsewhere are drawn in too (as in Lucid).
local LEAST_COSINE <const> = 0.1

-- For the columns a of the maps: the mean of (a.v) max(cos, 0.1)^power, and its gradient
--   v m^p + (a.v) p m^(p-1) (v / |a||v| - a (a.v) / |a|^3 |v|), the second part where cos > 0.1.
local function towards(maps, g, v, power)
  local positions = maps:size(2)
  local dots = v:reshape(1, -1):matmul(maps) -- (1, positions)
  local lengths = (maps * maps):sum(1, true):sqrt():add_(1e-12):mul_(v:norm())
  local cosines = dots / lengths
  local m = cosines:maximum(LEAST_COSINE)
  local value = (dots * m:pow(power)):mean()
  g:copy_(v:reshape(-1, 1):matmul(m:pow(power)))
  local slope = dots * m:pow(power - 1) * (cosines:gt(LEAST_COSINE) * power) -- with respect to cos
  g:add_(v:reshape(-1, 1):matmul(slope / lengths))
  g:sub_(maps * (slope * cosines * (v:dot(v)) / (lengths * lengths)))
  g:div_(positions)
  return value
end

-- direction(layer, v [, { power = 0 }]) --> the mean over positions of a.v max(cos(a, v), 0.1)^power, a the
-- activations (C) of a position and v a vector of as many numbers, tensor or list (Olah et al. 2018).
-- power > 0 asks for activations that point along v, not only for large ones.
function direction.direction(layer, v, options)
  local o = check.options("objective.direction", options, { power = 0 })
  if type(v) == "table" then v = core.tensor.tensor(v) end
  return for_each_image("direction " .. layer, layer, function(maps, g)
    if v:count() ~= maps:size(1) then
      error(("objective: the direction has %d numbers, '%s' %d channels")
        :format(v:count(), layer, maps:size(1)), 0)
    end
    return towards(maps, g, v, o.power)
  end)
end

-- guided(layer, guide) --> the mean over positions of max over q of a.b_q, b_q the activations (C) of
-- position q of guide, which is the layer's answer (1,C,H,W) to another picture: draws what that picture
-- shows where it already fits best (DeepDream's guide; Mordvintsev et al. 2015).
function direction.guided(layer, guide)
  local b = matrix(guide, 1)
  local rows = b:transpose()
  return for_each_image("guided " .. layer, layer, function(maps, g)
    if maps:size(1) ~= b:size(1) then
      error(("objective: the guide has %d channels, '%s' %d"):format(b:size(1), layer, maps:size(1)), 0)
    end
    local best, where = rows:matmul(maps):max(1) -- over the guide's positions
    g:copy_(b:take(where, 2)):div_(maps:size(2))
    return best:mean()
  end)
end

return direction
