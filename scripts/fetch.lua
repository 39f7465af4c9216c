-- Pretrained weights into the folder of models.
local MEGA <const> = 1000000

return {
  summary = "fetch a network's weights from their publisher: switchback fetch vgg16, or fetch --list",
  about = "They go where sb.load and --model find them. A transfer that broke goes on where it stopped.",
  options = {
    { "name", positional = true, help = "name of the network" },
    { "list", type = "flag", help = "list what can be fetched" },
    { "folder", help = "where the file goes (default: the first folder of SWITCHBACK_MODELS, or " ..
      "~/.local/share/switchback/models)" },
    { "mirror", help = "address of a folder that has the same files" },
  },
  run = function(o, report)
    local fetch = require "switchback.fetch"
    if o.list then
      for _, name in ipairs(fetch.names()) do report:say("%-14s %s", name, fetch.entry(name).url) end
      return { names = fetch.names() }
    end
    if not o.name then error("a name is needed; --list shows them all", 0) end
    local show, last = report:progress(("fetching %s, MB:"):format(o.name)), 1
    local function progress(done, total)
      if total > done then show(done // MEGA, total // MEGA + 1) end
      last = total // MEGA + 1
    end
    local path, there = fetch.run(o.name, { folder = o.folder, mirror = o.mirror, progress = progress })
    show(last, last)
    report:say(there and "%s is there already" or "wrote %s", path)
    return { name = o.name, path = path, fetched = not there }
  end,
}
