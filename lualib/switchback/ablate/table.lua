-- The table of an ablation (ablate.lua): as lines of text, as CSV, and as a chart.
local file = require "switchback.file"
local image = require "switchback.image"
local plot = require "switchback.plot"

local out = {}

local COLUMNS <const> = { "train", "top1", "top5" }
local TITLES <const> = { train = "training error", top1 = "validation top-1 error",
                         top5 = "validation top-5 error" }

local function percent(s)
  if not s then return "no result" end
  return ("%5.1f"):format(100 * s.mean) .. (s.deviation and (" +- %.1f"):format(100 * s.deviation) or "")
end

local function counted(row)
  local n = 0
  for _, run in ipairs(row.runs) do n = n + (run.failed and 0 or 1) end
  return n
end

--- run(variant, run) --> a line: what one training came to, errors in percent.
function out.run(variant, run)
  if run.failed then return ("%s, seed %d: %s"):format(variant.name, run.seed, run.failed) end
  return ("%s, seed %d: train %.1f, top-1 %.1f, top-5 %.1f"):format(variant.name, run.seed, 100 * run.train,
    100 * run.top1, 100 * run.top5)
end

--- lines(rows) --> list of lines: errors in percent, mean +- deviation over the seeds.
function out.lines(rows)
  local width = 7
  for _, row in ipairs(rows) do width = math.max(width, #row.variant) end
  local format = "%-" .. width .. "s  %11s  %7s  %5s  %-12s  %-12s  %s"
  local lines = { format:format("variant", "parameters", "MFLOP", "seeds", "train error", "top-1 error",
    "top-5 error") }
  for i, row in ipairs(rows) do
    lines[i + 1] = format:format(row.variant, row.parameters, ("%.1f"):format(row.flop / 1e6), counted(row),
      percent(row.train), percent(row.top1), percent(row.top5))
  end
  return lines
end

local function cell(value) return value and ("%.6g"):format(value) or "" end

--- csv(rows) --> text: errors as fractions, an empty cell where there is none.
function out.csv(rows)
  local lines = { "variant,parameters,flop,seeds,train,train_deviation,top1,top1_deviation," ..
    "top5,top5_deviation" }
  for i, row in ipairs(rows) do
    local cells = { row.variant, row.parameters, ("%.0f"):format(row.flop), counted(row) }
    for _, key in ipairs(COLUMNS) do
      local s = row[key] or {}
      cells[#cells + 1] = cell(s.mean)
      cells[#cells + 1] = cell(s.deviation)
    end
    lines[i + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

local function label(row)
  local n = row.parameters
  local count = n < 1e4 and n or n < 1e6 and ("%.0f k"):format(n / 1e3) or ("%.2f M"):format(n / 1e6)
  return ("%s, %s"):format(image.elide(row.variant, 250), count)
end

--- chart(rows) --> a chart of points for sb.plot.curves and sb.plot.svg.
function out.chart(rows)
  local labels, series = {}, {}
  for i, row in ipairs(rows) do labels[i] = label(row) end
  for k, key in ipairs(COLUMNS) do
    series[k] = { name = TITLES[key], values = {} }
    for i, row in ipairs(rows) do
      local s = row[key]
      series[k].values[i] = s and { mean = 100 * s.mean, deviation = 100 * (s.deviation or 0) }
    end
  end
  return { title = "errors by variant and its parameters, +- deviation over seeds", x = "error in %",
           labels = labels, series = series }
end

--- write(stem, rows) --> list of the files written: STEM.csv, .svg and .png. Raises if it cannot.
function out.write(stem, rows)
  local charts = { out.chart(rows) }
  local size = { width = 820, height = require("switchback.plot.points").height(#rows, #COLUMNS) }
  assert(file.write(stem .. ".csv", out.csv(rows)))
  assert(file.write(stem .. ".svg", plot.svg(charts, size)))
  assert(image.save(stem .. ".png", plot.curves(charts, size)))
  return { stem .. ".csv", stem .. ".svg", stem .. ".png" }
end

return out
