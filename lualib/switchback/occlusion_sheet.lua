-- The panels of an occlusion, as vis/occlusion.lua finds them (Zeiler & Fergus 2014, figure 7).
local image = require "switchback.image"
local scatter = require "switchback.scatter"

local sheet = {}

local SIDE <const> = 336    -- pixels of a panel, the longer side
local STRIP <const> = 22    -- below it, for the scale
local NAMED <const> = 9     -- classes that the legend names; the others share a grey
local OTHERS <const> = { 0.75, 0.75, 0.75 }
local INK <const> = 0.15

-- The picture, faint and grey: what lies around the places that a patch has.
local function faint(input) return image.rgb(image.luminance(image.rgb(input)) * 0.35 + 0.6) end

-- Squares of colors (3,rows,columns), each of a stride's size in the middle of the patch that it tells of, on
-- the faint picture: what is above one another in the panels is at the same place of the input.
local function placed(found, colors)
  local size, stride = found.size, found.stride
  local squares = image.resize(colors, colors:size(2) * stride[1], colors:size(3) * stride[2],
    { method = "nearest" })
  local y, x = found.first[1] + (size[1] - stride[1]) // 2, found.first[2] + (size[2] - stride[2]) // 2
  return image.paste(faint(found.input), y, x, squares)
end

-- A picture with its longer side of so many pixels; one that is enlarged keeps its pixels apart.
local function sized(t, longer)
  local h, w = t:size(2), t:size(3)
  local scale = longer / math.max(h, w)
  return image.resize(t, math.floor(h * scale + 0.5), math.floor(w * scale + 0.5),
    { method = scale >= 1 and "nearest" or "auto" })
end

-- A picture like the input as a panel, with room for a scale.
local function panel(t)
  t = sized(t, SIDE)
  return image.paste(image.canvas(t:size(2) + STRIP, t:size(3)), 1, 1, t)
end

-- The least and largest of the map's numbers, without those that an interrupted run did not reach.
local function range(map)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(map:reshape(-1):totable()) do
    if value == value then low, high = math.min(low, value), math.max(high, value) end
  end
  return low, high
end

-- Below a panel: its colors from low to high.
local function draw_scale(canvas, low, high, format)
  local top, width = canvas:size(2) - STRIP + 6, canvas:size(3)
  local first, last = format:format(low), format:format(high)
  local _, before = image.text_size(first)
  local _, after = image.text_size(last)
  local bar = image.resize(require("switchback").linspace(0, 1, 64):reshape(1, 1, 64), 12,
    width - before - after - 20, { method = "bilinear" })
  image.text(canvas, top, 3, first, { color = INK })
  image.paste(canvas, top, before + 10, image.colormap(bar))
  image.text(canvas, top, width - after - 2, last, { color = INK })
  return canvas
end

local function heat(found, map, format)
  local low, high = range(map)
  local level = (map - low) / math.max(high - low, 1e-30)
  return draw_scale(panel(placed(found, image.colormap(level:unsqueeze(1)))), low, high, format)
end

