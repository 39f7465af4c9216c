-- Stylize: one forward run of a transform net, which turns a picture into the same scene in a style
-- (Johnson, Alahi & Fei-Fei 2016; Ulyanov et al. 2016; Dumoulin, Shlens & Kudlur 2017).
local check = require "switchback.check"
local strips = require "switchback.strips"

local OPTIONS = { style = 1, memory = 4096, progress = false }

local MIB <const> = 1 << 20

-- The input that takes style weights: the second one, (N, styles); nil for nets of one style.
local function style_input(net)
  local input = net.inputs[2]
  return input and #input.shape == 2 and input.shape[2] > 0 and input or nil
end

-- The index of a style by its name, or by how its name begins; other values as they are.
local function index_of(net, style)
  if type(style) ~= "string" then return style end
  local names, found = net.styles or {}, nil
  for i, name in ipairs(names) do
    if name == style then return i end
    if not found and name:sub(1, #style) == style then found = i end
  end
  local known = #names > 0 and (" (known: %s)"):format(table.concat(names, ", ")) or ": the net's have none"
  return found or error(("stylize: no style is called '%s'%s"):format(style, known), 0)
end

-- (1, styles), adding up to 1.
local function style_weights(net, input, style)
  local s, total = require("switchback").zeros(1, input.shape[2]), 0
  for which, weight in pairs(type(style) == "table" and style or { [style] = 1 }) do
    local index = index_of(net, which)
    if math.type(index) ~= "integer" or index < 1 or index > input.shape[2] then
      error(("stylize: style %s is out of range: the net has %d"):format(tostring(index), input.shape[2]), 0)
    end
    if type(weight) ~= "number" or not (weight >= 0 and weight < math.huge) then
      error(("stylize: the weight of style %d is %s, must be 0 or more"):format(index, weight), 0)
    end
    s[{ 1, index }], total = s[{ 1, index }] + weight, total + weight
  end
  if total <= 0 then error("stylize: the weights of the styles add up to 0", 0) end
  return s / total
end

local function check_net(net, x)
  local shape = net:shapes(x:size())[net.outputs[1]]
  if #shape == 4 and shape[2] == 3 and shape[3] >= x:size(3) and shape[4] >= x:size(4) then return end
  error(("stylize: the output of this net is %s for an input of %s: it is no transform net"):format(
    net.shape_text(shape), net.shape_text(x:size())), 0)
end

-- Whole, if that fits; else in strips, if the net permits. --> output, number of strips
local function run(net, inputs, x, o)
  local limit, needed = o.memory * MIB, strips.bytes(net, x:size())
  if needed <= limit then
    return net:forward(inputs, { record = false })[net.outputs[1]], 1
  end
  local geometry, reason = strips.geometry(net)
  if not geometry then
    error(("stylize: a picture of %dx%d takes about %d MiB, more than memory = %d, and cannot be run in "
      .. "strips with this net: %s"):format(x:size(3), x:size(4), needed // MIB, o.memory,
      reason), 0)
  end
  local rows = strips.rows_for(net, x:size(), geometry, limit)
  return strips.run(net, inputs, rows, geometry, o.progress or nil), -(-x:size(3) // rows)
end

-- stylize(net, image (C,H,W) [, options]) --> { image = (3,H,W) in [0,1], strips = how many runs it took,
--   styles = how many the net has }
-- The net takes and gives pictures in the units of its preprocessing. Where it rounds sides up, the rows and
-- columns beyond the picture's are cut off. options:
--   style    of a net with a second input of style weights: an index (default 1), a name of net.styles or
--            how it begins, or a blend { [index or name] = weight } whose weights, not negative, are scaled
--            to add up to 1. Others ignore it.
--   memory   MiB that a run may take (default 4096). A larger picture is run in strips of rows
--            with a halo; instance normalisation looks at whole maps, so its nets cannot: an error says so.
--   progress function(done, total) of rows, called when there are strips
-- Raises for styles out of range, unknown names, and for nets that make no pictures.
return function(net, image, options)
  local o = check.options("stylize", options, OPTIONS)
  local x, second = net:prepare(image), style_input(net)
  check_net(net, x)
  local inputs = { [net.inputs[1].name] = x }
  if second then inputs[second.name] = style_weights(net, second, o.style) end
  local y, n = run(net, inputs, x, o)
  y = y:narrow(3, 1, x:size(3)):narrow(4, 1, x:size(4))
  return { image = net:to_image(y), strips = n, styles = second and second.shape[2] or 1 }
end
