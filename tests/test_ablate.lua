-- Ablation: variants against numbers computed by hand, the table, and what is kept of it.
local files = require("switchback.core").files
local ablate = require "switchback.ablate"
local file = require "switchback.file"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local sheet = require "switchback.ablate.table"
local toy = require "toy_training"

local T = {}

local function zoo(name, options)
  options = options or {}
  options.untrained = true
  return sb.load(name, options)
end

-- { variant = parameters }
local function parameters(net, options)
  local found = {}
  for _, variant in ipairs(ablate.variants(net, options)) do found[variant.name] = variant.parameters end
  return found
end

-- ---- Variants ----------------------------------------------------------------------------------------

-- zfnet64: kernels 5x5 3-32, 3x3 32-96, 96-192, 192-256, 256-256 without biases, batch norms of 2 a channel,
-- linear layers 4096-256-256-40 with biases; convolutions keep the size, four poolings halve it from 64.
local CONV1 <const>, CONV2 <const> = 3 * 25 * 32 + 64, 32 * 9 * 96 + 192
local FC6 <const>, FC7 <const> = 4096 * 256 + 256 + 512, 256 * 256 + 256 + 512
local FC8 <const> = 256 * 40 + 40
local MIDDLE <const> = 96 * 9 * 192 + 384 + 192 * 9 * 256 + 512
local CONV5 <const> = 256 * 9 * 256 + 512

function T.test_parameters_of_what_is_tried_by_default()
  local original = CONV1 + CONV2 + MIDDLE + CONV5 + FC6 + FC7 + FC8
  local short = CONV1 + CONV2 + 96 * 9 * 256 + 512
  local wide = CONV1 + CONV2 + 96 * 9 * 384 + 768 + 384 * 9 * 512 + 1024 + 512 * 9 * 512 + 1024
  lu.assertEquals(parameters(zoo "zfnet64"), {
    original = original,
    ["without conv3+conv4"] = short + FC6 + FC7 + FC8,
    ["without fc6+fc7"] = original - FC6 - FC7 - FC8 + 4096 * 40 + 40,
    ["without conv3+conv4+fc6+fc7"] = short + 4096 * 40 + 40,
    ["width fc6+fc7:x0.5"] = original - FC6 - FC7 - FC8 + 4096 * 128 + 3 * 128 + 128 * 128 + 3 * 128 +
      128 * 40 + 40,
    ["width fc6+fc7:x2"] = original - FC6 - FC7 - FC8 + 4096 * 512 + 3 * 512 + 512 * 512 + 3 * 512 +
      512 * 40 + 40,
    ["width conv3+conv4+conv5:x2"] = wide + 8192 * 256 + 256 + 512 + FC7 + FC8,
    ["width fc6+fc7:x2+conv3+conv4+conv5:x2"] = wide + 8192 * 512 + 3 * 512 + 512 * 512 + 3 * 512 +
      512 * 40 + 40,
    -- strides of 4 and 2 leave 1x1 and 2x2 of the 4x4 before fc6
    ["first 11/4"] = original + (121 - 25) * 3 * 32 - 15 * 256 * 256,
    ["first 7/2"] = original + (49 - 25) * 3 * 32 - 12 * 256 * 256,
  })
end

