-- Top 9: for each channel of a layer the pictures of a data set that move it most, as patches of what it sees
-- there and as projections back to pixels (Zeiler & Fergus 2014, section 4.1, figure 2).
local check = require "switchback.check"
local field = require "switchback.field"
local probe = require "switchback.probe"
local stage_maps = require "switchback.stage_maps"
local strongest = require "switchback.strongest"

local OPTIONS = { layers = false, channels = false, most = 6, strongest = 9, rule = "deconv", batch = 16,
                  index = false, progress = false }

-- Numbers of the channels that some picture moved above 0.
local function active(lists)
  local found = {}
  for c, list in ipairs(lists) do
    if list[1] and list[1].activation > 0 then found[#found + 1] = c end
  end
  return found
end

-- So many of a list, from the middles of equal parts.
local function spread(list, most)
  local n, some = math.min(#list, most), {}
  for i = 1, n do some[i] = list[math.floor((i - 0.5) * #list / n) + 1] end
  return some
end

-- A layer's own list of the channels that were asked for.
local function checked(channels, lists, layer)
  for _, c in ipairs(channels) do
    if not lists[c] then
      error(("top9: channel %d is out of range: '%s' has %d"):format(c, layer, #lists), 0)
    end
  end
  return table.move(channels, 1, #channels, 1, {})
end

-- The receptive field of a position in pixels, or all of a map t (C,H,W).
local function box_of(f, entry, t)
  if not f then return { top = 1, left = 1, bottom = t:size(2), right = t:size(3) } end
  local top, left, bottom, right = field.box(f, entry.y, entry.x)
  return { top = math.floor(top), left = math.floor(left), bottom = math.ceil(bottom),
           right = math.ceil(right) }
end

-- One picture's part of a channel: what the position sees, and what it projects back to.
local function shown(net, set, layer, channel, entry, f, rule)
  local picture, message = set:picture(entry.picture)
  local x = net:prepare(picture or error(message, 0))
  local pass = net:forward(x, { upto = layer })
  local back = net:gradient_to_image(pass:backward { from = layer, channel = channel,
    keep = { entry.y, entry.x }, rule = rule })
  local box = box_of(f, entry, back)
  local view, smaller = probe.view(back, box)
  return { picture = entry.picture, y = entry.y, x = entry.x, activation = entry.activation, box = box,
           view = smaller and view or nil, patch = probe.patch(net:to_image(x), view),
           projection = probe.patch(back, view, 0) }
end

local function show_channel(net, set, layer, channel, list, f, o, told)
  local pictures = {}
  for _, entry in ipairs(list) do
    if entry.activation > 0 then
      pictures[#pictures + 1] = shown(net, set, layer, channel, entry, f, o.rule)
    end
    told()
  end
  return { channel = channel, pictures = pictures }
end

-- top9(net, set, options) --> list of { layer =, count = its channels, active = those that some picture moves
--   above 0, channels = list of { channel =, pictures = list of { picture = its number in the set,
--   activation =, y =, x = where in the layer's map, box = the receptive field there in pixels of the input
--   (may reach beyond it), view = what is shown instead where the field is all of the input: the smallest
--   square with 90 % of the projection's energy, patch = (3,h,w) of the input in that box (grey beyond its
--   edges), projection = the same of what the activation projects back to, signed } } }
-- set: as sb.data.open opens it; it is read once. Pictures that do not move a channel are left out. options:
--   layers     list of names; default: five, see stage_maps.sizes
--   channels   list of those to show of each layer; default `most` = 6 active ones, evenly spaced
--   strongest  = 9 pictures of each;  rule = "deconv": how to walk back
--   batch, index: see strongest.of;  progress: function(what) --> function(done, total)
return function(net, set, options)
  local o = check.options("top9", options, OPTIONS)
  local layers = o.layers or stage_maps.sizes(net)
  local found = strongest.of(net, set, { layers = layers, most = o.strongest, batch = o.batch,
    index = o.index, progress = o.progress and o.progress "pictures" })
  local fields, result, total = net:fields(), {}, 0
  for i, layer in ipairs(layers) do
    local moved = active(found[layer])
    local channels = o.channels and checked(o.channels, found[layer], layer) or spread(moved, o.most)
    result[i] = { layer = layer, count = #found[layer], active = #moved, channels = channels }
    for _, c in ipairs(channels) do total = total + #found[layer][c] end
  end
  local progress, done = o.progress and o.progress "projections", 0
  local function told()
    done = done + 1
    if progress then progress(done, total) end
  end
  for _, r in ipairs(result) do
    for i, c in ipairs(r.channels) do
      local list, f = found[r.layer][c], fields[net:value(r.layer)]
      r.channels[i] = show_channel(net, set, r.layer, c, list, f, o, told)
    end
  end
  return result
end
