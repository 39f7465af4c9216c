-- GrabCut: foreground and background of a picture told apart by their colours and by the edges between
-- them (Rother, Kolmogorov & Blake 2004).
local check = require "switchback.check"
local core = require "switchback.core"

local cuts, where = core.grabcut, core.tensor.where

local OPTIONS = { components = 5, gamma = 50, iterations = 10 }

-- Fits the mixture of one side anew: its pixels go to the components that suit them best, which are then
-- those pixels' (steps 1 and 2 of their figure 3). Answers it and what every pixel would cost.
local function refit(picture, side, mixture, k)
  local labels = mixture and select(2, cuts.cost(picture, mixture)) * side or cuts.split(picture, side, k)
  mixture = cuts.fit(picture, labels, k)
  return mixture, (cuts.cost(picture, mixture))
end

local function check_arguments(picture, seeds)
  local size = picture:size()
  if #size ~= 3 or size[1] ~= 3 then
    error("grabcut: the picture must be (3,H,W), got " .. table.concat(size, "x"), 3)
  end
  local got = table.concat(seeds:size(), "x")
  local want = ("%dx%d"):format(size[2], size[3])
  if got ~= want then error(("grabcut: the seeds are %s, the picture is %s"):format(got, want), 3) end
end

-- grabcut(picture (3,H,W), seeds (H,W) [, options]) --> mask (H,W): 1 foreground, 0 background; list of the
-- energy after each cut.
-- seeds: 1 is foreground for good, 0.75 probably; 0 is background for good, 0.25 probably. Only what is
-- given for good binds the result; what the colours are learnt from at first is all above and all below 0.5.
-- What is 0.5 takes no part in that.
-- Alternates between fitting a mixture of Gaussians to the colours of each side and the least cut between
-- them, until nothing changes. options: components = 5 of each mixture; gamma = 50, the weight of edges;
-- iterations = 10 at most. Raises when a side has no pixels to start from.
return function(picture, seeds, options)
  local o = check.options("grabcut", options, OPTIONS)
  check_arguments(picture, seeds)
  local sides = { fore = seeds:gt(0.5), back = seeds:lt(0.5) }
  local mixtures, energies, mask = {}, {}, nil
  for name, side in pairs(sides) do
    if side:sum() == 0 then error(("grabcut: no pixels for the %sground"):format(name), 2) end
  end
  local links = cuts.links(picture, o.gamma)
  for i = 1, o.iterations do
    local cost = {}
    for name, side in pairs(sides) do
      mixtures[name], cost[name] = refit(picture, side, mixtures[name], o.components)
    end
    cost.fore, cost.back = where(seeds:eq(0), math.huge, cost.fore), where(seeds:eq(1), math.huge, cost.back)
    local cut, energy = cuts.cut(cost.fore, cost.back, links)
    local changed = not mask or (cut - mask):abs():sum() > 0
    energies[i], mask, sides = energy, cut, { fore = cut, back = 1 - cut }
    if not changed or cut:sum() == 0 or cut:sum() == cut:count() then break end
  end
  return mask, energies
end
