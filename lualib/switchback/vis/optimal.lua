-- Optimal stimuli: what a unit answers to most among pictures of one norm, and the directions in which the
-- picture may change without the unit noticing (Berkes & Wiskott 2006; Erhan et al. 2010).
local check = require "switchback.check"
local core = require "switchback.core"
local sphere = require "switchback.sphere"
local transform = require "switchback.transform"

local OPTIONS = { layer = false, channels = false, most = 3, size = false, cycles = false, contrast = 0.12,
                  steps = 80, starts = 16, noise = 0.5, samples = 3, lanczos = 32, directions = 2, frames = 7,
                  widest = 0.8, seed = 0, progress = false }

-- ---- The first layer ---------------------------------------------------------------------------------

-- Of a unit W x + b under |x| = 1 the largest value is |W| + b, at x = W / |W|.
local function closed_form(net, found)
  local list, bias = {}, net:node(found.layer).layer.params.bias
  for i, filter in ipairs(found.filters) do
    local norm = filter:norm()
    list[i] = { channel = i, stimulus = filter / math.max(norm, 1e-30), norm = norm,
                value = norm + (bias and bias[i] or 0) }
  end
  return list
end

-- The filters of the layer if it is a convolution (or the rectifier after it) that looks at pixels.
local function looks_at_pixels(net, layer)
  local ok, found = pcall(require "switchback.vis.filters", net, nil, { layer = layer })
  return ok and found.in_color and found
end

-- ---- Deeper units ------------------------------------------------------------------------------------

-- 1 for the frequencies of a half spectrum (1,3,h,k,2) of up to so many cycles a picture, except 0.
local function low_frequencies(shape, cycles)
  local h, k = shape[3], shape[4]
  local mask = core.tensor.zeros(1, 1, h, k, 1)
  for y = 0, h - 1 do
    for x = 0, k - 1 do
      local f2 = math.min(y, h - y) ^ 2 + x ^ 2
      if f2 > 0 and f2 <= cycles ^ 2 then mask[{ 1, 1, y + 1, x + 1, 1 }] = 1 end
    end
  end
  return mask
end

-- Pictures as spectra: 0.5 + colours of irfft2(c / frequency), so that the norm |c| counts all octaves alike,
-- as photographs do; in pixels a small norm would be best spent on noise.
local function painter(o)
  local rng = core.rng.new(o.seed)
  local part = require "switchback.param.spectrum" { size = { o.size, o.size }, batch = 1, rng = rng }
  local sample = part.noise()
  local mask = low_frequencies(sample:size(), o.cycles)
  local function masked(c) return c * mask, function(dc) return dc * mask end end
  local paint = transform.compose { masked, part.paint, require("switchback.param.painted").mix }
  return { paint = paint, shape = sample:size(), rng = rng, mask = mask,
           radius = o.contrast * sample:norm() / paint(sample):std() }
end

local function picture_of(p, c) return p.paint(c) + 0.5 end

-- The activations of the unit in the middle of the map for pictures c (N,...), and back(weight) --> the
-- gradient of weight * their sum.
local function look(net, p, layer, channel, c)
  local pictures, back = p.paint(c)
  local pass = net:forward(net:input(pictures + 0.5), { upto = layer })
  local size = pass[layer]:size()
  local y, x = size[3] // 2 + 1, size[4] // 2 + 1
  local values = pass[layer]:narrow(2, channel, 1):narrow(3, y, 1):narrow(4, x, 1):reshape(-1)
  local silent = values:max() <= 0 and values:min() >= 0 -- then only this rule leads out of it (rules.lua)
  return values, function(weight)
    local seed = core.tensor.zeros(size)
    for i = 1, size[1] do seed[{ i, channel, y, x }] = -weight end
    local rule = silent and "redirected" or "gradient"
    return back(net:input_adjoint(pass:backward { seeds = { [layer] = seed }, rule = rule } * -1))
  end
end

