-- How good a classifier is on labelled pictures.
local core = require "switchback.core"
local criterion = require "switchback.criterion"

local measure = {}

local TOP <const> = 5

local function add_confusion(confusion, scores, labels)
  local _, best = scores:topk(1, 2)
  for i = 1, scores:size(1) do
    local row = confusion[math.tointeger(labels[i])]
    local answer = math.tointeger(best[{ i, 1 }])
    row[answer] = (row[answer] or 0) + 1
  end
end

local function add_batch(sum, scores, labels, loss)
  local n, ranks = scores:size(1), core.criterion.ranks(scores, labels)
  sum.n, sum.loss = sum.n + n, sum.loss + loss * n
  for i = 1, n do
    sum.top1 = sum.top1 + (ranks[i] == 1 and 1 or 0)
    sum.top5 = sum.top5 + (ranks[i] <= TOP and 1 or 0)
  end
end

-- measure.classifier(net, loader [, options]) --> { top1 =, top5 = (fractions), loss =, n = }, of an epoch of
-- the loader (data.lua), in evaluation form. options:
--   criterion  default sb.criterion.cross_entropy{}
--   classes    a number: the answer's confusion[label][answer] counts the pictures of each of so many classes
--   progress   function(done, total), called after each batch
function measure.classifier(net, loader, options)
  local o = options or {}
  local loss_of = o.criterion or criterion.cross_entropy {}
  local sum, done = { n = 0, loss = 0, top1 = 0, top5 = 0 }, 0
  for i = 1, o.classes or 0 do
    sum.confusion = sum.confusion or {}
    sum.confusion[i] = {}
  end
  for x, labels in function() return loader:next() end do
    local scores = net:forward(x, { record = false }):scores()
    add_batch(sum, scores, labels, (loss_of(scores, labels, false)))
    if sum.confusion then add_confusion(sum.confusion, scores, labels) end
    done = done + 1
    if o.progress then o.progress(done, loader:steps()) end
    collectgarbage()
  end
  for _, key in ipairs { "loss", "top1", "top5" } do sum[key] = sum[key] / sum.n end
  return sum
end

-- measure.mean(net, loader, criterion) --> { loss = the criterion's mean over an epoch of the loader, n = },
-- in evaluation form, of the net's first output.
function measure.mean(net, loader, criterion_of)
  local sum = { loss = 0, n = 0 }
  for x, targets in function() return loader:next() end do
    local y = net:forward(x, { record = false })[net.outputs[1]]
    sum.n, sum.loss = sum.n + y:size(1), sum.loss + (criterion_of(y, targets, false)) * y:size(1)
    collectgarbage()
  end
  sum.loss = sum.loss / sum.n
  return sum
end

-- The net's class of each class of the data: by label where every one is known, else in order.
local function class_map(net, set)
  local map = {}
  for i, name in ipairs(set.classes) do
    local ok, index = pcall(net.class, net, name)
    map[i] = net.labels and ok and index
    if not map[i] then return nil end
  end
  return map
end

-- The pictures of those classes that the net has labels for; all if it has none of them.
local function known_part(net, set)
  local of_net, known = {}, {}
  for _, label in ipairs(net.labels or {}) do of_net[label] = true end
  for _, name in ipairs(set.classes) do known[#known + 1] = of_net[name] and name or nil end
  return #known > 0 and #known < #set.classes and set:only(known) or set
end

-- A loader whose labels are the net's classes.
local function translated(loader, map)
  if not map then return loader end
  local t = {}
  function t.steps() return loader:steps() end
  function t.next()
    local x, labels = loader:next()
    if not x then return nil end
    for i, label in ipairs(labels) do labels[i] = map[label] end
    return x, labels
  end
  return t
end

local MISTAKES <const> = 5

-- The most frequent confusions, as shares of the true class's pictures.
local function mistakes(confusion, labels)
  local list = {}
  for truth, row in pairs(confusion) do
    local sum = 0
    for _, n in pairs(row) do sum = sum + n end
    for answer, n in pairs(row) do
      if answer ~= truth then
        list[#list + 1] = { share = n / sum, truth = labels[truth], answer = labels[answer], at = truth }
      end
    end
  end
  table.sort(list, function(a, b)
    if a.share ~= b.share then return a.share > b.share end
    return a.at < b.at or a.at == b.at and a.answer < b.answer
  end)
  return table.move(list, 1, math.min(MISTAKES, #list), 1, {})
end

-- measure.data_set(net, set [, { batch = 64, progress = }]) --> what measure.classifier answers for all
-- pictures of a data set, prepared as the net wants them, with `labels` of the net's classes and `mistakes`,
-- the most frequent ones: { share =, truth =, answer = }. Classes that a net with labels has not are left
-- out. Raises if the set has no labels, or more classes than the net.
function measure.data_set(net, set, options)
  local o, p = options or {}, require("switchback.preprocess").complete(net.preprocess or {})
  if not set.classes then error(set.name .. ": its pictures have no classes", 0) end
  set = known_part(net, set)
  local loader = require("switchback.data").batches(set, { batch = o.batch or 64, size = p.size,
    crop = p.crop, channels = p.channels, scale = p.scale, mean = p.mean, std = p.std })
  local shapes = net:shapes()
  local classes = shapes[net:logits()][2]
  if classes < #set.classes then
    error(("%s has %d classes, the net %d"):format(set.name, #set.classes, classes), 0)
  end
  local found = measure.classifier(net, translated(loader, class_map(net, set)),
    { classes = classes, progress = o.progress })
  found.labels = {}
  for i = 1, classes do found.labels[i] = net.labels and net:label(i) or set.classes[i] or net:label(i) end
  found.mistakes = mistakes(found.confusion, found.labels)
  return found
end

return measure
