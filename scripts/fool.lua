-- The smallest change to a photo that makes a network see something else.

local function png(text) return text:lower():match "%.png$" and text or nil, "a name that ends in .png" end

-- "tabby 0.238 -> 0.003"
local function change_of(class)
  return ("%s %.3f -> %.3f"):format(class.label:match "^[^,]*", class.before, class.after)
end

return {
  summary = "the smallest change to a photo that makes a network see another class",
  about = "Goodfellow et al. 2015 (--method fgsm: one step), Kurakin et al. 2017 (--method iterative). The "
    .. "change of each value is bounded, and the smallest bound that works is found. --picture gets the "
    .. "changed photo alone, of the network's input size: classify it to see that it still fools.",
  options = {
    "model", "image",
    { "class", help = "class to become: number from 1, or how its label begins (default: any other)" },
    { "method", choices = { "iterative", "fgsm" }, default = "iterative", help = "how to find the change" },
    { "most", type = "integer", min = 1, max = 255, default = 8, help = "largest bound to try, of 255" },
    { "steps", default = 40, help = "steps for each bound, when iterative" },
    { "confidence", type = "number", min = 0, max = 1, default = 0.5,
      help = "probability that the new class must have; 0: just more than the others" },
    { "picture", type = png, default = "fooled.png", help = "the changed photo to write, .png" },
    { "out", default = "fool.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local photo = assert(sb.image.load(o.image))
    local found = sb.vis.fool(net, photo, { class = o.class, method = o.method, most = o.most,
      steps = o.steps, confidence = o.confidence, progress = report:progress "steps" })
    report:save(o.picture, found.picture)
    local again = net:forward(net:prepare(assert(sb.image.load(o.picture)))):top(1)[1]
    local gain = 127 // math.max(found.largest, 1)
    report:say("%s by a change of at most %d/255", found.fooled and "fooled" or "NOT fooled", found.largest)
    report:say("  %s\n  %s", change_of(found.original), change_of(found.class))
    report:say("  %s as loaded again: %s %.3f", o.picture, again.label, again.p)
    local magnified = (found.change * gain + 0.5):clamp(0, 1)
    report:save(o.out, sb.image.grid({ found.input, found.picture, magnified }, { columns = 3,
      labels = { "before", "after", ("change, %d times (at most %d/255)"):format(gain, found.largest) },
      title = ("%s; %s"):format(change_of(found.original), change_of(found.class)) }))
    return { fooled = found.fooled, largest = found.largest, original = found.original, class = found.class,
             loaded = again }
  end,
}
