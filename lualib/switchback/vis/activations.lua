-- Activations: what each channel of a layer answers to an image.
local check = require "switchback.check"

local OPTIONS = { layer = false, most = 64, order = "strongest" }

local function sorted_channels(peaks, order)
  local channels = {}
  if order == "index" then
    for c = 1, peaks:count() do channels[c] = c end
    return channels
  end
  local _, positions = peaks:topk(peaks:count())
  for i, c in ipairs(positions:totable()) do channels[i] = math.tointeger(c) end
  return channels
end

-- activations(net, image (C,H,W), options) --> { input = (C,h,w) what the network saw, layer =,
--   count =: the layer's channels, maps = list of { channel =, peak =: the largest value, map = (h,w) } }
-- options: layer, its name (required); order "strongest" (default: by peak) or "index"; most, how many (64).
return function(net, image, options)
  local o = check.options("activations", options, OPTIONS)
  check.choice("activations", "order", o.order, { "strongest", "index" })
  if not o.layer then error("activations: say which layer", 2) end
  local x = net:prepare(image)
  local values = net:forward(x, { upto = o.layer, record = false })[o.layer]
  if values:dim() ~= 4 then error(("activations: '%s' has no maps"):format(o.layer), 2) end
  values = values:select(1, 1)
  local peaks = values:reshape(values:size(1), -1):max(2)
  local maps = {}
  for i, channel in ipairs(sorted_channels(peaks, o.order)) do
    if i > o.most then break end
    maps[i] = { channel = channel, peak = peaks[channel], map = values:select(1, channel) }
  end
  return { input = net:to_image(x), layer = o.layer, count = values:size(1), maps = maps }
end
