-- sb.occlude: slide a patch over the input and watch what changes (Zeiler & Fergus 2013, section 4.2).
local occlude = {}

local function pair(value) return type(value) == "table" and value or { value, value } end

-- Top left corners (1-based): every stride pixels, and a last one flush with the edge.
local function starts(extent, size, stride)
  local list = {}
  for at = 1, math.max(extent - size, 0) + 1, stride do list[#list + 1] = at end
  return list
end

local fills = {}
-- Zero of the network's input: the mean pixel for nets that subtract one, otherwise see `grey`.
function fills.mean(_, input) return input * 0 + input:mean(4, true):mean(3, true) end
-- Mid-grey pixels, as the network sees them.
function fills.grey(net, input)
  local size = input:size()
  if not net.preprocess then return input * 0 end
  local image = require("switchback").full({ 3, size[3], size[4] }, 0.5)
  return net:prepare(image):reshape(1, size[2], size[3], size[4])
end

-- The tensor like the input that patches show: a name of `fills`, a number, or a tensor.
local function filling(net, input, fill)
  fill = fill or "grey"
  if type(fill) == "number" then return input * 0 + fill end
  if type(fill) == "userdata" then return fill end
  if not fills[fill] then error(("occlude: unknown fill '%s' (known: grey, mean)"):format(fill), 0) end
  return fills[fill](net, input)
end

local function covered(input, patch, y, x, size)
  local out = input:clone()
  local maps, source = out:select(1, 1), patch:select(1, 1)
  local last_y = math.min(y + size[1] - 1, maps:size(2))
  local last_x = math.min(x + size[2] - 1, maps:size(3))
  for c = 1, maps:size(1) do
    for row = y, last_y do
      local to, from = maps[c][row], source[c][row]
      to:narrow(1, x, last_x - x + 1):copy_(from:narrow(1, x, last_x - x + 1))
    end
  end
  return out
end

-- watch entries: { class = which } reads the class's probability; { layer = name, channel = c } the sum of
-- that channel's map; { layer = name } the sum of all.
local function reader(net, watch)
  if watch.class then
    local index = net:class(watch.class)
    return function(pass, n) return pass:probabilities()[{ n, index }] end
  end
  return function(pass, n)
    local maps = pass[watch.layer]:select(1, n)
    return (watch.channel and maps[watch.channel] or maps):sum()
  end
end

local function upto(net, watches)
  local names = {}
  for i, watch in ipairs(watches) do names[i] = watch.layer or net:logits() end
  return names
end

-- occlude{ net =, input = (1,C,H,W), size = 32, stride = 8, fill = "grey" | "mean" | number | tensor,
--   watch = { {class =} | {layer =, channel =}... }, batch = 16, progress = function(done, total) }
-- --> one tensor (rows, columns) for each watch, each entry what was read with the patch there. size and
-- stride are pixels, a number or {h, w}. Each position is recomputed in full, `batch` at a time.
function occlude.run(options)
  local sb = require "switchback"
  local net, input = options.net, options.input
  local size, stride = pair(options.size or 32), pair(options.stride or 8)
  local ys = starts(input:size(3), size[1], stride[1])
  local xs = starts(input:size(4), size[2], stride[2])
  local patch, batch = filling(net, input, options.fill), options.batch or 16
  local maps, readers = {}, {}
  for i, watch in ipairs(options.watch) do
    maps[i], readers[i] = sb.zeros(#ys * #xs), reader(net, watch)
  end
  for first = 1, #ys * #xs, batch do
    local last, images = math.min(first + batch - 1, #ys * #xs), {}
    for at = first, last do
      local y, x = ys[(at - 1) // #xs + 1], xs[(at - 1) % #xs + 1]
      images[#images + 1] = covered(input, patch, y, x, size)
    end
    local pass = net:forward(sb.cat(images, 1), { upto = upto(net, options.watch), record = false })
    for i, read in ipairs(readers) do
      for at = first, last do maps[i][at] = read(pass, at - first + 1) end
    end
    if options.progress then options.progress(last, #ys * #xs) end
  end
  for i, map in ipairs(maps) do maps[i] = map:reshape(#ys, #xs) end
  return maps
end

return occlude
