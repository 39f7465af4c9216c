-- Pictures of optimal stimuli and of the directions that their units notice least and most, as
-- vis/optimal.lua finds them.
local image = require "switchback.image"

local sheet = {}

local CELL <const> = 120 -- pixels
local DEVIATION <const> = 0.2 -- that stimuli are shown with

-- The same contrast for all pictures of a unit: moving along the sphere is not to look like fading.
local function shown(t, unit)
  local picture = (t - 0.5) * (DEVIATION / unit.stimulus:std()) + 0.5
  return image.contain(picture:clamp(0, 1), CELL, CELL)
end

local function strip(unit, direction)
  local pictures, labels = {}, {}
  for i, frame in ipairs(direction.frames) do
    pictures[i] = shown(frame.picture, unit)
    labels[i] = ("%+.0f deg: %.4g, %.0f %%"):format(math.deg(frame.angle), frame.value,
      100 * frame.value / unit.value)
  end
  return image.grid(pictures, { labels = labels, columns = #pictures, text = 1, gap = 6, scale = 1,
    title = ("#%d, a %s invariant direction: curvature %.2f"):format(unit.channel,
      direction.most and "most" or "least", direction.eigenvalue) })
end

local function of_first_layer(found)
  local pictures, labels = {}, {}
  for i, unit in ipairs(found.units) do
    pictures[i] = image.stretch(unit.stimulus, { method = "symmetric" })
    labels[i] = ("#%d  %.3g"):format(unit.channel, unit.norm)
  end
  return image.grid(pictures, { labels = labels,
    title = found.layer .. ": optimal stimuli of norm 1, W / |W|, and |W|" })
end

-- Most invariant directions left, least invariant ones right.
local function of_deeper_layer(found)
  local strips = {}
  for _, unit in ipairs(found.units) do
    local list = unit.directions
    for i = 1, #list // 2 do
      strips[#strips + 1], strips[#strips + 2] = strip(unit, list[i]), strip(unit, list[#list + 1 - i])
    end
  end
  if #strips == 0 then error("these units stay silent: try other channels or another --seed", 0) end
  return image.grid(strips, { columns = 2, scale = 1, text = 1.3, gap = 4,
    title = found.layer .. ": optimal stimuli (middle), moved equally far; answer, share of the largest" })
end

-- draw(found) --> (3,H,W). Of a layer that looks at pixels the stimuli with |W|; of a deeper one a strip for
-- each direction, most invariant ones left, least invariant ones right: the stimulus in the middle, moved by
-- equal angles to both sides, the unit's answer below.
function sheet.draw(found) return (found.closed and of_first_layer or of_deeper_layer)(found) end

return sheet
