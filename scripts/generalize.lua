-- How well layers separate classes that the net was not trained for.

local function percent(s) return s and ("%5.1f +- %.1f"):format(100 * s.mean, 100 * s.deviation) or "" end

local function say_table(report, rows)
  local number, last, width = 0, nil, 5
  for _, row in ipairs(rows) do width = math.max(width, #row.layer) end
  local line = "%-2s %-" .. width .. "s  %-8s %5s  %-12s  %s"
  report:say(line, "", "layer", "", "train", "pretrained", "random")
  for _, row in ipairs(rows) do
    if row.layer ~= last then number, last = number + 1, row.layer end
    report:say(line, number, row.layer, row.classifier, row.count, percent(row.pretrained),
      percent(row.random))
  end
end

return {
  summary = "how well layers' features separate classes the net was not trained for",
  about = "Zeiler & Fergus 2014, section 5.2: linear classifiers of each layer's features, trained on a\n" ..
    "few pictures of each class, for the pretrained net and for random weights. The table has percent\n" ..
    "right, the mean over classes, +- the deviation over folds. Maps are averaged over --grid x --grid\n" ..
    "areas; features are centred on the training pictures' mean and scaled to length 1. svm: liblinear,\n" ..
    "squared hinge loss, one class against the rest; softmax: multinomial logistic regression.",
  options = {
    "model",
    { "data", type = "file", required = true, help = "labelled pictures, as for train" },
    { "part", choices = { "train", "test" }, default = "test", help = "of data that has both" },
    { "classes", type = "names", help = "only these, A,B,... by name, folder or number" },
    { "layer", type = "names", help = "layers, A,B,... (default: up to 6 stages)" },
    { "count", type = "integers", default = "15,30", help = "pictures of each class to train on" },
    { "folds", type = "integer", min = 1, default = 3, help = "draws of these; all others are tested" },
    { "classifier", type = "names", default = "svm,softmax", help = "svm, softmax or both" },
    { "grid", type = "integer", min = 0, default = 3, help = "areas a side of a map; 0: all positions" },
    "seed",
    { "out", default = "generalize.png", help = "chart of the table, also as .svg" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local generalize = require "switchback.generalize"
    local set = assert(sb.data.open(o.data, { part = o.part }))
    if o.classes then set = set:only(o.classes) end
    local shown = {}
    local function progress(weights, done, total)
      shown[weights] = shown[weights] or report:progress(weights)
      shown[weights](done, total)
    end
    local rows = generalize.run(sb.load(o.model), set, { layers = o.layer, counts = o.count,
      folds = o.folds, classifiers = o.classifier, grid = o.grid, seed = o.seed, progress = progress })
    report:say("%s", set)
    say_table(report, rows)
    for _, path in ipairs(generalize.write(o.out, rows)) do report:note(path) end
    return { rows = rows, classes = set.classes, pictures = #set }
  end,
}
