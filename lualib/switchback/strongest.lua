-- The strongest activations of every channel over many pictures, found in one pass and kept in a file.
local check = require "switchback.check"
local core = require "switchback.core"
local file = require "switchback.file"
local merged = require "switchback.merged"
local paths = require "switchback.paths"
local picture_index = require "switchback.picture_index"
local safetensors = require "switchback.formats.safetensors"

local strongest = {}

local OPTIONS = { layers = false, most = 9, batch = 16, index = false, every = 16, progress = false }
local FIELDS <const> = { "activation", "picture", "y", "x" }

-- ---- What is kept ----------------------------------------------------------------------------------------

-- Best first; of equal activations the earlier picture stays in front.
local function insert(list, entry, most)
  local at = #list + 1
  while at > 1 and list[at - 1].activation < entry.activation do at = at - 1 end
  table.insert(list, at, entry)
  list[most + 1] = nil
end

-- Updates the lists of a layer's channels with its answer (N,C,H,W) or (N,C) to pictures of these numbers.
local function update(lists, values, pictures, most)
  local size = values:size()
  local peaks, positions = values:reshape(size[1], size[2], -1):max(3)
  local width = size[4] or 1
  peaks, positions = peaks:totable(), positions:totable()
  for n, picture in ipairs(pictures) do
    local peak, position = peaks[n], positions[n]
    for c, list in ipairs(lists) do
      if #list < most or peak[c] > list[most].activation then
        local at = math.tointeger(position[c]) - 1
        insert(list, { activation = peak[c], picture = picture, y = at // width + 1, x = at % width + 1 },
          most)
      end
    end
  end
end

-- ---- The file --------------------------------------------------------------------------------------------

-- Lists as tensors (C, most), one for each field; zeros where a list is shorter.
local function as_tensors(index, most)
  local tensors = {}
  for layer, lists in pairs(index.layers) do
    for _, field in ipairs(FIELDS) do
      local rows = {}
      for c, list in ipairs(lists) do
        rows[c] = {}
        for i = 1, most do rows[c][i] = list[i] and list[i][field] or 0 end
      end
      tensors[layer .. "/" .. field] = core.tensor.tensor(rows)
    end
  end
  return tensors
end

local function save(index, path, about, o)
  local metadata = merged({ done = tostring(index.done) }, about)
  assert(file.make_folders(paths.folder(path)))
  assert(safetensors.save(path, as_tensors(index, o.most), metadata))
end

local function lists_of(tensors, layer, path)
  local columns, lists = {}, {}
  for _, field in ipairs(FIELDS) do
    local t = tensors[layer .. "/" .. field]
    if not t then error(("%s: has no tensor '%s/%s'"):format(path, layer, field), 0) end
    columns[field] = t:totable()
  end
  for c, pictures in ipairs(columns.picture) do
    lists[c] = {}
    for i, picture in ipairs(pictures) do
      if picture > 0 then
        lists[c][i] = { activation = columns.activation[c][i], picture = math.tointeger(picture),
                        y = math.tointeger(columns.y[c][i]), x = math.tointeger(columns.x[c][i]) }
      end
    end
  end
  return lists
end

-- Whether a file has seen all pictures and holds these layers, maybe among others.
local function has_all(tensors, found, o, total)
  for _, layer in ipairs(o.layers) do
    if not tensors[layer .. "/activation"] then return false end
  end
  return tonumber(found.done) == total
end

-- What the file holds, after a check that it was made of the same; nil if there is no file. One that is
-- complete may be asked for some of its layers.
local function open(path, about, o, total)
  local there = path and io.open(path, "rb")
  if not there then return nil end
  there:close()
  local tensors, found = safetensors.load(path)
  if not tensors then error(found, 0) end
  if has_all(tensors, found, o, total) then about.layers = found.layers end
  picture_index.check_same(path, found, about)
  local index = { layers = {}, done = math.tointeger(tonumber(found.done)) }
  if not index.done then error(path .. ": does not tell how many pictures were seen", 0) end
  for _, layer in ipairs(o.layers) do index.layers[layer] = lists_of(tensors, layer, path) end
  return index
end

-- ---- The pass over the pictures --------------------------------------------------------------------------

local function empty(net, o)
  local shapes, index = net:shapes(nil, o.layers), { layers = {}, done = 0 }
  for _, layer in ipairs(o.layers) do
    local lists = {}
    for c = 1, shapes[net:value(layer)][2] do lists[c] = {} end
    index.layers[layer] = lists
  end
  return index
end

local function batches_of(net, set, o)
  if not net.preprocess then error("strongest: this net has no preprocessing: give sb.load one", 0) end
  return require("switchback.data.batches").new(set, merged({ batch = o.batch }, net.preprocess))
end

local function look(net, set, index, o, saved)
  local batches = batches_of(net, set, o)
  batches:restore { epoch = 1, at = index.done // o.batch }
  while index.done < #set do
    local x, _, pictures = batches:next()
    local pass = net:forward(x, { upto = o.layers, record = false })
    for _, layer in ipairs(o.layers) do update(index.layers[layer], pass[layer], pictures, o.most) end
    index.done = index.done + #pictures
    if index.done // o.batch % o.every == 0 or index.done == #set then saved() end
    if o.progress then o.progress(index.done, #set) end
  end
  batches:close()
end

-- strongest.of(net, set, options) --> { [layer] = lists }: lists[c] are the strongest activations of channel
--   c over the pictures of the set (data/set.lua), best first, { activation =, picture = number in the set,
--   y =, x = where in the map }, at most one of each picture; of equal ones the first, of equal places in a
--   map the first in reading order. Exactly what a look at all activations finds. Memory does not grow with
--   the number of pictures.
-- options:
--   layers     list of names (required)
--   most       = 9 activations of each channel;  batch = 16 pictures at a time
--   index      a .safetensors file that keeps what was found: of each layer LAYER/activation, /picture, /y
--              and /x, (C, most). It is written after every 16 batches (`every`), and where one is there the
--              pass goes on: it ends with the same bytes as one that was not interrupted. A complete one
--              also answers for some of its layers.
--   progress   function(done, total), of pictures
-- Raises for a picture that cannot be read, and for an index of another net, set, list of layers or batch.
function strongest.of(net, set, options)
  local o = check.options("strongest", options, OPTIONS)
  check.integer("strongest", "most", o.most, 1)
  check.integer("strongest", "batch", o.batch, 1)
  local about = picture_index.about(net, set)
  about.layers, about.batch, about.most = table.concat(o.layers, " "), tostring(o.batch), tostring(o.most)
  local index = open(o.index, about, o, #set) or empty(net, o)
  look(net, set, index, o, function()
    if o.index then save(index, o.index, about, o) end
  end)
  return index.layers
end

return strongest
