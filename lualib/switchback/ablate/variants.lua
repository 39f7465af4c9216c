-- Variants of a net, as Zeiler & Fergus 2013 tried them: without some layers (table 3), with wider or
-- narrower ones (table 3), and with another first convolution (section 4.1). A variant is { name =, make =
-- function(net) --> net }.
local core = require "switchback.core"
local derive = require "switchback.derive"

local variants = {}

local WIDTH <const> = { conv2d = "out_channels", linear = "out_features" }

local function kind_of(node) return type(node.layer) == "userdata" and node.layer.kind end

-- ---- Removing ----------------------------------------------------------------------------------------

--- remove(text) --> the variant without the layers of "conv3+conv4" or the blocks of "layer2.1.*+layer3.1.*"
-- (net:without: what follows a layer with weights, its normalisation and rectifier, goes with it).
function variants.remove(text)
  local names = {}
  for name in text:gmatch "[^+]+" do names[#names + 1] = name end
  return { name = "without " .. text, make = function(net) return (net:without(names)) end }
end

-- ---- Widths ------------------------------------------------------------------------------------------

-- "512" or "x2" --> function(width) --> width.
local function resizer(text)
  local factor = tonumber(text:match "^x(.+)$")
  local width = math.tointeger(tonumber(text))
  if factor and factor > 0 then
    return function(old) return math.max(1, math.floor(old * factor + 0.5)) end
  end
  if width and width > 0 then return function() return width end end
  error(("ablate: a width is a whole number such as 512, or a factor such as x0.5, got '%s'"):format(text), 0)
end

-- Not depthwise convolutions, whose width follows from that of what they read.
local function is_resizable(node)
  local config = WIDTH[kind_of(node)] and node.layer.config
  return config and not (config.groups and config.groups > 1 and config.groups == config.in_channels)
end

local function resized(node, resize)
  local key = WIDTH[kind_of(node)]
  if not key then
    error(("'%s' is a %s, and only convolutions and linear layers have a width"):format(node.name,
      kind_of(node) or "function"), 0)
  end
  return derive.configured(node.layer, { [key] = resize(node.layer.config[key]), rng = core.rng.new(0) }, {})
end

-- All that have a width, but for the layer that the classes' scores come from.
local function every_layer(net, resize)
  local layers, classes = {}, derive.classifier(net).name
  for _, node in ipairs(net.order) do
    if node.name ~= classes and is_resizable(node) then layers[node.name] = resized(node, resize) end
  end
  return layers
end

-- "conv3+conv4:512+fc6:x2" --> list of { name, resizer }: a layer without a width has that of the next.
local function widths_of(text)
  local list, waiting = {}, 1
  for part in text:gmatch "[^+]+" do
    local name, width = part:match "^(.*):([^:]*)$"
    list[#list + 1] = { name or part }
    if width then
      local resize = resizer(width)
      for i = waiting, #list do list[i][2] = resize end
      waiting = #list + 1
    end
  end
  if waiting <= #list then
    error(("ablate: '%s' tells no width: write it as %s:x2 or %s:512"):format(text, text, text), 0)
  end
  return list
end

--- width(text) --> the variant with other widths: "x0.5", of all layers but the last one; or
-- "conv3:512+conv4:1024", "fc6+fc7:x2", of the layers named.
function variants.width(text)
  local all = text:match "^x[%d.]+$" and resizer(text)
  local list = not all and widths_of(text)
  local function make(net)
    local layers = all and every_layer(net, all) or {}
    for _, entry in ipairs(list or {}) do layers[entry[1]] = resized(net:node(entry[1]), entry[2]) end
    return (net:replace(layers))
  end
  return { name = "width " .. text, make = make }
end

-- ---- The first convolution ---------------------------------------------------------------------------

local function first_convolution(net)
  for _, node in ipairs(net.order) do
    if kind_of(node) == "conv2d" then return node end
  end
  error("ablate: the net has no convolution", 0)
end

-- Padding in proportion to the kernel less one: half stays half, and AlexNet's 2 of 11 is the 1 of 7 that
-- Zeiler & Fergus have.
local function padding(config, kernel)
  local own = config.kernel[1]
  return own > 1 and math.floor(config.pad[1] * (kernel - 1) / (own - 1) + 0.5) or 0
end

--- first(text) --> the variant with another first convolution, "KERNEL/STRIDE" or "KERNEL/STRIDE/PADDING"
-- such as "7/2"; padding is else in proportion to the net's own.
function variants.first(text)
  local numbers = {}
  for part in (text .. "/"):gmatch "(.-)/" do numbers[#numbers + 1] = math.tointeger(tonumber(part)) or -1 end
  local kernel, stride, pad = table.unpack(numbers)
  if #numbers < 2 or #numbers > 3 or kernel < 1 or stride < 1 or (pad or 0) < 0 then
    error(("ablate: a first layer is KERNEL/STRIDE or KERNEL/STRIDE/PADDING such as 7/2, got '%s'"):format(
      text), 0)
  end
  local function make(net)
    local node = first_convolution(net)
    local layer = derive.configured(node.layer, { kernel = kernel, stride = stride,
      pad = pad or padding(node.layer.config, kernel), rng = core.rng.new(0) }, {})
    return (net:replace(node.name, layer))
  end
  return { name = "first " .. text, make = make }
end

-- ---- What to try where nothing is asked ----------------------------------------------------------------

-- The names of the net's convolutions, and of its linear layers, but for that of the classes' scores; whether
-- some layers have several inputs.
local function hidden_layers(net)
  local classes, conv, linear, branches = derive.classifier(net).name, {}, {}, false
  for _, node in ipairs(net.order) do
    local list = kind_of(node) == "conv2d" and conv or kind_of(node) == "linear" and linear
    if list and node.name ~= classes then list[#list + 1] = node.name end
    branches = branches or #node.inputs > 1
  end
  return conv, linear, branches
end

-- Whether the layer of that name, or one below it, has several inputs.
local function has_branches(net, name)
  for _, node in ipairs(net.order) do
    if #node.inputs > 1 and (node.name .. "."):sub(1, #name) == name then return true end
  end
end

-- The blocks of a net with branches that it can be without: "layer1.1.*" where "layer1.1" is a stage,
-- "inception_3a/*" where "inception_3a/output" is one.
local function blocks(net)
  local list = {}
  for _, stage in ipairs(require "switchback.stages"(net)) do
    local stem = stage:match "^(.*)/[^/]*$"
    local name = (stem or stage) .. (stem and "/*" or ".*")
    if has_branches(net, name:sub(1, -2)) and pcall(net.without, net, name) then list[#list + 1] = name end
  end
  return list
end

local function joined(list, first, last)
  return first <= last and table.concat(list, "+", first, last) or nil
end

local function both(a, b) return a and b and a .. "+" .. b end

-- The texts that are not nil.
local function given(...)
  local list = {}
  for i = 1, select("#", ...) do list[#list + 1] = (select(i, ...)) or nil end
  return list
end

local defaults = {}

-- The paper's, whose net has five convolutions and two hidden linear layers: without two convolutions before
-- the last (3 and 4), without up to two linear ones (6 and 7), and without both. Of a net with branches, two
-- blocks before the last.
function defaults.remove(net)
  local conv, linear, branches = hidden_layers(net)
  local list, least = conv, 2
  if branches then list, least = blocks(net), 1 end
  local middle = joined(list, math.max(least, #list - 2), #list - 1)
  local full = joined(linear, math.max(1, #linear - 1), #linear)
  return given(middle, full, both(middle, full))
end

-- The paper's: half and twice the linear layers, twice the last three convolutions (3 to 5), and twice both.
-- Of a net with branches, half and twice everything.
function defaults.width(net)
  local conv, linear, branches = hidden_layers(net)
  if branches then return { "x0.5", "x2" } end
  local late, full = joined(conv, math.max(2, #conv - 2), #conv), joined(linear, 1, #linear)
  local wide, wide_full = late and late .. ":x2", full and full .. ":x2"
  return given(full and full .. ":x0.5", wide_full, wide, both(wide_full, wide))
end

function defaults.first(net) return #hidden_layers(net) > 0 and { "11/4", "7/2" } or {} end

--- defaults(net, kind) --> list of texts for variants[kind], kind = "remove", "width" or "first": the
-- paper's, by the net's layers. Not all may fit the net, and one may be as it is.
function variants.defaults(net, kind) return defaults[kind](net) end

return variants
