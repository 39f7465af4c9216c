-- Integrated gradients: what each pixel adds to the score of a class on the way from a baseline to the image.
local check = require "switchback.check"
local core = require "switchback.core"
local explain = require "switchback.explain"

local OPTIONS = { class = false, baseline = "black", steps = 50, batch = 8, progress = false }

-- The points baseline + a (x - baseline) for a = (k - 1/2) / steps, k = first..first+n-1.
local function points(baseline, change, first, n, steps)
  local a = {}
  for i = 1, n do a[i] = (first + i - 1.5) / steps end
  return baseline + change * core.tensor.tensor(a):reshape(n, 1, 1, 1)
end

-- The mean of the gradients of the class's score along the way (midpoint rule).
local function mean_gradient(net, baseline, change, index, o)
  local sum = change * 0
  for first, n in explain.batches(net, o.steps, o.batch) do
    local gradient = explain.gradient(net, points(baseline, change, first, n, o.steps), index)
    sum:add_(gradient:sum(1, true))
    if o.progress then o.progress(first + n - 1, o.steps) end
  end
  return sum / o.steps
end

-- integrated_gradients(net, image (C,H,W) [, options]) --> { map = (C,h,w) in RGB, signed,
--   input = (C,h,w) what the network saw, class = { index =, label =, p = },
--   score =, baseline_score =: of the class, before softmax, for the image and for the baseline,
--   gap =: sum of the map - (score - baseline_score) }
-- Sundararajan et al. 2017, equation 1, with x' the baseline:
--   map = (x - x') * integral over a in [0,1] of dS/dx at x' + a (x - x').
-- It sums to S(x) - S(x') (completeness) up to the error of the sum that stands for the integral: `gap` is
-- that error; more steps make it smaller. options:
--   class     index or label; default the most probable
--   baseline  see explain.baseline; default "black", as in the paper
--   steps     50, midpoints of the way; batch = 8 of them run at once; progress = function(done, total)
return function(net, image, options)
  local o = check.options("integrated_gradients", options, OPTIONS)
  check.integer("integrated_gradients", "steps", o.steps, 1)
  check.integer("integrated_gradients", "batch", o.batch, 1)
  local x = net:prepare(image)
  local pass = net:forward(x, { record = false })
  local class = explain.class(net, pass, o.class)
  local baseline = explain.baseline(net, x, o.baseline)
  local change = x - baseline
  local map = change * mean_gradient(net, baseline, change, class.index, o)
  local score = pass:scores()[{ 1, class.index }]
  local from = net:forward(baseline, { record = false }):scores()[{ 1, class.index }]
  return { map = net:gradient_to_image(map), input = net:to_image(x), class = class, score = score,
           baseline_score = from, gap = map:sum() - (score - from) }
end
