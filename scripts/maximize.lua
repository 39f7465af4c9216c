-- What a channel, a neuron or a class answers to most.
local synthesis = require "switchback.synthesis"

-- "y,x", "middle" or "map".
local function position(text)
  local y, x = text:match "^(%d+),(%d+)$"
  if y then return { math.tointeger(y), math.tointeger(x) } end
  return (text == "map" or text == "middle") and text or nil, "map, middle or Y,X"
end

return {
  summary = "pictures that channels, neurons or classes answer to most",
  about = "Erhan et al. 2009, Olah et al. 2017 (--param fourier, laplacian, cppn); --param pixels is the "
    .. "study of VGG-16 by Chollet 2016: noise N(0,1), 20 steps. What a ReLU keeps at zero is skipped.",
  options = synthesis.with {
    { "model", default = "googlenet" },
    { "layer", default = "inception_4a/output", help = "layer of the channels" },
    { "channel", type = "integers", help = "channels, from 1 (default: --most of them, evenly spaced)" },
    { "most", type = "integer", min = 1, default = 12, help = "how many channels" },
    { "position", type = position, default = "map",
      help = "map: a channel's mean; middle or Y,X: one neuron" },
    { "class", type = "names", help = "classes instead: numbers from 1, or how their labels begin" },
    { "param", choices = { "fourier", "laplacian", "cppn", "pixels" }, default = "fourier",
      help = "what is changed: how the picture is parameterised" },
    { "steps", help = "number of steps (default: 100; pixels 20, cppn 200; twice that for classes)" },
    { "rate", type = "number", help = "size of a step (default: 0.05; pixels 0.02, cppn 0.005)" },
    { "size", help = "size in pixels (default: 160; for classes the network's own)" },
    { "rule", choices = { "redirected", "gradient" }, default = "redirected",
      help = "redirected: a way back through rectifiers that are at zero" },
    { "out", default = "maximize.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local found = sb.vis.maximize(net, nil, { layer = o.layer, channels = o.channel, most = o.most,
      classes = o.class, position = o.position ~= "map" and o.position or nil, param = o.param,
      steps = o.steps, rate = o.rate, size = o.size, rule = o.rule, seed = o.seed,
      progress = report:progress "steps",
      loop = function(i) return synthesis.loop(o, report, "steps", i) end })
    local pictures, labels, results = {}, {}, {}
    for i, target in ipairs(found) do
      if target.stuck then
        report:say("%s: stuck at zero, skipped", target.label)
      else
        pictures[#pictures + 1] = target.picture
        labels[#labels + 1] = ("%s  %.4g"):format(target.label, target.value)
      end
      results[i] = { channel = target.channel, class = target.class, label = target.label,
                     stuck = target.stuck, first = target.first, value = target.value }
    end
    if #pictures == 0 then error("all is stuck at zero: try --rule redirected or another --seed", 0) end
    local what = o.class and "classes, with their logits" or o.layer
      .. (o.position == "map" and ": channels, with their means" or ": neurons, with their activations")
    report:save(o.out, sb.image.grid(pictures, { labels = labels,
      title = ("%s (%s)"):format(what, o.param) }))
    return { layer = not o.class and o.layer or nil, param = o.param, found = results }
  end,
}
