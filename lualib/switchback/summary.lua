-- print(net): a table of name, kind, output shape, parameters and receptive field.
local field = require "switchback.field"

local summary = {}

-- parameters(layer) --> the number of elements of its tensors.
function summary.parameters(layer)
  local total = 0
  if type(layer) == "function" then return 0 end
  for _, t in pairs(layer.params) do total = total + t:count() end
  return total
end

local function pair_text(pair)
  local format = pair[1] == pair[2] and "%g" or "%gx%g"
  return format:format(pair[1], pair[2])
end

local function field_text(f)
  if f == nil then return "" end
  local s = field.summary(f)
  if not s then return "all" end
  return ("%s /%s @%s"):format(pair_text(s.size), pair_text(s.stride), pair_text(s.offset))
end

local function row(net, node, shapes, layers, fields)
  local count = summary.parameters(layers[node])
  return { node.outputs[1], layers[node].kind, net.shape_text(shapes[node.outputs[1]]),
           count > 0 and tostring(count) or "", field_text(fields[node.outputs[1]]) }
end

local function layout(rows)
  local width = {}
  for _, r in ipairs(rows) do
    for i, cell in ipairs(r) do width[i] = math.max(width[i] or 0, #cell) end
  end
  local lines = {}
  for n, r in ipairs(rows) do
    lines[n] = ("%-" .. width[1] .. "s  %-" .. width[2] .. "s  %-" .. width[3] .. "s  %" ..
      width[4] .. "s  %s"):format(table.unpack(r)):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

-- text(net) --> the table; the field column reads "size /stride @first pixel".
function summary.text(net)
  local rows = { { "name", "kind", "output", "parameters", "field /stride @offset" } }
  local shapes, layers = net:shapes()
  local fields = net:fields()
  for _, input in ipairs(net.inputs) do
    rows[#rows + 1] = { input.name, "input", net.shape_text(shapes[input.name]), "", "" }
  end
  for _, node in ipairs(net.order) do rows[#rows + 1] = row(net, node, shapes, layers, fields) end
  return ("%s\n%d layers, %d parameters%s"):format(layout(rows), #net.order, net:parameter_count(),
    net.source and ", from " .. net.source or "")
end

return summary
