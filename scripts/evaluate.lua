-- How good a classifier is.
return {
  summary = "how good a classifier is: top-1 and top-5 accuracy on labelled pictures, and what it confuses",
  about = "Data as for train. A class of the data is the net's class of that label; without labels that\n" ..
    "fit, classes are taken in their order.",
  options = {
    "model",
    { "data", type = "file", required = true, help = "labelled pictures (or their test part)" },
    { "batch", type = "integer", min = 1, default = 64, help = "pictures at a time" },
    { "out", help = "picture to write: the confusion of the classes (default: none)" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local net = sb.load(o.model)
    local set = assert(sb.data.open(o.data, { part = "test" }))
    local found = require("switchback.train.measure").data_set(net, set,
      { batch = o.batch, progress = report:progress "evaluate" })
    report:say("top-1 %.2f %%, top-5 %.2f %% of %d pictures", 100 * found.top1, 100 * found.top5, found.n)
    for _, pair in ipairs(found.mistakes) do
      report:say("  %4.0f %% of %s were taken for %s", 100 * pair.share, pair.truth, pair.answer)
    end
    if o.out then report:save(o.out, sb.plot.confusion(found.confusion, found.labels)) end
    return { top1 = found.top1, top5 = found.top5, n = found.n, loss = found.loss }
  end,
}
