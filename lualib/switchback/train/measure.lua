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

return measure
