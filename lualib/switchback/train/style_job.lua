-- What a recipe that trains a transform net asks for, from the values of its options: pictures, styles, net,
-- loss, how good the net is on pictures that it was not trained on, and what these look like.
local image = require "switchback.image"
local paths = require "switchback.paths"
local record = require "switchback.train.record"
local style_batches = require "switchback.train.style_batches"
local train_columns = require("switchback.train.checkpoint").with

local job = {}

local NETS <const> = { "johnson", "dumoulin" }
local WIDTH <const> = 16 -- of johnson: half the paper's, a quarter of the time where maps are small
local HELD <const>, SHOWN <const>, CHUNK <const> = 8, 4, 4 -- pictures: held out, in a preview, at once

-- ---- Styles and pictures -------------------------------------------------------------------------------

-- styles(o) --> { { name = of the file, picture = (3,H,W) }... }. o: style, a list of files; style_size,
-- their longer side.
function job.styles(o)
  local list, taken = {}, {}
  for i, path in ipairs(o.style) do
    local name = paths.base(path):gsub("%.[^.]*$", "")
    if taken[name] then error(("train_style: two styles are called '%s'"):format(name), 0) end
    taken[name] = true
    local picture = assert(image.load(path, { channels = 3 }))
    list[i] = { name = name, picture = image.longer_side(picture, o.style_size) }
  end
  return list
end

-- The first so many pictures of a set, cut to squares: (N,3,size,size) in [0,1].
local function squares(set, count, size)
  local list = {}
  for i = 1, count do list[i] = assert(set:picture(i)) end
  return require("switchback.preprocess").prepare({ size = { size, size }, crop = "square" }, list)
end

