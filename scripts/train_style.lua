-- Training a net that paints photos in the style of paintings, for the recipe stylize.
return {
  summary = "train a net that turns photos into paintings, for stylize",
  about = "Johnson et al. 2016; with several styles Dumoulin et al. 2017: one net that blends them too.\n" ..
    "Data: a folder or tar file of any photos. Beside --out go previews, curves (.csv, .svg, .png) and\n" ..
    "the checkpoint that --resume goes on from. Ctrl-C stops after a checkpoint.",
  options = {
    { "model", default = "johnson", help = "johnson, dumoulin, or a file of a net to go on with" },
    { "style", type = "names", required = true, help = "paintings, A,B,..." },
    { "data", type = "file", required = true, help = "photos to train on" },
    { "validate", type = "file", help = "photos to measure and preview on (default: some of --data)" },
    { "features", default = "vgg19_pruned", help = "net that looks: also googlenet, squeezenet1_1" },
    { "size", default = 128, help = "of the photos in pixels: parts of them, cut at random" },
    { "style-size", type = "integer", min = 16, default = 256, help = "longer side of the paintings" },
    { "width", type = "integer", min = 1, help = "filters of johnson's first layer (16; the paper's 32)" },
    { "blocks", type = "integer", min = 1, help = "residual blocks of johnson (5)" },
    { "steps", default = 1000 },
    { "every", type = "integer", min = 1, default = 100,
      help = "steps from one preview and checkpoint to the next" },
    { "batch", type = "integer", min = 1, default = 4, help = "photos a step" },
    { "crop", type = "number", min = 0.01, max = 1, default = 0.5, help = "least share of a photo taken" },
    { "rate", type = "number", default = 0.001, help = "of adam, which falls along half a cosine" },
    { "content-weight", type = "number", default = 1, help = "weight of |F - P|^2 / |P|^2" },
    { "style-weight", type = "number", default = 4, help = "weight of |G - A|^2 / |A|^2" },
    { "tv-weight", type = "number", default = 2, help = "weight of the mean squared difference" },
    { "content-layers", type = "names", help = "of --features, that compare with the photo" },
    { "style-layers", type = "names", help = "of --features, that compare with the paintings" },
    "seed",
    { "checkpoint-every", type = "integer", min = 1, help = "a checkpoint each N steps, not each --every" },
    { "resume", type = "flag", help = "go on from the checkpoint of --out, if it is there" },
    { "out", type = "string", default = "style.safetensors", help = "file of the net to write" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local job, files = require "switchback.train.style_job", require("switchback.train.job").files(o)
    local rounds, styles = job.rounds(o), job.styles(o)
    local net, photos, held = job.net(o, styles), job.data(o)
    local criterion = job.criterion(o, net, styles)
    local function measure() return job.measure(net, criterion, held) end
    local before = { photos = job.measure(net, criterion, held, false), untrained = measure() }
    report:say("%d photos, %d held out; %d parameters", #photos, held:size(1), net:parameter_count())
    local log = files.log(report, job.form(net, before.untrained))
    local _, history = sb.train {
      net = net, data = job.loader(o, net, photos), validate = measure, epochs = rounds, batch = o.batch,
      criterion = criterion, classes = false, optimizer = sb.optim.adam { rate = o.rate },
      schedule = sb.schedule.cosine {}, seed = o.seed, columns = job.columns(net), identity = job.identity(o),
      checkpoint = files.checkpoint, checkpoint_every = o.checkpoint_every, resume = o.resume,
      progress = report:progress "train", each_epoch = function(row, rows)
        log(row, rows)
        local path = ("%s-step%04d.png"):format(files.stem, row.step)
        report:save(path, job.preview(net, held, styles, row.step))
      end,
    }
    if history.ended == "epochs" then files.save(net, report) end
    local found = job.compared(net, before, history[#history])
    for _, line in ipairs(found.lines) do report:say("%s", line) end
    return { history = history, ended = history.ended, style_loss = found.styles }
  end,
}
