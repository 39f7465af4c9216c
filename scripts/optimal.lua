-- What units answer to most, and what they do not notice.

local function of_first_layer(sb, found)
  local pictures, labels = {}, {}
  for i, unit in ipairs(found.units) do
    pictures[i] = sb.image.stretch(unit.stimulus, { method = "symmetric" })
    labels[i] = ("#%d  %.3g"):format(unit.channel, unit.norm)
  end
  return sb.image.grid(pictures, { labels = labels,
    title = found.layer .. ": optimal stimuli of norm 1, W / |W|, and |W|" })
end

-- Contrast that shows: the same for all pictures of a unit.
local function shown(t, unit) return ((t - 0.5) * (0.2 / unit.stimulus:std()) + 0.5):clamp(0, 1) end

local function of_deeper_layer(sb, found)
  local pictures, labels, columns = {}, {}, 1
  for _, unit in ipairs(found.units) do
    for _, d in ipairs(unit.directions) do
      for _, frame in ipairs(d.frames) do
        pictures[#pictures + 1] = shown(frame.picture, unit)
        labels[#labels + 1] = ("%+.0f deg: %.0f %%"):format(math.deg(frame.angle),
          100 * frame.value / unit.value)
      end
      local middle = #labels - #d.frames // 2
      labels[middle] = ("#%d %s: %.1f"):format(unit.channel, d.most and "most" or "least", d.eigenvalue)
      columns = #d.frames
    end
  end
  if #pictures == 0 then error("these units stay silent: try other channels or another --seed", 0) end
  return sb.image.grid(pictures, { labels = labels, columns = columns, text = 1, title = found.layer
    .. ": optimal stimuli (middle), moved along most and least invariant directions; eigenvalues" })
end

return {
  summary = "what units answer to most under a norm, and the changes that they do not notice",
  about = "Berkes & Wiskott 2006, Erhan et al. 2010. First layer: W / |W|, in closed form. Deeper: ascent on "
    .. "the sphere, then the eigenvectors of the Hessian there, by Lanczos' method.",
  options = {
    "model",
    { "layer", default = "inception_3b/output", help = "layer of the units" },
    { "channel", type = "integers", help = "channels, from 1 (default: --most of them, evenly spaced)" },
    { "most", type = "integer", min = 1, default = 3, help = "how many channels" },
    { "size", default = 96 },
    { "steps", default = 60, help = "steps of ascent" },
    { "lanczos", type = "integer", min = 2, default = 16, help = "steps of Lanczos' method" },
    { "directions", type = "integer", min = 1, default = 2, help = "how many most and least invariant ones" },
    "seed",
    { "out", default = "optimal.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local found = sb.vis.optimal(sb.load(o.model), nil, { layer = o.layer, channels = o.channel,
      most = o.most, size = o.size, steps = o.steps, lanczos = o.lanczos, directions = o.directions,
      seed = o.seed, progress = function(what) return report:progress(what) end })
    report:save(o.out, found.closed and of_first_layer(sb, found) or of_deeper_layer(sb, found))
    return { layer = found.layer, closed = found.closed, units = #found.units }
  end,
}
