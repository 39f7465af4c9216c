-- What recipes that run sb.optimize share: options, and what these tell the loop.
local synthesis = {}

synthesis.checkpoint = { "checkpoint", type = "file",
                         help = "file to keep the state of the run in, for --resume" }
synthesis.resume = { "resume", type = "flag", help = "go on from --checkpoint if it is there" }

-- The options that such recipes declare besides their own.
synthesis.options = {
  "seed",
  { "tile", type = "integer", min = 32,
    help = "run the net in squares of about that many pixels: less memory, the same picture" },
  { "snapshots", type = "integer", min = 1, help = "save the picture every N steps too, beside --out" },
  synthesis.checkpoint, synthesis.resume,
}

-- with(list) --> the declaration `list` with these options after it.
function synthesis.with(list)
  return table.move(synthesis.options, 1, #synthesis.options, #list + 1, list)
end

-- numbered(path, what, n) --> path with "-WHAT0007" before its extension.
function synthesis.numbered(path, what, n)
  local stem, extension = path:match "^(.*)(%.[^./]*)$"
  return ("%s-%s%04d%s"):format(stem or path, what, n, extension or "")
end

-- loop(o, report, what [, run]) --> options of sb.optimize from a recipe's option values: seed, tile,
-- checkpoint, resume, snapshots beside o.out, progress under the name `what`, the memory told beforehand,
-- where it is more than has been told.
-- run: the number of this run, for recipes that make several: its checkpoint and snapshots are
-- files of their own.
function synthesis.loop(o, report, what, run)
  local checkpoint = o.checkpoint
  if checkpoint and run then checkpoint = synthesis.numbered(checkpoint, "run", run) end
  local function announce(bytes)
    if bytes <= (report.told or 0) then return end
    report.told = bytes
    report:say("takes up to %.0f MiB of memory", bytes / 2 ^ 20)
  end
  local function snapshot(picture, step)
    local out = run and synthesis.numbered(o.out, "run", run) or o.out
    report:save(synthesis.numbered(out, "step", step), picture)
  end
  return {
    seed = o.seed, tile = o.tile, checkpoint = checkpoint, resume = checkpoint and o.resume,
    snapshot = o.snapshots and snapshot, snapshot_every = o.snapshots, progress = report:progress(what),
    announce = announce,
  }
end

return synthesis
