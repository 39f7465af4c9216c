-- The stages of a net (stages.lua) that answer with maps of their own: those above 1x1 that no pooling made.
local stage_maps = {}

local pooling = { maxpool = true, avgpool = true, global_avgpool = true, global_maxpool = true }

-- all(net) --> list of their names, first to last; { [name] = shape } for one image.
function stage_maps.all(net)
  local shapes, names = net:shapes(), {}
  for _, name in ipairs(require "switchback.stages"(net)) do
    local size = shapes[name]
    local has_maps = #size == 4 and size[3] * size[4] > 1
    if has_maps and not pooling[net:node(name).layer.kind] then names[#names + 1] = name end
  end
  return names, shapes
end

-- sizes(net [, most = 5]) --> all of them if there are no more than that; else the last at each size of map,
-- at most so many: the last ones.
function stage_maps.sizes(net, most)
  local names, shapes = stage_maps.all(net)
  local list, last = {}, nil
  most = most or 5
  if #names <= most then return names end
  for _, name in ipairs(names) do
    local size = shapes[name]
    local same = last and last[3] == size[3] and last[4] == size[4]
    list[same and #list or #list + 1], last = name, size
  end
  return table.move(list, math.max(1, #list - most + 1), #list, 1, {})
end

return stage_maps
