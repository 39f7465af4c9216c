-- Correspondence (Zeiler & Fergus 2014, section 4.3, table 1): does hiding the same part of different
-- pictures change a layer's features in the same way?
local check = require "switchback.check"
local core = require "switchback.core"
local explain = require "switchback.explain"
local features = require "switchback.features"
local image = require "switchback.image"
local parts = require "switchback.parts"

local OPTIONS = { layers = false, parts = false, random = 10, align = true, fill = 0.5, seed = 0,
                  progress = false }
local SIDE <const> = 256 -- pixels of an aligned picture

-- The picture with the box { y, x, h, w } filled.
local function hidden(picture, box, fill)
  local t = image.rgb(picture)
  return image.rectangle(t, box[1], box[2], box[3], box[4], fill)
end

local function features_of(net, picture, layers)
  local pass, list = net:forward(net:prepare(picture), { upto = layers, record = false }), {}
  for l, layer in ipairs(layers) do list[l] = pass[layer]:reshape(-1):clone() end
  return list
end

local function signs(t) return t:map(function(v) return v > 0 and 1 or v < 0 and -1 or 0 end) end

-- Of each layer the signs of what hiding the box changes: sign(f(x) - f(hidden x)).
local function changes(net, picture, whole, box, o)
  local list = {}
  for l, now in ipairs(features_of(net, hidden(picture, box, o.fill), o.layers)) do
    list[l] = signs(whole[l] - now)
  end
  return list
end

-- ---- What is hidden --------------------------------------------------------------------------------------

local function mean_size(entry, of)
  local h, w = 0, 0
  for _, part in ipairs(of) do h, w = h + entry.parts[part][3], w + entry.parts[part][4] end
  return h // #of, w // #of
end

