-- A sheet of what vis/adaptive.lua found: filters, reconstructions, maps, curves.
local image = require "switchback.image"
local plot = require "switchback.plot"

local FILTERS <const> = 64 -- at most so many are shown

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
    if #series < 4 then series[#series + 1] = { name = ("lambda %g"):format(r.lambda), points = points } end
    trade[i] = { 100 * r.active, 100 * r.error }
  end
  return plot.curves({ { title = "objective, of its start", x = "step", series = series },
    { title = "error that is left, %", x = "maps that are active, %", series = { { name = "by lambda",
      points = trade } } } }, { width = width, height = height })
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
    pictures[#pictures + 1] = image.colormap(image.stretch(m.map, { method = "minmax", percentile = 99.5 }))
    labels[#labels + 1] = ("map of filter #%d: %.1f %%"):format(m.index, 100 * m.share)
  end
  for i, t in ipairs(pictures) do
    if t:size(2) < h * scale then
      pictures[i] = image.resize(image.rgb(t), h * scale, w * scale, { method = "nearest" })
    end
  end
  local grid = image.grid(pictures, { labels = labels, columns = 5, title = title, text = 1, scale = 1 })
  local curves = charts(found.results, grid:size(3) // 2, 300)
  local canvas = image.canvas(grid:size(2) + curves:size(2), grid:size(3))
  return image.paste(image.paste(canvas, 1, 1, grid), grid:size(2) + 1, 1, curves)
end
