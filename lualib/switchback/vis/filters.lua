-- Filters: the weights of a convolution, as pictures, and what is wrong with them.
local check = require "switchback.check"
local filter_survey = require "switchback.filter_survey"

local function is_convolution(node)
  return type(node.layer) ~= "function" and node.layer.kind == "conv2d"
end

local function first_convolution(net)
  for _, node in ipairs(net.order) do
    if is_convolution(node) then return node end
  end
  error("filters: the net has no convolution", 0)
end

-- The convolution that makes a layer's value; a rectifier stands for the convolution before it.
local function convolution(net, name)
  local node = net:node(name)
  if not is_convolution(node) then node = net.made[node.inputs[1]] or node end
  if not is_convolution(node) then error(("filters: '%s' is no convolution"):format(name), 0) end
  return node
end

-- What is wrong with the bank: see filter_survey.lua.
local function survey(bank, net, set, o)
  bank.duplicates = filter_survey.duplicates(bank.weight, bank.in_color)
  bank.frequencies, bank.spectrum = filter_survey.frequencies(bank.weight)
  if set then bank.dead, bank.most = filter_survey.dead(net, bank.layer, set, o.progress) end
  return bank
end

-- filters(net, set (or nil), options) --> { layer =: the convolution's name,
--   weight = (O,I,h,w), in_color =: whether the filters look at pixels,
--   filters = list of O tensors: (3,h,w) in RGB where they look at colors, else (I,h,w);
--   and with `survey`: duplicates =, frequencies =, spectrum = as filter_survey.lua finds them, and of a
--   set of pictures (as sb.data.open opens it) dead = list of the filters that are above 0 nowhere in it,
--   most = the strongest activation of each }
-- options: layer, the name of a convolution, or of the rectifier after it; default the first.
--   survey = false;  progress: function(done, total), of pictures
return function(net, set, options)
  local o = check.options("filters", options, { layer = false, survey = false, progress = false })
  local node = o.layer and convolution(net, o.layer) or first_convolution(net)
  local weight = node.layer.params.weight
  local reads_input = node.inputs[1] == net.inputs[1].name and weight:size(2) == 3
  local list = {}
  for i = 1, weight:size(1) do
    local filter = weight:select(1, i)
    list[i] = reads_input and net:gradient_to_image(filter) or filter
  end
  local bank = { layer = node.outputs[1], weight = weight, in_color = reads_input, filters = list }
  return o.survey and survey(bank, net, set, o) or bank
end
