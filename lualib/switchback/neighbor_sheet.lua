-- A sheet of neighbours: each query beside two rows, what is near for the network and what is near by pixels.
local image = require "switchback.image"
local stack = require "switchback.stack"

local sheet = {}

local CELL <const>, GAP <const>, TEXT <const> = 104, 6, 1

local function name_of(set, at)
  local label = at and set:label(at)
  return label and set.classes[label]:match "^[^,]*" or at and "#" .. at or "query"
end

local function row(set, list)
  local pictures, labels = {}, {}
  for i, found in ipairs(list) do
    pictures[i] = image.fit(image.rgb(assert(set:picture(found.at))), CELL, CELL):clamp(0, 1)
    local distance = ("  %.3g"):format(found.distance)
    local _, width = image.text_size(distance, TEXT)
    labels[i] = image.elide(name_of(set, found.at), CELL - width - GAP, TEXT) .. distance
  end
  return image.grid(pictures, { columns = #pictures, labels = labels, gap = GAP, scale = 1, text = TEXT })
end

-- A strip with a line of text, as wide as a row.
local function heading(text, width)
  local strip = image.canvas(20, width)
  return image.text(strip, 5, GAP + 1, image.elide(text, width - 2 * GAP), { color = 0.35 })
end

local function query_parts(set, query, layer)
  local near, by_pixels = row(set, query.by_features), row(set, query.by_pixels)
  local rows = stack { heading("nearest in " .. layer, near:size(3)), near,
                       heading("nearest in pixels", near:size(3)), by_pixels }
  local big = image.fit(image.rgb(query.picture), 2 * CELL, 2 * CELL):clamp(0, 1)
  local cell = image.grid({ big }, { labels = { name_of(set, query.at) }, gap = GAP, scale = 1, text = 1.5 })
  return stack({ stack { image.canvas(20, cell:size(3)), cell }, rows }, true)
end

-- draw(set, list, layer, title) --> (3,H,W) of what vis/neighbors.lua found in the set: under each neighbour
-- its class (or number) and its distance.
function sheet.draw(set, list, layer, title)
  local parts = {}
  for i, query in ipairs(list) do parts[i] = query_parts(set, query, layer) end
  return image.grid(parts, { columns = 1, title = title, gap = 10, scale = 1, text = 1.3 })
end

-- same_class(set, list) --> { by_features =, by_pixels = how many neighbours are of their query's class,
-- all = how many there are }, of queries from a set with labels.
function sheet.same_class(set, list)
  local same = { by_features = 0, by_pixels = 0, all = 0 }
  for _, query in ipairs(list) do
    same.all = same.all + #query.by_features
    for _, kind in ipairs { "by_features", "by_pixels" } do
      for _, near in ipairs(query[kind]) do
        if set:label(near.at) == set:label(query.at) then same[kind] = same[kind] + 1 end
      end
    end
  end
  return same
end

return sheet
