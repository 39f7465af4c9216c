-- The history of a training run as files: a table of numbers, and its curves.
local file = require "switchback.file"
local usual = require("switchback.train.checkpoint").columns

local record = {}

local function cell(value)
  if not value then return "" end
  return math.type(value) == "integer" and ("%d"):format(value) or ("%.6g"):format(value)
end

-- csv(history [, columns]) --> text: a row an epoch, below the names of the columns.
function record.csv(history, columns)
  columns = columns or usual
  local lines = { table.concat(columns, ",") }
  for i, row in ipairs(history) do
    local cells = {}
    for k, column in ipairs(columns) do cells[k] = cell(row[column]) end
    lines[i + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

-- series(history, column, name [, scale = 1 [, x = "epoch"]]) --> a curve of sb.plot: a column by another.
function record.series(history, column, name, scale, x)
  local points = {}
  for _, row in ipairs(history) do
    if row[column] then points[#points + 1] = { row[x or "epoch"], (scale or 1) * row[column] } end
  end
  return { name = name, points = points }
end

local series = record.series

-- charts(history) --> list of charts for sb.plot.curves: losses and accuracies by epoch.
function record.charts(history)
  return {
    { title = "loss", x = "epoch",
      series = { series(history, "loss", "training"), series(history, "validation_loss", "validation") } },
    { title = "accuracy in %", x = "epoch",
      series = { series(history, "accuracy", "training", 100),
                 series(history, "top1", "validation top-1", 100),
                 series(history, "top5", "validation top-5", 100) } },
  }
end

-- write(stem, history, columns or nil, charts) writes STEM.csv, STEM.svg and STEM.png. Raises if it cannot.
function record.write(stem, history, columns, charts)
  local plot = require "switchback.plot"
  assert(file.write(stem .. ".csv", record.csv(history, columns)))
  assert(file.write(stem .. ".svg", plot.svg(charts)))
  assert(require("switchback.image").save(stem .. ".png", plot.curves(charts)))
end

return record
