-- What units answer to most, and what they do not notice.
return {
  summary = "what units answer to most under a norm, and the changes that they do not notice",
  about = "Berkes & Wiskott 2006, Erhan et al. 2010. First layer: W / |W|, in closed form. Deeper: ascent on "
    .. "the sphere, then the eigenvectors of the Hessian there, by Lanczos' method. Curvatures are shares of "
    .. "the unit's answer per radian squared: 0 is invariant, -1 what a linear unit has.",
  options = {
    "model",
    { "layer", help = "layer of the units (default: the first that sees two fifths of the net's input)" },
    { "channel", type = "integers", help = "channels, from 1 (default: --most of them, evenly spaced)" },
    { "most", type = "integer", min = 1, default = 3, help = "how many channels" },
    { "size", help = "side of the stimuli in pixels (default: two thirds of what a unit sees)" },
    { "steps", default = 80, help = "steps of ascent" },
    { "lanczos", type = "integer", min = 2, default = 32, help = "steps of Lanczos' method" },
    { "directions", type = "integer", min = 1, default = 2, help = "how many most and least invariant ones" },
    "seed",
    { "out", default = "optimal.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local found = sb.vis.optimal(sb.load(o.model), nil, { layer = o.layer, channels = o.channel,
      most = o.most, size = o.size, steps = o.steps, lanczos = o.lanczos, directions = o.directions,
      seed = o.seed, progress = function(what) return report:progress(what) end })
    local units = {}
    for i, unit in ipairs(found.units) do
      units[i] = { channel = unit.channel, value = unit.value, curvatures = {} }
      for k, direction in ipairs(unit.directions or {}) do units[i].curvatures[k] = direction.eigenvalue end
      if not found.closed then
        report:say("%s #%d: answers %.4g at its best; curvatures %s", found.layer, unit.channel, unit.value,
          #unit.directions > 0 and ("%.2f to %.2f"):format(units[i].curvatures[1],
            units[i].curvatures[#unit.directions]) or "none: silent")
      end
    end
    report:save(o.out, require("switchback.optimal_sheet").draw(found))
    return { layer = found.layer, closed = found.closed, units = units }
  end,
}
