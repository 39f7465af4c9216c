-- Training a classifier.
return {
  summary = "train a classifier on labelled pictures",
  about = "Data: MNIST's idx files, CIFAR-10, a folder or tar file of class folders, or the folder that\n" ..
    "holds train and test parts. Beside --out go its curves (.csv, .svg, .png), the checkpoint that\n" ..
    "--resume goes on from, and snapshots. Ctrl-C stops after a checkpoint.",
  options = {
    { "model", required = true, help = "network of the zoo, drawn from --seed, or a file of weights" },
    { "data", type = "file", required = true, help = "pictures to train on" },
    { "validate", type = "file", help = "to validate on (default: the test part of --data, if it has one)" },
    { "classes", type = "names", help = "only these classes, A,B,... or the first N of them" },
    { "epochs", type = "integer", min = 1, default = 10, help = "times to go through the data" },
    { "batch", type = "integer", min = 1, default = 64, help = "pictures a step" },
    { "optimizer", choices = { "sgd", "adam", "adamw" }, default = "sgd", help = "how to step" },
    { "rate", type = "number", help = "its rate (default: sgd 0.05, adam and adamw 0.001)" },
    { "momentum", type = "number", default = 0.9, help = "of sgd, which takes Nesterov's" },
    { "weight-decay", type = "number", default = 5e-4, help = "of all weights" },
    { "schedule", choices = { "constant", "step", "cosine", "plateau" }, default = "cosine",
      help = "how the rate changes" },
    { "warmup", type = "number", default = 1, help = "epochs over which the rate rises" },
    { "smoothing", type = "number", default = 0.1, help = "label smoothing" },
    { "clip", type = "number", help = "largest norm of the gradient" },
    { "augment", type = "names", help = "of crop, resized, flip, jitter, rotate: A,B,... (default: none)" },
    { "freeze", help = "weights that stay as they are, by (a part of) their names" },
    "seed",
    { "snapshots", type = "integers", help = "epochs after which the net is saved too" },
    { "checkpoint-every", type = "integer", min = 1, help = "a checkpoint each N steps, not each epoch" },
    { "resume", type = "flag", help = "go on from the checkpoint of --out, if it is there" },
    { "out", type = "string", default = "trained.safetensors", help = "file of the net to write" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local job = require "switchback.train.job"
    local train, test = job.data(o)
    local net = job.net(o, train)
    local files = job.files(o)
    report:say("%d pictures of %d classes, %d to validate on; %d parameters", #train, #train.classes,
      test and #test or 0, net:parameter_count())
    local _, history = sb.train {
      net = net, data = train, validate = test, epochs = o.epochs, batch = o.batch, seed = o.seed,
      optimizer = job.optimizer(o), schedule = sb.schedule[o.schedule] { warmup = o.warmup },
      criterion = sb.criterion.cross_entropy { smoothing = o.smoothing }, clip = o.clip,
      augment = job.augment(o, net), checkpoint = files.checkpoint, checkpoint_every = o.checkpoint_every,
      resume = o.resume, snapshots = o.snapshots, snapshot = files.snapshot,
      progress = report:progress "train", each_epoch = files.log(report),
    }
    if history.ended == "epochs" then files.save(net, report) end
    return { history = history, ended = history.ended }
  end,
}
