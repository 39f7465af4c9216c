-- How well the features of a net's layers separate classes that it was not trained for (Zeiler & Fergus 2014,
-- section 5.2 and tables 4 to 7): a linear classifier is trained on the features of a few pictures of each
-- class and tested on others, for a pretrained net and for the same one with random weights.
local check = require "switchback.check"
local classifier = require "switchback.classifier"
local features = require "switchback.features"
local file = require "switchback.file"

local generalize = {}

local OPTIONS = { layers = false, counts = { 15, 30 }, folds = 3, classifiers = { "svm", "softmax" },
  random = true, seed = 0, grid = 3, svm_cost = 1, softmax_cost = 10, progress = false }
local LAYERS <const> = 6

-- Some stages of the net, first to last, but for its output: as many as LAYERS, evenly chosen.
local function some_stages(net)
  local all, chosen = require "switchback.stages"(net), {}
  if all[#all] == net.outputs[1] or all[#all] == net:logits() then table.remove(all) end
  local n = math.min(LAYERS, #all)
  for i = 1, n do chosen[i] = all[n == 1 and #all or 1 + (i - 1) * (#all - 1) // (n - 1)] end
  return chosen
end

-- ---- Folds -----------------------------------------------------------------------------------------------

local function check_counts(set, counts)
  local have = {}
  for _, label in ipairs(set.labels) do have[label] = (have[label] or 0) + 1 end
  for _, count in ipairs(counts) do
    check.integer("generalize", "a count", count, 1)
    for label, name in ipairs(set.classes) do
      if (have[label] or 0) <= count then
        error(("generalize: class '%s' has %d pictures, %d to train on leave none to test"):format(name,
          have[label] or 0, count), 0)
      end
    end
  end
end

-- Rows to train and to test on: `count` of each class, drawn anew for each fold, and all others.
local function fold_of(set, count, seed)
  local place, train, test = {}, {}, {}
  for row, i in ipairs(set.index) do place[i] = row end
  local a, b = set:split(count, seed)
  for k, i in ipairs(a.index) do train[k] = place[i] end
  for k, i in ipairs(b.index) do test[k] = place[i] end
  return train, test
end

local function statistics(values)
  local sum, squares, n = 0, 0, #values
  for _, v in ipairs(values) do sum = sum + v end
  for _, v in ipairs(values) do squares = squares + (v - sum / n) ^ 2 end
  return { mean = sum / n, deviation = n > 1 and math.sqrt(squares / (n - 1)) or 0 }
end

local function accuracies(products, set, kind, count, o)
  local found, cost = {}, o[kind .. "_cost"]
  for fold = 1, o.folds do
    local train, test = fold_of(set, count, o.seed * 1000 + fold)
    found[fold] = classifier.accuracy(kind, products, set.labels, train, test, #set.classes, cost)
  end
  return statistics(found)
end

-- ---- Nets ------------------------------------------------------------------------------------------------

-- Adds a result to each row of the table: weights = "pretrained" | "random".
local function measure(net, set, rows, weights, o)
  local progress = o.progress and function(done, total) o.progress(weights, done, total) end
  local found = features.of_layers(net, set, o.layers, { grid = o.grid, progress = progress })
  local products = {}
  for _, row in ipairs(rows) do
    if not products[row.layer] then
      row.features = found[row.layer]:size(2)
      products[row.layer], found[row.layer] = classifier.products(found[row.layer]), nil
    end
    row[weights] = accuracies(products[row.layer], set, row.classifier, row.count, o)
  end
end

local function rows_of(o)
  local rows = {}
  for _, layer in ipairs(o.layers) do
    for _, kind in ipairs(o.classifiers) do
      for _, count in ipairs(o.counts) do
        rows[#rows + 1] = { layer = layer, classifier = kind, count = count }
      end
    end
  end
  return rows
end

--- run(net, set [, options]) --> list of { layer =, classifier =, count =, pretrained = { mean =,
-- deviation = }, random = the same }: the mean over folds, and its sample deviation, of the mean over classes
-- of the share of test pictures that got their class. set: a labelled data set.
-- options:
--   layers        list of names (default: up to 6 stages)
--   counts        { 15, 30 }: pictures of each class to train on; all others are tested
--   folds         3: draws of the pictures to train on
--   classifiers   { "svm", "softmax" }, see classifier.lua
--   svm_cost, softmax_cost   1 and 10: weight of the training errors against |w|^2/2
--   random        true: also for the net with random weights (He et al. 2015), drawn from seed
--   grid          3: maps are averaged over grid x grid areas; 0: as they are
--   seed          0: of folds and random weights
--   progress      function(weights, done, total), of the pictures that went through the net
-- Features are centred on the training pictures' mean and scaled to length 1 (the paper tells nothing of it).
function generalize.run(net, set, options)
  local o = check.options("generalize", options, OPTIONS)
  if not set.labels then error("generalize: the pictures have no classes", 2) end
  for _, kind in ipairs(o.classifiers) do
    check.choice("generalize", "classifier", kind, { "svm", "softmax" })
  end
  check.integer("generalize", "folds", o.folds, 1)
  check_counts(set, o.counts)
  o.layers = o.layers or some_stages(net)
  local rows = rows_of(o)
  measure(net, set, rows, "pretrained", o)
  if o.random then measure(net:reset { seed = o.seed }, set, rows, "random", o) end
  return rows
end

-- ---- Charts ----------------------------------------------------------------------------------------------

-- What differs among the rows in a field, in order.
local function distinct(rows, field)
  local seen, list = {}, {}
  for _, row in ipairs(rows) do
    if not seen[row[field]] then
      seen[row[field]] = true
      table.insert(list, row[field])
    end
  end
  return list
end

-- The accuracies of a classifier in percent, by layer, for a count of pictures and the weights.
local function series_of(rows, kind, count, weights)
  local s = { name = ("%s, %d a class"):format(weights, count), values = {} }
  for _, row in ipairs(rows) do
    if row.classifier == kind and row.count == count then
      table.insert(s.values, { mean = 100 * row[weights].mean, deviation = 100 * row[weights].deviation })
    end
  end
  return s
end

local function chart(rows, kind, counts)
  local c = { title = kind .. ": classes told right", x = "% right, +- deviation over folds",
              labels = distinct(rows, "layer"), series = {} }
  for _, weights in ipairs { "pretrained", "random" } do
    for k = 1, rows[1][weights] and math.min(2, #counts) or 0 do -- four series at most
      table.insert(c.series, series_of(rows, kind, counts[k], weights))
    end
  end
  return c
end

--- charts(rows) --> list of charts of points for sb.plot.curves, one for each classifier, of what run
-- answered: of the first two counts.
function generalize.charts(rows)
  local charts = {}
  for i, kind in ipairs(distinct(rows, "classifier")) do
    charts[i] = chart(rows, kind, distinct(rows, "count"))
  end
  return charts
end

--- write(path, rows) --> the names of two files that it writes: the charts as a picture, and as .svg beside
-- it. Raises if it cannot.
function generalize.write(path, rows)
  local charts, plot = generalize.charts(rows), require "switchback.plot"
  local height = require("switchback.plot.points").height(#charts[1].labels, #charts[1].series)
  local size, svg = { width = 760, height = height, columns = 1 }, path:gsub("%.[^.]*$", ".svg")
  assert(file.make_folders(require("switchback.paths").folder(path)))
  assert(require("switchback.image").save(path, plot.curves(charts, size)))
  assert(file.write(svg, plot.svg(charts, size)))
  return { path, svg }
end

return generalize