-- A box of the mean size of the picture's parts, anywhere in its middle square: what nets see of it.
local function anywhere(rng, entry, of)
  local h, w = mean_size(entry, of)
  local height, width = entry.picture:size(2), entry.picture:size(3)
  local side = math.min(height, width)
  return { (height - side) // 2 + rng:integer(1, math.max(1, side - h + 1)),
           (width - side) // 2 + rng:integer(1, math.max(1, side - w + 1)), h, w }
end

-- The same at a place {v, u} of [0,1] in what is around all parts, from its top left to its bottom right.
local function among(entry, of, v, u)
  local h, w = mean_size(entry, of)
  local top, left, bottom, right = math.huge, math.huge, 0, 0
  for _, part in ipairs(of) do
    local b = entry.parts[part]
    top, left = math.min(top, b[1]), math.min(left, b[2])
    bottom, right = math.max(bottom, b[1] + b[3]), math.max(right, b[2] + b[4])
  end
  return { top + math.floor(v * (bottom - top - h) + 0.5), left + math.floor(u * (right - left - w) + 0.5),
           h, w }
end

-- Rounds { part = name, boxes = { of each picture } }: the parts, and `random` ones of either control.
local function rounds_of(entries, of, o)
  local rng, rounds = core.rng.new(o.seed), {}
  local function add(part, box_of)
    local boxes = {}
    for i, entry in ipairs(entries) do boxes[i] = box_of(entry) end
    rounds[#rounds + 1] = { part = part, boxes = boxes }
  end
  for _, part in ipairs(of) do add(part, function(entry) return entry.parts[part] end) end
  for _ = 1, o.random do
    local v, u = rng:uniform(), rng:uniform()
    add("same place", function(entry) return among(entry, of, v, u) end)
  end
  for _ = 1, o.random do add("random", function(entry) return anywhere(rng, entry, of) end) end
  return rounds
end

-- ---- What it changes -------------------------------------------------------------------------------------

-- The share of places in which two lists of signs differ.
local function hamming(a, b)
  return (a - b):map(function(v) return v ~= 0 and 1 or 0 end):mean()
end

-- Mean and deviation of the distances between all pairs of pictures, in all rounds.
local function consistency(rounds, layer)
  local sum, squares, n = 0, 0, 0
  for _, round in ipairs(rounds) do
    for i = 1, #round.changes do
      for j = i + 1, #round.changes do
        local d = hamming(round.changes[i][layer], round.changes[j][layer])
        sum, squares, n = sum + d, squares + d * d, n + 1
      end
    end
  end
  local mean = sum / n
  return { mean = mean, deviation = math.sqrt(math.max(0, squares / n - mean * mean)), pairs = n }
end

-- A row for each name of rounds, in their order.
local function rows_of(rounds, layers)
  local rows, named = {}, {}
  for _, round in ipairs(rounds) do
    if not named[round.part] then
      named[round.part] = {}
      rows[#rows + 1] = { part = round.part, layers = {} }
    end
    table.insert(named[round.part], round)
  end
  for _, row in ipairs(rows) do
    for l in ipairs(layers) do row.layers[l] = consistency(named[row.part], l) end
  end
  return rows
end

local function sorted_parts(entry)
  local names = {}
  for name in pairs(entry and entry.parts or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function check_entries(entries, of)
  if #entries < 2 then error(("correspondence: needs two pictures or more, got %d"):format(#entries), 0) end
  for i, entry in ipairs(entries) do
    for _, part in ipairs(of) do
      if not entry.parts[part] then
        error(("correspondence: %s has no part '%s'"):format(entry.name or "picture " .. i, part), 0)
      end
    end
  end
end

-- correspondence(net, entries, options) --> { layers = names, rows = for each part, then for "same place" and
--   for "random", { part =, layers = for each layer { mean =, deviation =, pairs = } }, entries = the
--   pictures and boxes as they were looked at, rounds = { part =, boxes = of each picture }... }
-- The mean and standard deviation, over pairs i < j of pictures, of H(sign(e_i), sign(e_j)): e = f(x) - f(x
-- with the part hidden), sign is -1, 0 or 1, H the share of features in which they differ. Less means that
-- hiding the part does the same in all pictures, so that the layer knows it as the same.
-- Two controls, of boxes of the parts' mean size: "random" hides another place in each picture, as the paper
-- does; "same place" one that is the same in all, somewhere among the parts. A layer of maps tells places
-- apart whatever is there, so that only parts below "same place" are known for what they show.
-- entries: { picture = (C,H,W), parts = { [part] = { y, x, h, w } in its pixels }, name = } each. options:
--   layers   list; default the last that has maps, and what the classes' scores are computed from
--   parts    list of those to look at; default all of the first picture, sorted
--   align    = true: pictures are cropped so that their parts lie at the same places (parts.lua)
--   random   = 10 rounds of either control, from `seed` = 0
--   fill     = 0.5: the grey that hides;  progress: function(done, total) of pictures
-- Raises for less than two pictures and parts that one of them lacks.
return function(net, entries, options)
  local o = check.options("correspondence", options, OPTIONS)
  local of, looked_at = o.parts or sorted_parts(entries[1]), {}
  check_entries(entries, of)
  for i, entry in ipairs(entries) do looked_at[i] = o.align and parts.aligned(entry, SIDE) or entry end
  o.layers = o.layers or { explain.map_layer(net), features.last_layer(net) }
  local rounds = rounds_of(looked_at, of, o)
  for _, round in ipairs(rounds) do round.changes = {} end
  for i, entry in ipairs(looked_at) do
    local whole = features_of(net, entry.picture, o.layers)
    for _, round in ipairs(rounds) do
      round.changes[i] = changes(net, entry.picture, whole, round.boxes[i], o)
    end
    if o.progress then o.progress(i, #entries) end
  end
  local rows = rows_of(rounds, o.layers)
  for _, round in ipairs(rounds) do round.changes = nil end
  return { layers = o.layers, rows = rows, entries = looked_at, rounds = rounds }
end
