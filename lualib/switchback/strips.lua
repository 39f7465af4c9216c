-- Nets that turn a picture into a picture, run on a few rows at a time so that large pictures fit memory. A
-- strip is computed with a halo, the rows beside it that its result depends on, so no seam can appear.
local strips = {}

-- geometry(net) --> { period =, halo = } in rows of the input, nil, reason. Strips start a whole number of
-- periods (the largest stride in the net) below the top and see `halo` rows beyond their own on either side.
-- nil where the output depends on the whole picture, as after instance normalisation, or is not one pixel for
-- each of the input's.
function strips.geometry(net)
  local fields, period = net:fields(), 1
  local f = fields[net.outputs[1]]
  if not f then return nil, "every pixel of its output depends on the whole picture" end
  if f[1].stride ~= 1 then return nil, "its output has another scale than its input" end
  for _, seen in pairs(fields) do
    if seen then period = math.max(period, math.ceil(seen[1].stride)) end
  end
  local reach = math.max(1 - f[1].lo, f[1].hi - 1)
  -- one period more: between two upsampled rows the field may begin elsewhere
  return { period = period, halo = (math.ceil(reach / period) + 1) * period }
end

-- bytes(net, shape) --> the most that a run without record over a first input of that shape holds at once.
function strips.bytes(net, shape) return net:plan(shape, { record = false }).forward.peak end

-- rows_for(net, shape, geometry, bytes) --> how many rows a strip may have so that its run holds at most so
-- many bytes: a multiple of the period, and at least one of them.
function strips.rows_for(net, shape, geometry, bytes)
  local rows = shape[3]
  while rows > geometry.period do
    local held = strips.bytes(net, { shape[1], shape[2], rows + 2 * geometry.halo, shape[4] })
    if held <= bytes then break end
    rows = rows // 2
  end
  return math.max(rows // geometry.period, 1) * geometry.period
end

-- First and last row of what is computed for rows first..last of h: the halo on either side, and so many rows
-- more below that a layer rounds the strip's height as it does the picture's.
local function surroundings(first, last, h, g)
  local from = math.max(1, first - g.halo)
  local to = last + g.halo
  return from, math.min(h, to + (h - to) % g.period)
end

-- run(net, inputs, rows, geometry [, progress]) --> (N,C,h,w), the net's first output for inputs
-- { [name] = tensor }, whose first, (N,C,h,w), is cut into strips of `rows` rows, a multiple of the period.
-- Equal to the run on the whole up to rounding. progress(done, total) is told the rows.
function strips.run(net, inputs, rows, geometry, progress)
  local name, output, parts = net.inputs[1].name, net.outputs[1], {}
  local x = inputs[name]
  local h = x:size(3)
  for first = 1, h, rows do
    local last = math.min(h, first + rows - 1)
    local from, to = surroundings(first, last, h, geometry)
    local seen = setmetatable({ [name] = x:narrow(3, from, to - from + 1) }, { __index = inputs })
    for _, input in ipairs(net.inputs) do seen[input.name] = seen[input.name] end
    local y = net:forward(seen, { record = false })[output]
    parts[#parts + 1] = y:narrow(3, first - from + 1, last - first + 1):clone()
    if progress then progress(last, h) end
  end
  return require("switchback").cat(parts, 3)
end

return strips
