-- The history of a training run as files: a table of numbers, and its curves.
local file = require "switchback.file"
local columns = require("switchback.train.checkpoint").columns

local record = {}

local function cell(value)
  if not value then return "" end
  return math.type(value) == "integer" and ("%d"):format(value) or ("%.6g"):format(value)
end

-- csv(history) --> text: a row an epoch, below the names of the columns.
function record.csv(history)
  local lines = { table.concat(columns, ",") }
  for i, row in ipairs(history) do
    local cells = {}
    for k, column in ipairs(columns) do cells[k] = cell(row[column]) end
    lines[i + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

local function series(history, column, name, scale)
  local points = {}
  for _, row in ipairs(history) do
    if row[column] then points[#points + 1] = { row.epoch, (scale or 1) * row[column] } end
  end
  return { name = name, points = points }
end

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

-- write(stem, history) writes STEM.csv, STEM.svg and STEM.png. Raises if it cannot.
function record.write(stem, history)
  local plot = require "switchback.plot"
  local charts = record.charts(history)
  assert(file.write(stem .. ".csv", record.csv(history)))
  assert(file.write(stem .. ".svg", plot.svg(charts)))
  assert(require("switchback.image").save(stem .. ".png", plot.curves(charts)))
end

return record