-- Zeiler & Fergus's own net has 7/2 and padding 1; AlexNet's 11/4 has padding 2, and 55 x 55 maps.
function T.test_the_paper_s_first_layers()
  local net = zoo("zfnet", { classes = 10 })
  local list = ablate.variants(net, { remove = { "none" }, width = { "none" } })
  lu.assertEquals(#list, 2)
  lu.assertEquals(list[2].make(net):shapes().conv1, { 1, 96, 55, 55 })
  list = ablate.variants(net, { remove = {}, width = {}, first = { "9/3/4" } })
  lu.assertEquals(list[2].make(net):shapes().conv1, { 1, 96, (224 + 8 - 9) // 3 + 1, 75 })
end

-- lenet5: 5x5 1-6, 5x5 6-16, 400-120-84-10, all with biases.
function T.test_widths()
  lu.assertEquals(parameters(zoo "lenet5", { remove = {}, first = {},
    width = { "x0.5", "conv1:7+fc2:x1.5", "conv1+conv2:10" } }), {
    original = 61706,
    ["width x0.5"] = 26 * 3 + (75 + 1) * 8 + (200 + 1) * 60 + 61 * 42 + 43 * 10,
    ["width conv1:7+fc2:x1.5"] = 26 * 7 + (175 + 1) * 16 + 401 * 120 + 121 * 126 + 127 * 10,
    ["width conv1+conv2:10"] = 26 * 10 + 251 * 10 + 251 * 120 + 121 * 84 + 85 * 10,
  })
end

-- Operations of convolutions and linear layers, two a multiplication (lenet5: maps of 28, 10, then 1).
function T.test_operations()
  local list = ablate.variants(zoo "lenet5", { remove = {}, first = {}, width = { "conv1:12" } })
  local function flop(width)
    return 2 * (784 * 25 * width + 100 * 25 * width * 16 + 400 * 120 + 120 * 84 + 84 * 10)
  end
  lu.assertEquals({ list[1].flop, list[2].flop }, { flop(6), flop(12) })
end

-- resnet18: a block of 128 channels, and one of 256, without a way of their own past them.
function T.test_blocks()
  local net = zoo "resnet18"
  local function block(c) return 2 * (9 * c * c + 2 * c) end
  local found = parameters(net, { width = {}, first = {} })
  lu.assertEquals(found["without layer2.1.*+layer3.1.*"], found.original - block(128) - block(256))
  lu.assertEquals(ablate.variants(zoo "googlenet", { width = {}, first = {} })[2].name,
    "without inception_4e/*+inception_5a/*")
  h.error_has(net.without, "no layers are below 'layer9'", net, "layer9.*")
  local b = require "switchback.builder".new { size = { 8, 8 } }
  b:conv("pair.a", 2, 3):from("data"):conv("pair.b", 2, 3):join("add", "sum", { "pair.a", "pair.b" })
  h.error_has(net.without, "'pair.*' has 1 inputs and 2 outputs", sb.net(b:finish {}), "pair.*")
end

function T.test_mistakes_are_told_in_the_variant_s_name()
  local net = zoo "lenet5"
  local function fails(kind, text, message)
    h.error_has(ablate.variants, message, net, { [kind] = { text } })
  end
  fails("remove", "conv7", "ablate: without conv7: no layer is called 'conv7'; did you mean")
  fails("remove", "fc3", "ablate: without fc3: it has scores for 84 classes in place of 10")
  fails("width", "conv1", "'conv1' tells no width: write it as conv1:x2 or conv1:512")
  fails("width", "conv1:x", "a width is a whole number such as 512, or a factor such as x0.5, got 'x'")
  fails("width", "pool1:3", "ablate: width pool1:3: 'pool1' is a ")
  fails("width", "fc3:3", "it has scores for 3 classes in place of 10")
  fails("first", "7", "KERNEL/STRIDE/PADDING such as 7/2, got '7'")
  fails("first", "40/1/0", "ablate: first 40/1/0: layer 'conv1'")
end

-- ---- Trainings ---------------------------------------------------------------------------------------

local function folder()
  local path = h.temporary "toys"
  if not files.kind(path) then
    assert(file.make_folders(path))
    toy.write(path, 90)
    toy.net(3):save(h.temporary "toy.safetensors")
  end
  return path
end

-- Runs the recipe; n: killed when the n-th file of the table or checkpoint is about to be put in its place.
local function run(n, name, more)
  local data = folder()
  local options = "--classes 3 --count 20 --epochs 2 --batch 10 --rate 0.02 --remove conv1 --width conv1:4 "
    .. "--first 5/2"
  return h.shell(("%s tests/killed_recipe.lua %d .json,.checkpoint ablate --model %s --data %s " ..
    "--validate %s/train-images-idx3-ubyte %s --out %s/%s.png %s"):format(h.host, n,
    h.temporary "toy.safetensors", data, data, options, h.temporary "tables", name, more or ""))
end

local function table_of(name, ending)
  return assert(file.read(("%s/%s%s"):format(h.temporary "tables", name, ending)))
end

function T.test_the_recipe_prints_its_table()
  local said, status = run(0, "whole")
  lu.assertEquals(status, 0, said)
  lu.assertStrContains(said, "4 variants, 2 seeds; 60 pictures of 3 classes, 90 to validate on")
  -- 3x3 1-8, batch norm, 128-3; without it 16-3; 3x3 1-4; 5x5 with maps of 4, then 2
  for name, count in pairs { original = 72 + 16 + 387, ["without conv1"] = 51,
                             ["width conv1:4"] = 36 + 8 + 195, ["first 5/2"] = 200 + 16 + 99 } do
    lu.assertNotNil(said:find(("\n%s +%d +%%d+%%.%%d +2 +%%d+%%.%%d %%+%%- %%d"):format(name, count)), said)
  end
  lu.assertEquals(select(2, table_of("whole", ".csv"):gsub("\n", "")), 5)
  lu.assertStrContains(table_of("whole", ".svg"), "without conv1, 51</text>")
  lu.assertEquals(assert(sb.image.load(h.temporary "tables/whole.png")):size(1), 3)
  lu.assertNotNil(said:find "original, seed 2: train %d")
end

-- Killed between the epochs of the first training, and at the end of the second, before it is in the table:
-- the same bytes in the end.
function T.test_resumed_is_unbroken()
  if not files.kind(h.temporary "tables/whole.json") then run(0, "whole") end
  for _, n in ipairs { 3, 7 } do
    local _, status = run(n, "broken")
    lu.assertEquals(status, 137)
    local said = run(0, "broken", "--resume")
    for _, ending in ipairs { ".json", ".csv", ".png" } do
      lu.assertTrue(table_of("broken", ending) == table_of("whole", ending), said)
    end
  end
  lu.assertEquals(#files.list(h.temporary "tables"), 8) -- no checkpoint is left
  local more = run(0, "broken", "--resume --seeds 1,2,3 --quiet") -- is then extended
  lu.assertStrMatches(more, "%d+\n") -- nothing but how many files there were
  lu.assertStrContains(table_of("broken", ".csv"), "original,475,9984,3,")
  lu.assertStrContains(run(0, "broken", "--resume --rate 0.03"),
    "the checkpoint is of another run: its rate is 0.02, here it is 0.03")
  assert(file.write(h.temporary "tables/broken.json", "[1]"))
  lu.assertStrContains(run(0, "broken", "--resume"), "broken.json: not a table of an ablation")
end

function T.test_no_test_part()
  local said = h.shell(("%s ablate --model lenet5 --data %s"):format(h.host, folder()))
  lu.assertStrContains(said, "has no test part: give --validate")
end

-- A training whose loss is no number is told, and the others' means stand.
function T.test_what_diverges()
  local set = assert(sb.data.open(folder()))
  set = set:only { 1, 2, 3 }
  local rates = { 0.01, 1e30, 0.01 }
  local rows, complete = ablate.run(toy.net(1), set, set, { seeds = { 1, 2, 3 },
    variants = ablate.variants(toy.net(1), { remove = {}, width = {}, first = {} }),
    path = h.temporary "diverges.json",
    train = function(_, seed) return { batch = 30, optimizer = sb.optim.sgd { rate = rates[seed] } } end })
  lu.assertTrue(complete)
  local runs = rows[1].runs
  lu.assertStrContains(runs[2].failed, "train: the loss is")
  local mean = (runs[1].top1 + runs[3].top1) / 2
  lu.assertAlmostEquals(rows[1].top1.mean, mean, 1e-12)
  lu.assertAlmostEquals(rows[1].top1.deviation, math.abs(runs[1].top1 - runs[3].top1) / math.sqrt(2), 1e-12)
  lu.assertNotNil(sheet.lines(rows)[2]:find "^original +475 +0.0 +2 ")
end

-- ---- The chart ---------------------------------------------------------------------------------------

-- Points stand where their values say, and bars reach as far as deviations do.
function T.test_points()
  local chart = { title = "t", x = "%", labels = { "a < b", "c" }, series = {
    { name = "s", values = { { mean = 50, deviation = 25 }, { mean = 100 } } } } }
  local text = sb.plot.svg({ chart }, { width = 400, height = 200 })
  lu.assertStrContains(text, "a &lt; b")
  local dots, bars = {}, {}
  for first, last in text:gmatch '<polyline points="([%d.]+),[%d.]+ ([%d.]+),[%d.]+" fill="none"' do
    dots[#dots + 1] = (first + last) / 2
  end
  for y, low, high in text:gmatch 'd="M([%d.]+) [%d.]+L([%d.]+) [%d.]+" stroke="rgb%(31,97,173%)"()' do
    bars[#bars + 1] = { tonumber(y), tonumber(low), high }
  end
  table.sort(dots)
  local half, full = dots[#dots - 2], dots[#dots]
  lu.assertAlmostEquals(bars[1][2] - bars[1][1], full - half, 0.3) -- 25 to 75 is as long as 50 to 100
  lu.assertAlmostEquals((bars[1][1] + bars[1][2]) / 2, half, 0.3)
  local picture = sb.plot.curves({ chart }, { width = 400, height = 200 })
  lu.assertEquals(picture:size(), { 3, 200, 400 })
end

return T
