-- Pictures of banks of filters, as vis/filters.lua finds them, and the table of what is wrong with them.
local image = require "switchback.image"
local cat = require("switchback.core").tensor.cat
local stack = require "switchback.stack"
local survey = require "switchback.filter_survey"

local sheet = {}

local CELL <const>, FRAME <const>, TEXT <const> = 64, 3, 450 -- pixels
local DEAD <const>, DOUBLE <const> = { 0.85, 0.1, 0.1 }, { 0.95, 0.6, 0.1 }

-- The kernels of one filter in a block, a grey tile for each input channel, in reading order.
local function kernels(filter, most)
  local tiles = {}
  for i = 1, math.min(filter:size(1), most) do tiles[i] = filter:narrow(1, i, 1) end
  local columns = math.ceil(math.sqrt(#tiles))
  return image.grid(tiles, { columns = columns, gap = 1, scale = math.max(1, 12 // filter:size(3)) })
end

local function picture(bank, i, most)
  local filter = image.stretch(bank.filters[i], { method = "symmetric", percentile = 99.5 })
  return bank.in_color and filter or kernels(filter, most)
end

-- ---- What is wrong ---------------------------------------------------------------------------------------

local function percent(n, all) return ("%.0f %%"):format(100 * n / all) end

-- The root mean squares of filters: { median =, largest =, which = the filter that has it }. One filter that
-- is far larger than all others is what made Zeiler & Fergus renormalise them (section 3.1).
local function sizes(weight)
  local n = weight:size(1)
  local squares = (weight * weight):reshape(n, -1):mean(2):sqrt()
  local values, order = squares:topk(n)
  return { median = values[(n + 1) // 2], largest = values[1], which = math.tointeger(order[1]) }
end

-- table(bank, least) --> { filters =, size =, rms = { median =, largest =, which = }, dead = (nil without
-- pictures), near = { plain =, rotated =, recolored =, both = }: how many have another one at a cosine of
-- `least`, bands = { low =, mid =, high = }: how many have most of their power there, power = { low =, mid =,
-- high = }: the mean shares }.
function sheet.table(bank, least)
  local size, n = bank.weight:size(), bank.weight:size(1)
  local t = { filters = n, size = ("%dx%dx%d"):format(size[2], size[3], size[4]), near = {},
              rms = sizes(bank.weight),
              dead = bank.dead and #bank.dead, bands = { low = 0, mid = 0, high = 0 },
              power = { low = 0, mid = 0, high = 0 } }
  for name, list in pairs(bank.duplicates) do t.near[name] = survey.near(list, least) end
  for _, f in ipairs(bank.frequencies) do
    t.bands[f.band] = t.bands[f.band] + 1
    for name in pairs(t.power) do t.power[name] = t.power[name] + f[name] / n end
  end
  return t
end

local function band_text(counts, all)
  return ("%s low, %s mid, %s high"):format(percent(counts.low, all), percent(counts.mid, all),
    percent(counts.high, all))
end

-- lines(t, least) --> the table as a list of { what, value }.
function sheet.lines(t, least)
  local list = { { "filters", ("%d of %s"):format(t.filters, t.size) } }
  local function add(what, value) list[#list + 1] = { what, value } end
  add("size of weights, RMS", ("%.2g median, %.2g largest (#%d)"):format(t.rms.median, t.rms.largest,
    t.rms.which))
  add("never active (red frames)", t.dead and ("%d, %s"):format(t.dead, percent(t.dead, t.filters))
    or "not known without --data")
  for _, kind in ipairs { { "plain", "(orange frames)" }, { "rotated", "up to rotation" },
                          { "recolored", "up to color" }, { "both", "up to both" } } do
    local n = t.near[kind[1]]
    local what = ("near-duplicates (%.2g) %s"):format(least, kind[2])
    if n then add(what, ("%d, %s"):format(n, percent(n, t.filters))) end
  end
  add("most power in", band_text(t.bands, t.filters))
  add("share of power", band_text(t.power, 1))
  return list
end

-- ---- The picture of it -----------------------------------------------------------------------------------

-- Low frequencies first.
local function by_frequency(bank)
  local order = {}
  for i in ipairs(bank.frequencies) do order[i] = i end
  table.sort(order, function(a, b)
    local fa, fb = bank.frequencies[a].mean, bank.frequencies[b].mean
    return fa < fb or fa == fb and a < b
  end)
  return order
end

local function framed(t, color)
  local whole = image.canvas(CELL + 2 * FRAME, CELL + 2 * FRAME, color or 1)
  local fitted = image.resize(image.rgb(t), CELL, CELL, { method = "nearest" })
  return image.paste(whole, FRAME + 1, FRAME + 1, fitted)
end

local function cell(bank, i, dead, least)
  local double = bank.duplicates.plain[i]
  local color = dead[i] and DEAD or double and double.cosine >= least and DOUBLE or nil
  return framed(picture(bank, i, 16), color), "#" .. i .. " " .. bank.frequencies[i].band
end

-- The mean spectrum with frequency 0 in the middle, its logarithm.
local function spectrum(bank)
  local s = bank.spectrum
  local n = s:size(1)
  for axis = 1, 2 do s = cat({ s:narrow(axis, n // 2 + 1, n // 2), s:narrow(axis, 1, n // 2) }, axis) end
  local shown = image.colormap(image.stretch((s + 1e-6):log():unsqueeze(1), { method = "minmax" }), "viridis")
  return image.grid({ image.resize(shown, 160, 160, { method = "nearest" }) }, { scale = 1, text = 1,
    labels = { "mean power, 0 in the middle" } })
end

local function text_block(lines, width)
  local canvas = image.canvas(18 * #lines + 4, width)
  for i, line in ipairs(lines) do
    image.text(canvas, 18 * i - 14, 4, line[1], { color = 0.35 })
    image.text(canvas, 18 * i - 14, width - 180, line[2], { color = 0.1 })
  end
  return canvas
end

local function panel(bank, name, least, most)
  local dead, pictures, labels = {}, {}, {}
  for _, i in ipairs(bank.dead or {}) do dead[i] = true end
  for place, i in ipairs(by_frequency(bank)) do
    if place > most then break end
    pictures[place], labels[place] = cell(bank, i, dead, least)
  end
  local grid = image.grid(pictures, { columns = 8, labels = labels, scale = 1, text = 1, gap = 6 })
  local lines = text_block(sheet.lines(sheet.table(bank, least), least), TEXT)
  local whole = stack { grid, stack({ lines, spectrum(bank) }, true) }
  return image.grid({ whole }, { scale = 1, text = 1.2, title = ("%s, %s"):format(name, bank.layer) })
end

-- compare(banks, names, options) --> (3,H,W): banks with their survey side by side, each with its filters
-- from low frequencies to high, red frames around those that never answer and orange ones around
-- near-duplicates, its table and its mean spectrum. options: least = 0.9, the cosine of near-duplicates;
-- most = 64 filters.
function sheet.compare(banks, names, options)
  local panels = {}
  for i, bank in ipairs(banks) do
    panels[i] = panel(bank, names[i], options.least or 0.9, options.most or 64)
  end
  return stack(panels, true)
end

return sheet
