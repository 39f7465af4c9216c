-- Correspondence (Zeiler & Fergus 2014, section 4.3, table 1): does hiding the same part of different
-- pictures change a layer's features in the same way?
local check = require "switchback.check"
local core = require "switchback.core"
local explain = require "switchback.explain"
local features = require "switchback.features"
local image = require "switchback.image"

local OPTIONS = { layers = false, parts = false, random = 10, fill = 0.5, seed = 0, progress = false }

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

-- A box of the mean size of the picture's parts, anywhere in its middle square: what nets see of it.
local function random_box(rng, entry)
  local h, w, n = 0, 0, 0
  for _, box in pairs(entry.parts) do h, w, n = h + box[3], w + box[4], n + 1 end
  h, w = h // n, w // n
  local height, width = entry.picture:size(2), entry.picture:size(3)
  local side = math.min(height, width)
  return { (height - side) // 2 + rng:integer(1, math.max(1, side - h + 1)),
           (width - side) // 2 + rng:integer(1, math.max(1, side - w + 1)), h, w }
end

-- The share of places in which two lists of signs differ.
local function hamming(a, b)
  return (a - b):map(function(v) return v ~= 0 and 1 or 0 end):mean()
end

-- Mean and deviation of the distances between all pairs of pictures, in all rounds: { changes... } each.
local function consistency(rounds, layer)
  local sum, squares, n = 0, 0, 0
  for _, list in ipairs(rounds) do
    for i = 1, #list do
      for j = i + 1, #list do
        local d = hamming(list[i][layer], list[j][layer])
        sum, squares, n = sum + d, squares + d * d, n + 1
      end
    end
  end
  local mean = sum / n
  return { mean = mean, deviation = math.sqrt(math.max(0, squares / n - mean * mean)), pairs = n }
end

local function row_of(part, rounds, layers)
  local row = { part = part, layers = {} }
  for l in ipairs(layers) do row.layers[l] = consistency(rounds, l) end
  return row
end

local function sorted_parts(entry)
  local names = {}
  for name in pairs(entry and entry.parts or {}) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function check_entries(entries, parts)
  if #entries < 2 then error(("correspondence: needs two pictures or more, got %d"):format(#entries), 0) end
  for i, entry in ipairs(entries) do
    for _, part in ipairs(parts) do
      if not entry.parts[part] then
        error(("correspondence: %s has no part '%s'"):format(entry.name or "picture " .. i, part), 0)
      end
    end
  end
end

-- correspondence(net, entries, options) --> { layers = names, rows = for each part, then for "random",
--   { part =, layers = for each layer { mean =, deviation =, pairs = } } }
-- The mean and standard deviation, over pairs i < j of pictures, of H(sign(e_i), sign(e_j)): e = f(x) - f(x
-- with the part hidden), sign is -1, 0 or 1, H the share of features in which they differ. Less means that
-- hiding the part does the same in all pictures, so that the layer knows it as the same.
-- entries: { picture = (C,H,W), parts = { [part] = { y, x, h, w } in its pixels }, name = } each. options:
--   layers   list; default the last that has maps, and what the classes' scores are computed from
--   parts    list of those to look at; default all of the first picture, sorted
--   random   = 10 rounds in which a random place of each picture is hidden instead, from `seed` = 0
--   fill     = 0.5: the grey that hides;  progress: function(done, total) of pictures
-- Raises for less than two pictures and parts that one of them lacks.
return function(net, entries, options)
  local o = check.options("correspondence", options, OPTIONS)
  local parts = o.parts or sorted_parts(entries[1])
  check_entries(entries, parts)
  o.layers = o.layers or { explain.map_layer(net), features.last_layer(net) }
  local rng, rounds = core.rng.new(o.seed), {}
  for k = 1, #parts + o.random do rounds[k] = {} end
  for i, entry in ipairs(entries) do
    local whole = features_of(net, entry.picture, o.layers)
    for k, round in ipairs(rounds) do
      local box = parts[k] and entry.parts[parts[k]] or random_box(rng, entry)
      round[i] = changes(net, entry.picture, whole, box, o)
    end
    if o.progress then o.progress(i, #entries) end
  end
  local rows = {}
  for k, part in ipairs(parts) do rows[k] = row_of(part, { rounds[k] }, o.layers) end
  if o.random > 0 then
    rows[#rows + 1] = row_of("random", table.move(rounds, #parts + 1, #rounds, 1, {}), o.layers)
  end
  return { layers = o.layers, rows = rows }
end
