-- Octaves: the sizes at which a picture is worked on, one after the other, with their steps and rates.
local octaves = {}

local SMALLEST = 8 -- pixels

local function entry(name, value, k, count)
  if type(value) ~= "table" then return value end
  if #value ~= count then
    error(("optimize: %d octaves, but %s has %d entries"):format(count, name, #value), 0)
  end
  return value[k]
end

local function check_steps(steps)
  if math.type(steps) ~= "integer" or steps < 1 then
    error(("optimize: steps must be a positive whole number, got %s"):format(tostring(steps)), 0)
  end
  return steps
end

-- plan(o, size) --> { { h =, w =, steps =, rate = }... }. o.octaves: how many; each is o.octave_scale times
-- larger than the one before, the last has the given size. o.steps, o.rate: a number, or a list of one for
-- each octave. Sizes stay nil where there is but one. Raises for what cannot be.
function octaves.plan(o, size)
  local count, list = o.octaves, {}
  if math.type(count) ~= "integer" or count < 1 then
    error(("optimize: octaves must be a positive whole number, got %s"):format(tostring(count)), 0)
  end
  if type(o.octave_scale) ~= "number" or o.octave_scale <= 1 then
    error(("optimize: octave_scale must be above 1, got %s"):format(tostring(o.octave_scale)), 0)
  end
  for k = 1, count do
    local by = o.octave_scale ^ (k - count)
    local h, w = math.floor(size[1] * by + 0.5), math.floor(size[2] * by + 0.5)
    if math.min(h, w) < SMALLEST then
      error(("optimize: octave 1 of %d would be %dx%d pixels: take fewer"):format(count, h, w), 0)
    end
    local steps = check_steps(entry("steps", o.steps, k, count))
    list[k] = { steps = steps, rate = entry("rate", o.rate, k, count) }
    if count > 1 then list[k].h, list[k].w = h, w end
  end
  return list
end

return octaves