-- The classes of the label map { { index =, count =, color = }... }, the most frequent first.
function sheet.classes(labels)
  local counts, list = {}, {}
  for _, index in ipairs(labels:reshape(-1):totable()) do
    index = math.tointeger(index) -- nil where an interrupted run did not come
    if index and not counts[index] then list[#list + 1] = { index = index } end
    if index then counts[index] = (counts[index] or 0) + 1 end
  end
  for _, class in ipairs(list) do class.count = counts[class.index] end
  table.sort(list, function(a, b)
    return a.count > b.count or a.count == b.count and a.index < b.index
  end)
  for i, class in ipairs(list) do class.color = i <= NAMED and scatter.color(i, 10) or OTHERS end
  return list
end

local function label_map(found, classes)
  local color, labels = {}, found.labels
  for _, class in ipairs(classes) do color[class.index] = class.color end
  local colors = image.canvas(labels:size(1), labels:size(2))
  for i, row in ipairs(labels:totable()) do
    for j, index in ipairs(row) do image.rectangle(colors, i, j, 1, 1, color[math.tointeger(index)] or 1) end
  end
  return panel(placed(found, colors))
end

local function write(canvas, y, color, text)
  image.rectangle(canvas, y, 12, 18, 18, color)
  image.text(canvas, y + 3, 40, image.elide(text, canvas:size(3) - 44), { color = INK })
end

local function places(count) return count == 1 and "1 place" or count .. " places" end

local function legend(classes, name, height, width)
  local canvas, rest, y = image.canvas(height, width), 0, 20
  for i, class in ipairs(classes) do
    if i <= NAMED then
      write(canvas, y, class.color, ("%s: %s"):format(name(class.index):match "^[^,]*", places(class.count)))
      y = y + 28
    else
      rest = rest + class.count
    end
  end
  if rest > 0 then write(canvas, y, OTHERS, ("%d others: %s"):format(#classes - NAMED, places(rest))) end
  return canvas
end

-- All of it, not only what the position sees: it lies where the input does.
local function stretched(shown) return image.stretch(shown.probe.image, { percentile = 99.8 }) end

-- The projection; with others four in a panel, this one framed, each with its picture in the corner.
local function projections(found)
  if #found.others == 0 then return panel(stretched(found.projection)) end
  local half = sized(found.input, SIDE // 2)
  local h, w = half:size(2), half:size(3)
  local canvas = image.canvas(2 * h, 2 * w)
  for i, shown in ipairs { found.projection, table.unpack(found.others) } do
    local y, x = (i - 1) // 2 * h + 1, (i - 1) % 2 * w + 1
    image.paste(canvas, y, x, image.contain(sized(stretched(shown), SIDE // 2), h, w))
    local corner = image.resize(shown.input, h // 3, w // 3)
    image.paste(canvas, y + h - h // 3, x + w - w // 3, corner:clamp(0, 1))
    if i == 1 then image.frame(canvas, y, x, h, w, { width = 3 }) end
  end
  return panel(canvas)
end

-- The frame is as wide for small inputs as for large ones.
local function photo(found)
  local canvas, scale = panel(found.input), SIDE / math.max(found.input:size(2), found.input:size(3))
  local function scaled(n) return math.floor(n * scale + 0.5) end
  return image.frame(canvas, 1, 1, scaled(math.min(found.size[1], found.input:size(2))),
    scaled(math.min(found.size[2], found.input:size(3))), { width = 3 })
end

-- sheet.name(found) --> what the true classes are called; their probability in the whole picture.
function sheet.name(found)
  local names, p = {}, 0
  for i, class in ipairs(found.classes) do
    names[i], p = class.label:match "^[^,]*", p + class.p
  end
  return table.concat(names, " or "), p
end

-- sheet.draw(net, found) --> (3,H,W) of six labelled cells: (a) the picture, with the patch's size framed in
-- its corner; (b) the channel's total activation for each place of the patch; (c) its projection, beside
-- those of three other pictures; (d) the class's probability; (e) the most probable class; its legend.
function sheet.draw(net, found)
  local classes, cells = sheet.classes(found.labels), {}
  cells[1], cells[3] = photo(found), projections(found)
  cells[2] = heat(found, found.activations, "%.4g")
  cells[4], cells[5] = heat(found, found.probabilities, "%.3f"), label_map(found, classes)
  cells[6] = legend(classes, function(i) return net:label(i) end, cells[5]:size(2), cells[5]:size(3))
  local name, p = sheet.name(found)
  local others = #found.others > 0 and ", and top of others" or ""
  return image.grid(cells, { columns = 3, title = ("%s, p %.3f"):format(name, p), labels = {
    ("(a) input, patch of %dx%d"):format(found.size[1], found.size[2]),
    ("(b) activation of #%d"):format(found.channel),
    ("(c) projection of #%d%s"):format(found.channel, others),
    ("(d) p of %s"):format(name), "(e) most probable class", "classes of (e)" } })
end

-- sheet.inside(found, map, box) --> mean of the map over the places whose patch has its middle in the box
-- { y, x, h, w } of the input's pixels; mean over the others; nil where there are none.
function sheet.inside(found, map, box)
  local sums, counts = { 0, 0 }, { 0, 0 }
  for i, row in ipairs(map:totable()) do
    for j, value in ipairs(row) do
      local y = found.first[1] + (i - 1) * found.stride[1] + found.size[1] / 2 - box[1]
      local x = found.first[2] + (j - 1) * found.stride[2] + found.size[2] / 2 - box[2]
      local k = y >= 0 and y < box[3] and x >= 0 and x < box[4] and 1 or 2
      if value == value then sums[k], counts[k] = sums[k] + value, counts[k] + 1 end
    end
  end
  return counts[1] > 0 and sums[1] / counts[1] or nil, counts[2] > 0 and sums[2] / counts[2] or nil
end

return sheet
