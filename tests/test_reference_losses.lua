-- Gram matrices, Gatys' losses, total variation and style networks against values that PyTorch computed in
-- float64 (reference/index.json), in both modes of precision, with nothing but layers, primitives and the
-- walk back.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- Relative L2 for losses and their gradients.
local LOSS = { exact = 2e-6, fast = 1e-5 }

function T.tearDown() h.usual_precision() end

-- Defines a test that runs in each mode.
local function test(name, check)
  for mode in pairs(LOSS) do
    T["test_" .. name .. "_" .. mode] = function()
      sb.precision(mode)
      check()
    end
  end
end

local function check(what, got, want)
  if type(got) == "number" then got = sb.tensor { got } end
  local miss = h.rel_l2(got:reshape(-1), want:reshape(-1))
  lu.assertTrue(miss <= LOSS[sb.precision()], ("%s: relative L2 %.2e"):format(what, miss))
end

local function reference(name)
  return sb.safetensors.load(h.shared("reference/" .. name .. ".safetensors"))
end

local function encoder() return sb.load(h.shared "models/vgg19_pruned/encoder5.onnx") end

test("gram_matrices", function()
  local values = reference "vgg19_pruned_gram"
  local pass = encoder():forward(values.image)
  for _, layer in ipairs { "relu1_1", "relu2_1", "relu3_1", "relu4_1" } do
    check(layer, sb.gram(pass[layer]:select(1, 1)), values["gram/" .. layer])
  end
  check("relu5_1", pass.relu5_1:narrow(2, 1, 32), values.relu5_1)
end)

-- The objectives at the walk's end: Gatys, Ecker & Bethge 2016, equations 1 to 7.
test("gatys_losses_and_gradients", function()
  local values, net = reference "vgg19_pruned_gatys", encoder()
  local layers = { "relu1_1", "relu2_1", "relu3_1", "relu4_1" }
  local pass = net:forward(values.x)
  local style = sb.objective.style(layers, sb.objective.targets(net, values.style, layers))
  local value, seeds, losses = style:evaluate(pass)
  check("style/layers", sb.tensor(losses), values["style/layers"])
  check("style/value", value, values["style/value"])
  check("style/grad", pass:backward { seeds = seeds }, values["style/grad"])
  local target = sb.objective.targets(net, values.content, "relu4_1").relu4_1
  value, seeds = sb.objective.content("relu4_1", target):evaluate(pass)
  check("content/value", value, values["content/value"])
  check("content/grad", pass:backward { seeds = seeds }, values["content/grad"])
end)

local function check_tv(name, o)
  local values = reference "total_variation"
  local value, gradients = o:evaluate { image = values.x:unsqueeze(1) }
  check(name .. "/value", value, values[name .. "/value"])
  check(name .. "/grad", gradients.image, values[name .. "/grad"])
end

test("total_variation", function()
  local tv = sb.objective.tv
  check_tv("tv_squared", tv { beta = 2, form = "anisotropic" })
  check_tv("tv_l1", tv { beta = 1, form = "anisotropic" })
  for _, beta in ipairs { "2", "1.5", "1" } do check_tv("tv_beta" .. beta, tv { beta = tonumber(beta) }) end
end)

-- The differences of neighbours of x (1,3,32,32) as a little net; `crop` keeps the (H-1)x(W-1) grid.
local function difference_nodes(crop)
  local L, wide = sb.layer, crop and 31 or 32
  local function part(name, y0, y1, x0, x1)
    return { name = name, inputs = { "x" },
             layer = L.slice { starts = { y0, x0 }, ends = { y1, x1 }, axes = { 3, 4 } } }
  end
  return {
    part("below", 1, 32, 0, wide), part("above", 0, 31, 0, wide),
    part("right", 0, wide, 1, 32), part("left", 0, wide, 0, 31),
    { name = "dy", inputs = { "below", "above" }, layer = L.sub {} },
    { name = "dx", inputs = { "right", "left" }, layer = L.sub {} },
  }
end

-- Sums op(dy) and op(dx) over all, or couples them as (dy^2 + dx^2)^power on the common grid.
local function variation_net(op, power)
  local L, nodes = sb.layer, difference_nodes(power ~= nil)
  local function add(node) nodes[#nodes + 1] = node end
  local sum = L.reduce_sum { axes = { 1, 2, 3, 4 }, keepdims = false }
  for _, d in ipairs { "dy", "dx" } do
    add(op == "abs" and { name = d .. "_op", inputs = { d }, layer = L.abs {} } or
        { name = d .. "_op", inputs = { d, d }, layer = L.mul {} })
  end
  if power then
    add { name = "sum", inputs = { "dy_op", "dx_op" }, layer = L.add {} }
    add { name = "power", inputs = { "sum", "exponent" }, layer = L.pow {} }
    add { name = "total", inputs = { "power" }, layer = sum }
  else
    add { name = "dy_sum", inputs = { "dy_op" }, layer = sum }
    add { name = "dx_sum", inputs = { "dx_op" }, layer = sum }
    add { name = "total", inputs = { "dy_sum", "dx_sum" }, layer = L.add {} }
  end
  return sb.net { inputs = { { name = "x", shape = { 1, 3, 32, 32 } } }, nodes = nodes, outputs = { "total" },
                  constants = { exponent = sb.tensor { power or 1 } } }
end

local function check_variation(name, net)
  local values = reference "total_variation"
  local pass = net:forward(values.x:reshape(1, 3, 32, 32))
  check(name .. "/value", pass.total:item(), values[name .. "/value"])
  local gradient = pass:backward { seeds = { total = pass.total * 0 + 1 } }
  check(name .. "/grad", gradient, values[name .. "/grad"])
end

test("total_variation_as_a_net", function()
  check_variation("tv_squared", variation_net("square"))
  check_variation("tv_l1", variation_net("abs"))
  for beta, power in pairs { ["2"] = 1, ["1.5"] = 0.75, ["1"] = 0.5 } do
    check_variation("tv_beta" .. beta, variation_net("square", power))
  end
end)

test("style_networks", function()
  for _, name in ipairs { "starry_night", "wheatfield_with_crows" } do
    local values = reference("style_" .. name)
    local net = sb.load(h.shared("models/style/vangogh_" .. name .. ".onnx"))
    local pass = net:forward(values.image_a)
    check(name .. " conv3/in", pass["conv3/in"], values["conv3/in"])
    check(name .. " a", pass.stylized, values.stylized_a)
    check(name .. " b", net:forward(values.image_b).stylized, values.stylized_b)
  end
end)

test("the_network_of_26_styles", function()
  local values = reference "style26"
  local net = sb.load(h.shared "models/style/style26.safetensors")
  local blends = { style0 = { 1 }, style7 = { [8] = 1 }, mix_0_7_25 = { 0.5, [8] = 0.3, [26] = 0.2 } }
  for name, blend in pairs(blends) do
    local style = sb.zeros(1, 26)
    for index, weight in pairs(blend) do style[{ 1, index }] = weight end
    check(name, net:forward({ image = values.image, style = style }).stylized, values[name])
  end
end)

return T