-- f(c) --> the mean activation over fixed small changes of the picture, and its gradient: a smooth function,
-- where the unit alone is made of flat pieces. The changes come in pairs, so that they cancel in the mean.
local function smoothed(net, p, layer, channel, o)
  local rows = {}
  for i = 1, o.samples do
    local u = core.tensor.randn(p.rng, table.unpack(p.shape)) * p.mask
    u = u * (o.noise * p.radius / u:norm())
    rows[2 * i - 1], rows[2 * i] = u, u * -1
  end
  if #rows == 0 then rows[1] = core.tensor.zeros(table.unpack(p.shape)) end
  local changes = core.tensor.cat(rows, 1)
  return function(c)
    local values, back = look(net, p, layer, channel, changes + c)
    return values:mean(), back(1 / #rows):sum(1, true)
  end
end

-- The best of some random spectra: a unit that is silent has no gradient to follow.
local function best_start(net, p, layer, channel, o)
  local c = core.tensor.randn(p.rng, o.starts, table.unpack(p.shape, 2))
  local best, highest = nil, -math.huge
  for i = 1, o.starts do
    local one = c:narrow(1, i, 1) * p.mask
    one = one * (p.radius / one:norm())
    local value = look(net, p, layer, channel, one)[1]
    if value > highest then best, highest = one, value end
  end
  return best
end

-- Pictures along the great circle through c, and what the unit alone answers to them.
local function strip(net, p, layer, channel, c, found, o)
  local frames = {}
  for i = 1, o.frames do
    local angle = o.widest * (2 * (i - 1) / math.max(o.frames - 1, 1) - 1)
    local at = sphere.along(c, found.vector, angle)
    frames[i] = { angle = angle, picture = picture_of(p, at)[1], value = look(net, p, layer, channel, at)[1] }
  end
  return frames
end

local function invariances(net, p, channel, o, tell)
  local layer = o.layer
  local f = smoothed(net, p, layer, channel, o)
  local c = sphere.maximize(f, best_start(net, p, layer, channel, o),
    { steps = o.steps, progress = tell("ascent of #" .. channel) })
  local mean, all = f(c), nil
  if mean > 0 then
    local start = core.tensor.randn(p.rng, table.unpack(p.shape)) * p.mask
    all = sphere.curvatures(f, c, { steps = o.lanczos, start = start,
      progress = tell("Lanczos of #" .. channel) })
  end
  local unit = { channel = channel, stimulus = picture_of(p, c)[1], mean = mean, directions = {},
                 value = look(net, p, layer, channel, c)[1] }
  for i = 1, all and math.min(o.directions, #all // 2) or 0 do
    for _, found in ipairs { all[i], all[#all + 1 - i] } do
      table.insert(unit.directions, { eigenvalue = found.value / mean, most = found == all[i],
                                      frames = strip(net, p, layer, channel, c, found, o) })
    end
  end
  table.sort(unit.directions, function(a, b) return a.eigenvalue > b.eigenvalue end)
  return unit
end

-- ---- Where to look -----------------------------------------------------------------------------------

local SEEN <const> = 0.4 -- of the picture's side, by units that are neither filters nor see everything

-- The first stage whose units see so much of the net's input; the last if none does.
local function telling_layer(net)
  local stages = require("switchback.stage_maps").all(net)
  local side = net:shapes()[net.inputs[1].name][3]
  for _, name in ipairs(stages) do
    local f = net:receptive_field(name)
    if not f or f.size[1] >= SEEN * side then return name end
  end
  return stages[#stages] or error("optimal: the net has no maps: say which layer", 0)
end

-- Two thirds of what a unit sees, in steps of 16 pixels: beyond that it hardly notices anything, and
-- directions without interest would be the most invariant ones.
local function telling_size(net, layer)
  local f, whole = net:receptive_field(layer), net:shapes()[net.inputs[1].name][3]
  local side = f and math.ceil(f.size[1] * 2 / 3 / 16) * 16 or whole
  return math.min(math.max(side, 32), whole)
end

-- The net up to that layer, for pictures of any size: if the whole net wants one size, it is its last
-- layers that do.
local function for_any_size(net, layer)
  local part, input = net:upto(layer), net.inputs[1]
  part.inputs = { { name = input.name, shape = { 0, input.shape[2], 0, 0 } } }
  return part
end

local function spread(most, count)
  local list, n = {}, math.min(most, count)
  for i = 1, n do list[i] = (i - 1) * count // n + 1 end
  return list
end

-- optimal(net, nil, options) --> { layer =, closed = true where the layer looks at pixels, units = list }.
-- closed: of every unit channel =, stimulus = W / |W| (C,h,w) in RGB, norm = |W|, value = |W| + bias: its
--   answer to it (norms in the units of the net's input).
-- Else of each channel: stimulus (3,size,size), not clamped, value = the activation of the unit in the middle
--   of the map, mean = that over small changes of the picture, directions = list of { eigenvalue =, most =
--   true: one of the most invariant, frames = { { angle = radians, picture =, value = }... } }, the most
--   invariant first. An eigenvalue is the second derivative of the mean along the great circle, as a share
--   of the mean per radian squared: 0 is invariant, at a maximum all are negative. None for a unit that stays
--   silent.
-- options: layer, default the first stage that sees 2/5 of the side of the net's input;  channels = list,
--   default `most` = 3, evenly spaced;  size = pixels, default 2/3 of what a unit sees;  cycles: highest
--   frequency, in a picture, default size / 6;  contrast = 0.12: deviation of a random picture of the
--   norm;  steps = 80 of ascent, from the best of starts = 16;  noise = 0.5: size of the small changes, as a
--   share of the norm, of which there are 2 * samples = 6;  lanczos = 32 steps;  directions = 2 most and
--   2 least invariant ones;  frames = 7 up to the angle widest = 0.8;  seed = 0;
--   progress = function(what) --> function(done, total, note)
return function(net, _, options)
  local o = check.options("optimal", options, OPTIONS)
  o.layer = o.layer or telling_layer(net)
  local found = looks_at_pixels(net, o.layer)
  if found then return { layer = found.layer, closed = true, units = closed_form(net, found) } end
  local size = net:shapes()[net:value(o.layer)]
  if #size ~= 4 then error(("optimal: '%s' has no maps"):format(o.layer), 0) end
  o.size = o.size or telling_size(net, o.layer)
  o.cycles = o.cycles or o.size / 6
  net = for_any_size(net, o.layer)
  local tell = o.progress or function() end
  local p, units = painter(o), {}
  for i, channel in ipairs(o.channels or spread(o.most, size[2])) do
    if channel > size[2] then
      error(("optimal: channel %d is out of range: '%s' has %d"):format(channel, o.layer, size[2]), 0)
    end
    units[i] = invariances(net, p, channel, o, tell)
  end
  return { layer = o.layer, closed = false, units = units }
end
