-- Fool: the smallest change to a picture that makes a network see another class.
local check = require "switchback.check"
local explain = require "switchback.explain"
local seed = require "switchback.seed"

local OPTIONS = { class = false, method = "iterative", most = 8, steps = 40, confidence = 0.5,
                  progress = false }

local LEVELS <const> = 255

-- What a file of 8 bits a channel keeps of a picture.
local function rounded(picture) return (picture:clamp(0, 1) * LEVELS + 0.5):floor() / LEVELS end

-- ---- Goals -----------------------------------------------------------------------------------------------

-- A goal: towards class `watched`, or away from it, until the most probable class is another one that has
-- the wanted confidence.
local function goal_of(original, wanted, confidence)
  local goal = { watched = (wanted or original).index, sense = wanted and 1 or -1 }
  function goal.reached(top)
    return (top.index == goal.watched) == (goal.sense > 0) and top.p >= confidence
  end
  return goal
end

-- --> the most probable class at a picture; a function that answers the sign of the way towards the goal.
-- The derivative of the cross-entropy -log p of a class by the scores is p - (1 at the class, 0 elsewhere).
local function look(net, goal, picture)
  local pass, logits = net:forward(net:prepare(picture)), net:logits()
  return pass:top(1)[1], function()
    local one = seed.class(pass[logits], goal.watched)
    local p = pass:probabilities():reshape(one:size())
    local back = pass:backward { seeds = { [logits] = (one - p) * goal.sense } }
    return net:gradient_to_image(back):sign()
  end
end

-- ---- Methods ---------------------------------------------------------------------------------------------

-- Each: function(net, origin, goal, o) --> picture, whether it reaches the goal.
local methods = {}

-- Goodfellow et al. 2015, section 4: one step along the sign of the gradient, the shortest that does.
function methods.fgsm(net, origin, goal, o)
  local _, direction = look(net, goal, origin)
  local sign, picture = direction(), nil
  for limit = 1, o.most do
    picture = rounded(origin + sign * (limit / LEVELS))
    local top = look(net, goal, picture)
    if goal.reached(top) then return picture, true end
    if o.progress then o.progress(limit, o.most, top.label) end
  end
  return picture, false
end

-- Kurakin et al. 2017, section 2.3: small steps along the sign of the gradient, each followed by a clamp to
-- the limit. A limit of one level comes first, then what it came to goes on with two, and so on. A step is a
-- quarter of the limit; the gradient is that at the rounded picture, which is what must do in the end.
function methods.iterative(net, origin, goal, o)
  local change, picture = origin * 0, origin
  for at = 0, o.most * o.steps - 1 do
    local bound = (at // o.steps + 1) / LEVELS
    local top, direction = look(net, goal, picture)
    if goal.reached(top) then return picture, true end
    change = (change + direction() * (bound / 4)):clamp(-bound, bound)
    picture = rounded(origin + change)
    if o.progress then o.progress(at + 1, o.most * o.steps, top.label) end
  end
  return picture, goal.reached((look(net, goal, picture)))
end

-- ---- The result ------------------------------------------------------------------------------------------

-- The class's probability before and after.
local function compared(class, after)
  return { index = class.index, label = class.label, before = class.p,
           after = after:probabilities()[{ 1, class.index }] }
end

-- fool(net, image (C,H,W) [, options]) --> {
--   fooled = whether it worked,
--   input = (C,h,w) what the network saw; picture = (C,h,w) the changed one: both of 256 levels,
--   change = picture - input, largest =: its largest magnitude in levels of 255,
--   original =: what was the most probable, class =: what was wanted, or else has become the most probable:
--     { index =, label =, before =, after =: probabilities } }
-- The smallest bound on the change of a value (its L-infinity norm), in whole levels, at which the method
-- succeeds. Saved as PNG and loaded again, `picture` gives the same probabilities. options:
--   class       index or label of the class to become; default: any but the most probable
--   method      "iterative" (default) or "fgsm"
--   most        the largest bound to try, in levels (8); steps: for each bound, when iterative (40)
--   confidence  probability that the class must have besides being the most probable (0.5)
--   progress    function(done, total, note)
return function(net, image, options)
  local o = check.options("fool", options, OPTIONS)
  check.choice("fool", "method", o.method, { "iterative", "fgsm" })
  check.integer("fool", "most", o.most, 1)
  check.integer("fool", "steps", o.steps, 1)
  local origin = rounded(net:to_image(net:prepare(image)))
  local before = net:forward(net:prepare(origin), { record = false })
  local original, wanted = explain.class(net, before), o.class and explain.class(net, before, o.class)
  if wanted and wanted.index == original.index then
    error(("fool: '%s' is what the net sees already"):format(wanted.label), 2)
  end
  local goal = goal_of(original, wanted, o.confidence)
  local picture, fooled = methods[o.method](net, origin, goal, o)
  local after = net:forward(net:prepare(picture), { record = false })
  local change = picture - origin
  return { fooled = fooled, input = origin, picture = picture, change = change,
           largest = math.floor(change:abs():max() * LEVELS + 0.5), original = compared(original, after),
           class = compared(wanted or explain.class(net, before, after:top(1)[1].index), after) }
end
