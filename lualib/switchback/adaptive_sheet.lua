-- A sheet of what vis/adaptive.lua found: filters, reconstructions, maps, curves.
local image = require "switchback.image"
local plot = require "switchback.plot"

local FILTERS <const> = 64 -- at most so many are shown
local CURVES <const> = 6 -- of lambdas, at most
local CORNER <const> = 42 -- pixels that a map's filter fills of its corner, about

local function contrast(t) return image.stretch(t, { method = "symmetric", percentile = 99.5 }) end

local function filter_grid(filters, h, w)
  local tiles = {}
  for i = 1, math.min(filters:size(1), FILTERS) do tiles[i] = contrast(filters[i]) end
  return image.contain(image.grid(tiles, { gap = 2, scale = 4 }), h, w, { fill = 1 }):clamp(0, 1)
end

-- The curves: how the objective falls for each lambda, and what is left of the error for how much activity.
local function charts(results, width, height)
  local series, trade = {}, {}
  for i, r in ipairs(results) do
    local points, first = {}, r.history[1].objective
    for step, entry in ipairs(r.history) do points[step] = { step - 1, entry.objective / first } end
    if i <= CURVES then series[i] = { name = ("lambda %g"):format(r.lambda), points = points } end
    trade[i] = { 100 * r.active, 100 * r.error }
  end
  table.sort(trade, function(a, b) return a[1] < b[1] end)
  local curve = { { points = trade } }
  for i, point in ipairs(trade) do curve[i + 1] = { points = { point }, color = { 0, 0, 0 } } end
  return plot.curves({
    { title = "objective, of its start", x = "step", y = { 0, 1 }, names = "ends", series = series },
    { title = "error that is left, %: a point for each lambda", x = "maps that are active, %", y = { 0 },
      series = curve } }, { width = width, height = height })
end

-- Its filter in the corner of a map's picture, framed.
local function with_filter(picture, filter)
  local scale = math.max(1, CORNER // math.max(filter:size(2), filter:size(3)))
  local h, w = filter:size(2) * scale, filter:size(3) * scale
  local tile = image.resize(image.rgb(contrast(filter)), h, w, { method = "nearest" })
  image.rectangle(picture, 1, 1, h + 4, w + 4, 1)
  return image.paste(picture, 3, 3, tile)
end

local function enlarged(t, h, w)
  if t:size(2) >= h then return t end
  return image.resize(image.rgb(t), h, w, { method = "nearest" })
end

-- sheet(found, title) --> (3,H,W).
return function(found, title)
  local h, w = found.input:size(2), found.input:size(3)
  local scale = math.max(1, 288 // math.max(h, w))
  local count, _, fh, fw = table.unpack(found.filters:size())
  local pictures = { contrast(found.input), filter_grid(found.filters, h * scale, w * scale) }
  local labels = { "photo, contrast normalised", ("%d filters of %dx%d"):format(count, fh, fw) }
  for _, r in ipairs(found.results) do
    pictures[#pictures + 1] = contrast(r.reconstruction)
    labels[#labels + 1] = ("lambda %g: error %.1f %%, %.1f %% active"):format(r.lambda, 100 * r.error,
      100 * r.active)
  end
  for _, m in ipairs(found.maps) do
    local map = image.colormap(image.stretch(m.map, { method = "minmax", percentile = 99.5 }))
    pictures[#pictures + 1] = with_filter(enlarged(map, h * scale, w * scale), found.filters[m.index])
    labels[#labels + 1] = ("map of filter #%d: %.1f %%"):format(m.index, 100 * m.share)
  end
  for i, t in ipairs(pictures) do pictures[i] = enlarged(t, h * scale, w * scale) end
  local grid = image.grid(pictures, { labels = labels, columns = 5, title = title, text = 1, scale = 1 })
  local curves = charts(found.results, grid:size(3) // 2, 300)
  local canvas = image.canvas(grid:size(2) + curves:size(2), grid:size(3))
  return image.paste(image.paste(canvas, 1, 1, grid), grid:size(2) + 1, 1, curves)
end
