-- The most probable classes, as a table that prints well.
local top = {}

local Top = {}

-- One line a class: "0.4854  285  Egyptian cat".
function Top.__tostring(list)
  local lines = {}
  for i, class in ipairs(list) do
    lines[i] = ("%7.4f  %4d  %s"):format(class.p, class.index, class.label)
  end
  return table.concat(lines, "\n")
end

-- classes(probabilities, k, net) --> { {index =, label =, p =}... }, best first; probabilities is (classes).
function top.classes(probabilities, k, net)
  local values, indices = probabilities:topk(math.min(k, probabilities:count()))
  local list = setmetatable({}, Top)
  for i, p in ipairs(values:totable()) do
    local index = math.tointeger(indices[i])
    list[i] = { index = index, label = net:label(index), p = p }
  end
  return list
end

return top