-- Some pictures of a set, at random, and the others.
local function parted(set, path, seed)
  local count, order = math.min(HELD, #set // 4), require("switchback").rng(seed):permutation(#set)
  if count == 0 then
    error(("%s: %d pictures are too few to keep some for measuring: give --validate"):format(path, #set), 0)
  end
  local held = table.move(order, 1, count, 1, {})
  return set:subset(held), set:subset(table.move(order, count + 1, #set, 1, {}))
end

-- data(o) --> the set to train on, pictures held out (N,3,size,size) in [0,1]: of o.validate, or some of
-- o.data. o: data, validate, seed, size.
function job.data(o)
  local open = require("switchback.data").open
  local set = assert(open(o.data, { channels = 3 }))
  if not o.validate then
    local held, rest = parted(set, o.data, o.seed)
    return rest, squares(held, #held, o.size)
  end
  local held = assert(open(o.validate, { part = "test", channels = 3 }))
  return set, squares(held, math.min(HELD, #held), o.size)
end

-- loader(o, net, set) --> batches for sb.train: random parts of the pictures, o.crop to all of their area,
-- mirrored or not. o: batch, size, crop, seed, every.
function job.loader(o, net, set)
  local augment, side = require "switchback.augment", { o.size, o.size }
  local steps = { augment.random_resized_crop { size = side, scale = { o.crop, 1 } },
    augment.horizontal_flip {} }
  local batches = require("switchback.data").batches(set, { batch = o.batch, shuffle = o.seed,
    augment = steps, scale = job.unit(net), channels = "RGB" })
  return style_batches.new(batches, net, o.every)
end

-- rounds(o) --> how many times o.every steps are o.steps. Raises unless they fit.
function job.rounds(o)
  o.every = math.min(o.every, o.steps)
  if o.steps % o.every == 0 then return o.steps // o.every end
  error(("train_style: --steps %d is not a multiple of --every %d"):format(o.steps, o.every), 0)
end

-- identity(o) --> what must be the same for a run to go on from a checkpoint (train.lua).
function job.identity(o)
  local fields = {}
  for _, name in ipairs { "size", "style_size", "features", "crop", "rate", "content_weight", "style_weight",
                          "tv_weight" } do
    fields[name] = tostring(o[name])
  end
  return fields
end

-- ---- The net -------------------------------------------------------------------------------------------

-- unit(net) --> what white is in the net's pictures. Raises where the preprocessing does more than scale.
function job.unit(net)
  local p = require("switchback.preprocess").complete(net.preprocess or {})
  for i = 1, #p.mean do
    if p.channels ~= "RGB" or p.mean[i] ~= 0 or p.std[i] ~= p.std[1] then
      error("train_style: the net's preprocessing does more than scale RGB pictures", 0)
    end
  end
  return p.scale / p.std[1]
end

local function untrained(o, count)
  require("switchback.check").choice("train_style", "transform net", o.model, NETS)
  local dumoulin = o.model == "dumoulin"
  return require("switchback").load(o.model, { untrained = true, seed = o.seed, blocks = o.blocks,
    width = o.width or not dumoulin and WIDTH or nil, scaled = not dumoulin,
    styles = (dumoulin or count > 1) and count or nil })
end

-- net(o, styles) --> the net to train: one of the zoo, or a file of one. o: model, width, blocks, seed, size.
function job.net(o, styles)
  local from_zoo = require("switchback.zoo").has(o.model)
  local net = from_zoo and untrained(o, #styles) or require("switchback").load(o.model)
  local count, shape = style_batches.count(net), net:shapes({ 1, 3, o.size, o.size })[net.outputs[1]]
  if net.shape_text(shape) ~= net.shape_text { 1, 3, o.size, o.size } then
    error(("train_style: the net makes %s of pictures of %dx%d"):format(net.shape_text(shape), o.size,
      o.size), 0)
  end
  if count ~= #styles then
    error(("train_style: the net has %d styles, --style gives %d"):format(count, #styles), 0)
  end
  net.styles = {}
  for i, style in ipairs(styles) do net.styles[i] = style.name end
  return net
end

-- criterion(o, net, styles) --> sb.criterion.perceptual. o: features, content_layers, style_layers,
-- content_weight, style_weight, tv_weight.
function job.criterion(o, net, styles)
  local sb, pictures = require "switchback", {}
  for i, style in ipairs(styles) do pictures[i] = style.picture end
  return sb.criterion.perceptual { net = sb.load(o.features), styles = pictures, unit = job.unit(net),
    content_layers = o.content_layers, style_layers = o.style_layers, content_weight = o.content_weight,
    style_weight = o.style_weight, tv_weight = o.tv_weight }
end

-- ---- Measuring -----------------------------------------------------------------------------------------

local function all_in(style, count)
  local list = {}
  for k = 1, count do list[k] = style end
  return list
end

-- Calls each(x, styles, share) with the pictures a few at a time, in the net's units, each with that style.
local function in_chunks(pictures, unit, style, each)
  local n = pictures:size(1)
  for first = 1, n, CHUNK do
    local count = math.min(CHUNK, n - first + 1)
    each(pictures:narrow(1, first, count) * unit, all_in(style, count), count / n)
    collectgarbage()
  end
end

local function painted(net, x, styles)
  local y = net:forward(style_batches.inputs(net, x, styles), { record = false })
  return y[net.outputs[1]]
end

-- measure(net, criterion, pictures [, paint]) --> { loss =, ["held-out content"] =, ["style NAME"]... }:
-- means over the pictures (N,3,H,W) in [0,1], and of loss and content over the styles. paint = false: of the
-- pictures as they are, not painted.
function job.measure(net, criterion, pictures, paint)
  local found, unit, count = { loss = 0, ["held-out content"] = 0 }, job.unit(net), style_batches.count(net)
  for s = 1, count do
    local column = "style " .. net.styles[s]
    found[column] = 0
    in_chunks(pictures, unit, s, function(x, styles, share)
      local y = paint == false and x or painted(net, x, styles)
      local loss, _, terms = criterion(y, { pictures = x, styles = styles }, false)
      found.loss = found.loss + share * loss / count
      found["held-out content"] = found["held-out content"] + share * terms.content / count
      found[column] = found[column] + share * terms.style
    end)
  end
  return found
end

-- columns(net) --> names of the numbers that such a run adds to its history.
function job.columns(net)
  local list = { "step", "content", "style", "tv", "held-out content" }
  for _, name in ipairs(net.styles) do list[#list + 1] = "style " .. name end
  return list
end

-- ---- What it shows -------------------------------------------------------------------------------------

-- preview(net, pictures, styles, step) --> a grid: the paintings, and below them some pictures in each style.
function job.preview(net, pictures, styles, step)
  local size = pictures:size(3)
  local cells, labels = { pictures[1] * 0 + 1 }, { "" }
  for _, style in ipairs(styles) do
    cells[#cells + 1], labels[#labels + 1] = image.contain(style.picture, size, size), style.name
  end
  for k = 1, math.min(SHOWN, pictures:size(1)) do
    cells[#cells + 1], labels[#labels + 1] = pictures[k], "held out"
    for s in ipairs(styles) do
      local y = painted(net, pictures:narrow(1, k, 1) * job.unit(net), { s })
      cells[#cells + 1], labels[#labels + 1] = net:to_image(y), "as " .. styles[s].name
    end
  end
  return image.grid(cells, { columns = #styles + 1, labels = labels, title = "step " .. step })
end

-- form(net, before) --> how the history of such a run is shown (train/job.lua). before: what measure answered
-- before the first step.
function job.form(net, before)
  local form = { columns = train_columns(job.columns(net)) }
  function form.line(row)
    local parts = { ("step %d  loss %.4f  content %.4f  style %.4f; held out: content %.4f"):format(row.step,
      row.loss, row.content, row.style, row["held-out content"]) }
    for _, name in ipairs(net.styles) do
      parts[#parts + 1] = ("%s %.4f"):format(name, row["style " .. name])
    end
    return table.concat(parts, "  ") .. ("  %.0f s"):format(row.seconds)
  end
  function form.charts(history)
    local function curve(column, name, first)
      local series = record.series(history, column, name, 1, "step")
      if first then table.insert(series.points, 1, { 0, first }) end
      return series
    end
    local styles = {}
    for i, name in ipairs(net.styles) do
      styles[i] = curve("style " .. name, name, before["style " .. name])
    end
    return { { title = "loss", x = "step",
               series = { curve("loss", "training"), curve("validation_loss", "held out", before.loss) } },
             { title = "style loss, held out", x = "step", series = styles } }
  end
  return form
end

-- compared(net, before, row) --> { styles = { [name] = { photos =, untrained =, trained = } }, lines = }:
-- style losses before and after the training. before: { photos =, untrained = }, what measure answered for
-- the photos as they are and for the net before; row: the last of the history, or nil.
function job.compared(net, before, row)
  local found = { styles = {}, lines = {} }
  for i, name in ipairs(row and net.styles or {}) do
    local column = "style " .. name
    local photos, first, now = before.photos[column], before.untrained[column], row[column]
    found.styles[name] = { photos = photos, untrained = first, trained = now }
    found.lines[i] = ("%s: style loss on photos held out: %.4f, %.1f %% less than before training (%.4f), " ..
      "%.1f %% less than of the photos (%.4f)"):format(name, now, 100 * (1 - now / first), first,
      100 * (1 - now / photos), photos)
  end
  return found
end

return job
