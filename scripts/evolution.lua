-- How features came to be, from the snapshots of a training run.
return {
  summary = "how features evolve in training: their strongest projections at each snapshot",
  about = "Zeiler & Fergus 2014, section 4.1 and figure 4. The snapshots are those that train "
    .. "--snapshots 1,2,5 left beside\n--model, NAME-epochNNN.safetensors.",
  options = {
    { "model", default = "trained.safetensors", help = "net that train --snapshots wrote" },
    { "data", type = "file", required = true, help = "folder, tar file or data set of pictures" },
    { "part", choices = { "train", "test" }, default = "test", help = "part of it, where it has two" },
    { "most", type = "integer", min = 1, default = 2000, help = "how many pictures, evenly spaced" },
    { "epochs", type = "integers", help = "only these (default: all there are)" },
    { "layer", type = "names", help = "layers (default: the last of each size of map)" },
    { "channels", type = "integer", min = 1, default = 6, help = "how many of each layer, drawn at random" },
    "seed",
    { "out", default = "evolution.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local snapshots = require "switchback.snapshots"
    local set = assert(sb.data.open(o.data, { part = o.part }))
    set = require "switchback.features".spread(set, o.most)
    local wanted, epochs, loads = nil, {}, {}
    for _, epoch in ipairs(o.epochs or {}) do
      wanted = wanted or {}
      wanted[epoch] = true
    end
    for _, snapshot in ipairs(snapshots.find(o.model)) do
      if not wanted or wanted[snapshot.epoch] then
        epochs[#epochs + 1] = snapshot.epoch
        loads[#loads + 1] = function() return sb.load(snapshot.path) end
      end
    end
    if #epochs == 0 then error("none of the --epochs has a snapshot beside " .. o.model, 0) end
    local blocks = sb.vis.evolution(loads, set, { layers = o.layer, channels = o.channels, seed = o.seed,
      progress = report:progress "pictures" })
    report:say("%d snapshots, epochs %s; %d pictures", #epochs, table.concat(epochs, ", "), #set)
    report:save(o.out, snapshots.draw(blocks, epochs))
    local found = {}
    for i, block in ipairs(blocks) do found[i] = { layer = block.layer, channels = block.channels } end
    return { epochs = epochs, layers = found, pictures = #set }
  end,
}
