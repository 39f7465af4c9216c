-- What methods that explain a class share: the class, its scores and their gradients.
local check = require "switchback.check"
local image = require "switchback.image"
local merged = require "switchback.merged"
local seed = require "switchback.seed"

local explain = {}

-- class(net, pass [, which]) --> { index =, label =, p =: its probability for the first image };
-- `which` is an index or label, default the most probable.
function explain.class(net, pass, which)
  local index = which and net:class(which) or pass:top(1)[1].index
  local classes = pass:scores():size(2)
  if index > classes then error(("class %d is out of range: the net has %d"):format(index, classes), 0) end
  return { index = index, label = net:label(index), p = pass:probabilities()[{ 1, index }] }
end

-- title(class) --> "tabby (class 282, p 0.238)": the first of the class's names.
function explain.title(class)
  return ("%s (class %d, p %.3f)"):format(class.label:match "^[^,]*", class.index, class.p)
end

-- gradient(net, x, index [, options]) --> derivative of each image's score of the class, before softmax, by
-- its input, like x (N,C,H,W); scores (N). options: rule, lrn, overlap, as for pass:backward.
function explain.gradient(net, x, index, options)
  local pass, logits = net:forward(x), net:logits()
  local seeds = { [logits] = seed.class(pass[logits], index) }
  return pass:backward(merged({ seeds = seeds }, options)), pass:scores():select(2, index)
end

-- batches(net, count, most) --> iterator of first, n: 1..count in runs of at most `most`, or of the batch
-- that the net's input declares.
function explain.batches(net, count, most)
  local declared = net.inputs[1].shape[1]
  local size = declared > 0 and declared or most
  local done = 0
  return function()
    if done >= count then return nil end
    local first, n = done + 1, math.min(size, count - done)
    done = done + n
    return first, n
  end
end

local LEVELS = { black = 0, grey = 0.5, white = 1 }

-- baseline(net, x, which) --> input like x (1,C,H,W) that shows nothing: "black", "grey" or "white", a
-- picture of that colour; "mean", what the network takes as zero; or a picture (C,h,w), which is prepared.
function explain.baseline(net, x, which)
  if which == "mean" then return x * 0 end
  if type(which) == "userdata" then
    local t = net:prepare(which)
    local got, want = table.concat(t:size(), "x"), table.concat(x:size(), "x")
    if got ~= want then error(("the baseline is %s, the input %s"):format(got, want), 0) end
    return t
  end
  check.choice("explain", "baseline", which, { "black", "grey", "white", "mean" })
  return net:prepare(image.canvas(x:size(3), x:size(4), LEVELS[which]))
end

-- map_layer(net) --> name of the last value with maps of more than one position.
function explain.map_layer(net)
  local shapes = net:shapes()
  local names = net:names()
  for i = #names, 1, -1 do
    local shape = shapes[names[i]]
    if #shape == 4 and shape[3] * shape[4] > 1 then return names[i] end
  end
  error("the net has no layer with maps", 0)
end

-- The forms of a map of pixels (C,H,W): "max", the largest magnitude over the colours (Simonyan et al. 2014,
-- section 3.1), (1,H,W); "signed", as it is.
explain.forms = { "max", "signed" }

-- in_form(map, form) --> the map in that form.
function explain.in_form(map, form)
  if form == "max" then return (map:abs():max(1, true)) end
  return map
end

return explain
