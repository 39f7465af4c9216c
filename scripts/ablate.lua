-- Which parts of a network matter, and how large they should be.
return {
  summary = "what a net loses without some of its layers, and gains by wider ones",
  about = "Zeiler & Fergus 2013, section 4.1 and table 3: variants of a net, each trained alike from\n" ..
    "scratch from each seed; their parameters, and errors in percent +- the deviation over seeds.\n" ..
    "--remove conv3+conv4,fc6+fc7 is two variants, without two layers each (layer2.1.*: a block);\n" ..
    "--width x0.5 halves all layers but the last, fc6+fc7:x2 or conv3:512+conv4:1024 changes some;\n" ..
    "--first 7/2 is a kernel of 7 at stride 2 (7/2/1: padded by 1). What is not given is as in the\n" ..
    "paper, where the net has such layers; none: none. SGD with Nesterov's momentum 0.9, cosine\n" ..
    "schedule, weight decay 5e-4, label smoothing 0.1. Finished trainings are kept: --resume goes on,\n" ..
    "also with more variants or seeds.",
  options = {
    { "model", default = "zfnet64", help = "network of the zoo, or a file, whose weights do not count" },
    { "data", type = "file", required = true, help = "pictures to train on, as for train" },
    { "validate", type = "file", help = "to validate on (default: the test part of --data)" },
    { "classes", type = "names", help = "only these classes, A,B,... or the first N of them" },
    { "count", type = "integer", min = 1, default = 100, help = "pictures of each class to train on" },
    { "remove", type = "names", help = "layers to leave out, A+B,C,..." },
    { "width", type = "names", help = "other widths, A+B:N,C:xF,xF,..." },
    { "first", type = "names", help = "other first convolutions, KERNEL/STRIDE[/PADDING],..." },
    { "seeds", type = "integers", default = "1,2", help = "a training of each variant for each" },
    { "epochs", type = "integer", min = 1, default = 5, help = "times to go through the data" },
    { "batch", type = "integer", min = 1, default = 64, help = "pictures a step" },
    { "rate", type = "number", default = 0.05, help = "learning rate" },
    { "augment", type = "names", help = "of crop, resized, flip, jitter, rotate: A,B,... (default: none)" },
    { "resume", type = "flag", help = "go on with the table of --out, if it is there" },
    { "out", default = "ablate.png", help = "chart of the table; beside it .svg, .csv and .json" },
  },
  run = function(o, report)
    local sb, job = require "switchback", require "switchback.train.job"
    local ablate, sheet = require "switchback.ablate", require "switchback.ablate.table"
    local data, validate = job.data(o)
    if not validate then error(o.data .. " has no test part: give --validate", 0) end
    data = data:split(o.count)
    local net, stem = job.net(o, data), o.out:gsub("%.[^./]*$", "")
    local found = ablate.variants(net, { remove = o.remove, width = o.width, first = o.first })
    report:say("%d variants, %d seeds; %d pictures of %d classes, %d to validate on", #found, #o.seeds,
      #data, #data.classes, #validate)
    local function options(variant)
      return { epochs = o.epochs, batch = o.batch, augment = job.augment(o, variant),
        optimizer = sb.optim.sgd { rate = o.rate, momentum = 0.9, nesterov = true, weight_decay = 5e-4 },
        schedule = sb.schedule.cosine { warmup = math.min(1, o.epochs / 5) },
        criterion = sb.criterion.cross_entropy { smoothing = 0.1 } }
    end
    local rows, complete = ablate.run(net, data, validate, { variants = found, seeds = o.seeds,
      train = options, path = stem .. ".json", resume = o.resume, progress = report:progress "ablate",
      each = function(variant, run) report:say("%s", sheet.run(variant, run)) end,
      settings = { count = o.count, epochs = o.epochs, batch = o.batch, rate = o.rate,
                   augment = table.concat(o.augment or {}, ",") } })
    for _, line in ipairs(sheet.lines(rows)) do report:say("%s", line) end
    for _, path in ipairs(sheet.write(stem, rows)) do report:note(path) end
    if not complete then report:say "stopped; --resume goes on" end
    return { rows = rows, complete = complete }
  end,
}
