-- Occlusion against its definition: paste the patch, run the whole net, for each position.
local lu = require "luaunit"
local occlude = require "switchback.occlude"
local sb = require "switchback"

local T = {}

-- ---- The definition ------------------------------------------------------------------------------

local function covered(x, patch, y, xx, size)
  local out = x:clone()
  local maps = out:select(1, 1)
  for c = 1, maps:size(1) do
    for r = math.max(1, y), math.min(y + size[1] - 1, maps:size(2)) do
      for k = math.max(1, xx), math.min(xx + size[2] - 1, maps:size(3)) do
        maps[{ c, r, k }] = patch[{ 1, c, r, k }]
      end
    end
  end
  return out
end

local function read(pass, watch)
  if watch.class and watch.logit then return pass:scores()[{ 1, watch.class }] end
  if watch.top then return pass:top(1)[1].index end
  if watch.class then return pass:probabilities()[{ 1, watch.class }] end
  local maps = pass[watch.layer]
  maps = maps:reshape(maps:size(2), -1)
  return (watch.channel and maps:select(1, watch.channel) or maps):sum()
end

-- places: { first row, first column, rows, columns }; default: as many patches as fit.
local function by_definition(net, x, patch, size, stride, watches, places)
  local top, left, rows, columns = table.unpack(places or { 1, 1,
    (x:size(3) - size[1]) // stride[1] + 1, (x:size(4) - size[2]) // stride[2] + 1 })
  local maps, upto = {}, {}
  for i, watch in ipairs(watches) do
    maps[i], upto[i] = sb.zeros(rows, columns), watch.layer or net:logits()
  end
  for i = 1, rows do
    for j = 1, columns do
      local input = covered(x, patch, top + (i - 1) * stride[1], left + (j - 1) * stride[2], size)
      local pass = net:forward(input, { upto = upto })
      for k, watch in ipairs(watches) do maps[k][{ i, j }] = read(pass, watch) end
    end
  end
  return maps
end

-- Within 1e-5 of the largest value: what the issue of rounding leaves (other tiles of Winograd's transform).
local function assert_agrees(net, x, size, stride, watches, overhanging)
  local patch = sb.randn(sb.rng(9), table.unpack(x:size()))
  local got = sb.occlude { net = net, input = x, size = size, stride = stride, fill = patch, watch = watches,
                           overhang = overhanging ~= nil }
  local want = by_definition(net, x, patch, size, stride, watches, overhanging)
  for i in ipairs(watches) do
    lu.assertEquals(got[i]:size(), want[i]:size())
    lu.assertTrue((got[i] - want[i]):abs():max() <= 1e-5 * math.max(1, want[i]:abs():max()))
  end
end

-- ---- Nets ----------------------------------------------------------------------------------------

-- A net of one path, and with branches: node(name, layer, input...) adds to it.
local function builder(channels)
  local nodes, last = {}, "data"
  local function node(name, layer, ...)
    nodes[#nodes + 1] = { name = name, layer = layer, inputs = select("#", ...) > 0 and { ... } or { last } }
    last = name
  end
  return node, function(constants)
    return sb.net { inputs = { { name = "data", shape = { 0, channels, 0, 0 } } }, nodes = nodes,
                    outputs = { last }, constants = constants }
  end
end

-- Strided and padded convolutions and pools of all sorts, LRN, branches that are joined and added, a
-- depthwise layer, constants, and a fully connected head. For inputs of 29 x 37.
local function mixed_net()
  local rng, L = sb.rng(3), sb.layer
  local node, finish = builder(2)
  node("conv1", L.conv2d { in_channels = 2, out_channels = 6, kernel = 5, stride = 2,
                           pad = { 2, 1, 2, 2 }, rng = rng })
  node("relu1", L.relu {})
  node("pool1", L.maxpool { kernel = 3, stride = 2, ceil_mode = true })
  node("norm1", L.lrn { size = 3, alpha = 0.5 })
  node("a", L.conv2d { in_channels = 6, out_channels = 4, kernel = 1, rng = rng }, "norm1")
  node("b0", L.conv2d { in_channels = 6, out_channels = 4, kernel = 3, pad = 1, rng = rng }, "norm1")
  node("b", L.leaky_relu {})
  node("c0", L.maxpool { kernel = 3, stride = 1, pad = 1 }, "norm1")
  node("c", L.conv2d { in_channels = 6, out_channels = 6, kernel = { 1, 3 }, pad = { 0, 1 }, groups = 2,
                       rng = rng })
  node("cat", L.concat {}, "a", "b", "c")
  node("bn", L.batchnorm { channels = 14, mean = sb.randn(rng, 14), variance = sb.rand(rng, 14) + 0.5 })
  node("d", L.conv2d { in_channels = 14, out_channels = 14, kernel = 3, pad = 2, dilation = 2, groups = 14,
                       rng = rng })
  node("sum", L.add {}, "d", "bn")
  node("shifted", L.mul {}, "sum", "gain")
  node("biased", L.add {}, "shifted", "offset")
  node("pool2", L.avgpool { kernel = 3, stride = 2, pad = 1, count_include_pad = false })
  node("pool3", L.avgpool { kernel = 2, stride = 1, pad = 1, ceil_mode = true })
  node("flat", L.flatten {})
  node("fc", L.linear { in_features = 14 * 5 * 6, out_features = 7, rng = rng })
  node("prob", L.softmax { axis = -1 })
  return finish { gain = sb.rand(rng, 1, 14, 1, 1), offset = sb.randn(rng, 1, 14, 7, 9) }
end

local MIXED = { { class = 3 }, { class = 5, logit = true }, { layer = "conv1", channel = 2 },
                { layer = "relu1" }, { layer = "cat", channel = 9 }, { layer = "sum" }, { layer = "pool2" },
                { layer = "pool3" },
                { layer = "fc", channel = 4 }, { top = true } }

function T.test_a_net_of_many_kinds_of_layers()
  local net = mixed_net()
  assert_agrees(net, sb.randn(sb.rng(1), 1, 2, 29, 37), { 7, 5 }, { 4, 6 }, MIXED)
end

-- Squares of 4 x 6 tile 28 of 29 rows and 36 of 37 columns, from row and column 1; the patch has its middle
-- in theirs. Of squares of 13 x 15 two fit each way, from row 2 and column 4.
function T.test_patches_that_stand_out_over_the_edge()
  local net, x = mixed_net(), sb.randn(sb.rng(1), 1, 2, 29, 37)
  assert_agrees(net, x, { 12, 9 }, { 4, 6 }, MIXED, { 1 - 4, 1 - 1, 7, 6 })
  assert_agrees(net, x, { 5, 40 }, { 13, 15 }, MIXED, { 2 + 4, 4 - 12, 2, 2 })
  lu.assertEquals({ occlude.first(29, 12, 4), occlude.first(37, 40, 15) }, { -3, -8 })
end

return T
