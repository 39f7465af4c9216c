-- The shape of a network: which node makes which value, and in what order they can run.
local suggest = require "switchback.suggest"

local graph = {}

local function check_node(node, i, seen)
  if type(node.name) ~= "string" then error(("net: node %d has no name"):format(i), 0) end
  if seen[node.name] then error(("net: two nodes are named '%s'"):format(node.name), 0) end
  if not node.layer then error(("net: node '%s' has no layer"):format(node.name), 0) end
  seen[node.name] = true
  node.outputs = node.outputs or { node.name }
end

-- producers(description) --> { [value] = node }; false marks inputs and constants.
function graph.producers(description)
  local made, seen = {}, {}
  for _, input in ipairs(description.inputs) do made[input.name] = false end
  for name in pairs(description.constants or {}) do made[name] = false end
  for i, node in ipairs(description.nodes) do
    check_node(node, i, seen)
    for _, value in ipairs(node.outputs) do
      if made[value] ~= nil then error(("net: value '%s' is made twice"):format(value), 0) end
      made[value] = node
    end
  end
  return made
end

local function missing_input(node, value, made)
  local known = {}
  for name in pairs(made) do known[#known + 1] = name end
  table.sort(known)
  error(("net: node '%s' reads '%s', which nothing makes%s")
    :format(node.name, value, suggest.hint(value, known)), 0)
end

-- sorted(nodes, made) --> the nodes in an order in which each comes after those it reads from; nodes
-- that could run keep their given order. Raises for a cycle or a value that nothing makes.
function graph.sorted(nodes, made)
  local order, state = {}, {}
  local function visit(node)
    if state[node] == "done" then return end
    if state[node] then error(("net: node '%s' is part of a cycle"):format(node.name), 0) end
    state[node] = "open"
    for _, value in ipairs(node.inputs) do
      local maker = made[value]
      if maker == nil then missing_input(node, value, made) end
      if maker then visit(maker) end
    end
    state[node] = "done"
    order[#order + 1] = node
  end
  for _, node in ipairs(nodes) do visit(node) end
  return order
end

-- ancestors(made, values) --> set of the nodes that `values` (a list) depend on.
function graph.ancestors(made, values)
  local needed = {}
  local function visit(value)
    local node = made[value]
    if not node or needed[node] then return end
    needed[node] = true
    for _, input in ipairs(node.inputs) do visit(input) end
  end
  for _, value in ipairs(values) do visit(value) end
  return needed
end

-- descendants(order, values [, starts]) --> set of the nodes that depend on one of `values` or are or depend
-- on one for which starts(node), and of the values.
function graph.descendants(order, values, starts)
  local nodes, reached = {}, {}
  for _, value in ipairs(values) do reached[value] = true end
  for _, node in ipairs(order) do
    if starts and starts(node) then nodes[node] = true end
    for _, input in ipairs(node.inputs) do
      if reached[input] then nodes[node] = true end
    end
    if nodes[node] then
      for _, output in ipairs(node.outputs) do reached[output] = true end
    end
  end
  return nodes, reached
end

return graph
