-- The network that comes with the project: there, small, and as good as its card says.
local lu = require "luaunit"
local file = require "switchback.file"
local h = require "helper"
local sb = require "switchback"

local T = {}

local MOST_BYTES <const> = 6000000

function T.test_it_needs_no_other_file()
  local net = sb.load(nil, { models = "/nowhere" })
  lu.assertEquals(#net.labels, 40)
  lu.assertEquals(net.preprocess.size, { 64, 64 })
  lu.assertTrue(#assert(file.read(net.source)) <= MOST_BYTES)
  for _, node in ipairs(net.order) do lu.assertNotEquals(node.layer.kind, "batchnorm") end
end

function T.test_it_knows_the_photographs()
  local net = sb.load()
  local function classes(name)
    local photo, names = assert(sb.image.load("tests/images/" .. name)), {}
    for i, class in ipairs(net:forward(net:prepare(photo)):top(5)) do names[i] = class.label end
    return names
  end
  lu.assertEquals(classes("coffee.png")[1], "espresso")
  lu.assertStrContains(table.concat(classes "chelsea.png", ", "), "tabby")
end

-- Of 400 pictures that it was not trained on; the card's figures are of all 2,000.
function T.test_its_accuracy()
  local set = assert(sb.data.open(h.shared "data/tinyimagenet40/val.tar"))
  local list = {}
  for i = 1, set:count(), 5 do list[#list + 1] = i end
  local found = require("switchback.train.measure").data_set(sb.load(), set:subset(list))
  lu.assertEquals(found.n, 400)
  lu.assertTrue(found.top1 > 0.62, tostring(found.top1))
  lu.assertTrue(found.top5 > 0.87, tostring(found.top5))
end

return T
