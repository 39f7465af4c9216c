-- An index of pictures to search: of each its features and its pixels as points, kept in a file.
local check = require "switchback.check"
local features = require "switchback.features"
local file = require "switchback.file"
local paths = require "switchback.paths"
local safetensors = require "switchback.formats.safetensors"

local index = {}

local OPTIONS = { layer = false, pool = "mean", side = 32, progress = false }

-- about(net, set) --> { [what] = text }: what was looked at by what, for a file made of it to tell.
function index.about(net, set)
  return { model = paths.base(net.source or "net"),
           pictures = ("%d of %s, from %s to %s"):format(#set, set.name, set:title(1), set:title(#set)) }
end

-- What an index was made of, as the file tells it: all of it must be the same for the file to be of use.
local function description(net, set, layer, o)
  local about = index.about(net, set)
  about.layer, about.pool, about.side = layer, o.pool, tostring(o.side)
  return about
end

-- make(net, set [, options]) --> { features = (N,D), pixels = (N, 3 side^2), about = { [what] = text } }.
-- options: layer, pool: see features.of; side = 32: of the pictures that pixels are compared of;
-- progress: function(done, total).
function index.make(net, set, options)
  local o = check.options("index", options, OPTIONS)
  local layer = o.layer or features.last_layer(net)
  return { features = features.of(net, set, { layer = layer, pool = o.pool, progress = o.progress }),
           pixels = features.pixels(set, o.side), about = description(net, set, layer, o) }
end

-- check_same(path, made, wanted) raises unless the file was made of what is wanted: { [what] = text } both.
function index.check_same(path, made, wanted)
  for what, value in pairs(wanted) do
    if made[what] ~= value then
      error(("%s: an index of other %s: '%s', not '%s'"):format(path, what, tostring(made[what]), value), 0)
    end
  end
end

-- open(path, net, set [, options]) --> the index in the file, after a check that it was made of these; if
-- there is no such file, a new one, which is then written. Options as for make; without a path it is only
-- made. Raises for a file of something else, damaged files, and folders that cannot be written.
function index.open(path, net, set, options)
  if not path then return index.make(net, set, options) end
  local there = io.open(path, "rb")
  if there then
    there:close()
    local o = check.options("index", options, OPTIONS)
    local found, about = safetensors.load(path)
    if not found then error(about, 0) end
    index.check_same(path, about, description(net, set, o.layer or features.last_layer(net), o))
    if not (found.features and found.pixels) then error(path .. ": not an index of pictures", 0) end
    return { features = found.features, pixels = found.pixels, about = about }
  end
  local made = index.make(net, set, options)
  assert(file.make_folders(paths.folder(path)))
  assert(safetensors.save(path, { features = made.features, pixels = made.pixels }, made.about))
  return made
end

return index
