-- The correspondence of parts, on a net whose layer sees each pixel for itself.
local h = require "helper"
local lu = require "luaunit"
local parts = require "switchback.parts"
local sb = require "switchback"
local tiny = require "tiny_model"

local T = {}

local function pixel_net()
  local L = sb.layer
  return sb.net {
    inputs = { { name = "x", shape = { 0, 3, 0, 0 } } }, preprocess = { size = 20 },
    nodes = {
      { name = "same", inputs = { "x" }, layer = L.relu {} },
      { name = "mean", inputs = { "same" }, layer = L.global_avgpool {} },
      { name = "flat", inputs = { "mean" }, layer = L.flatten {} },
      { name = "fc", inputs = { "flat" }, layer = L.linear { in_features = 3, out_features = 2 } },
    },
  }
end

-- Grey levels; the grey that hides is 0.5, so that only the sign of level - 0.5 counts, inside the box.
local function plain(level, box)
  return { picture = sb.image.canvas(20, 20, level), parts = { eye = box } }
end

function T.test_the_same_part_changes_the_same()
  local box = { 5, 5, 4, 6 }
  local found = sb.vis.correspondence(pixel_net(), { plain(0.9, box), plain(0.8, box), plain(0.7, box) },
    { random = 5, layers = { "same", "mean" } })
  lu.assertEquals({ found.rows[1].part, found.rows[2].part }, { "eye", "random" })
  local eye, random = found.rows[1].layers, found.rows[2].layers
  lu.assertEquals({ eye[1].mean, eye[1].deviation, eye[1].pairs, eye[2].mean }, { 0, 0, 3, 0 })
  lu.assertEquals({ random[1].pairs, random[2].mean }, { 15, 0 }) -- a mean does not see where
  lu.assertTrue(random[1].mean > 0 and random[1].deviation > 0)
end

-- One picture is darkened where two are lightened: pairs differ in none or all pixels of the box.
function T.test_signs_and_deviation()
  local box = { 5, 5, 4, 5 }
  local found = sb.vis.correspondence(pixel_net(), { plain(0.9, box), plain(0.1, box), plain(0.6, box) },
    { random = 0, layers = { "same", "mean" } })
  local same, mean = found.rows[1].layers[1], found.rows[1].layers[2]
  lu.assertAlmostEquals(same.mean, 2 / 3 * 20 / 400, 1e-6)
  lu.assertAlmostEquals(same.deviation, math.sqrt(2 / 9) * 20 / 400, 1e-6)
  lu.assertAlmostEquals(mean.mean, 2 / 3, 1e-6)
  lu.assertEquals(#found.rows, 1)
end

function T.test_random_parts_come_from_the_seed()
  local box = { 5, 5, 4, 4 }
  local function mean(seed)
    return sb.vis.correspondence(pixel_net(), { plain(0.9, box), plain(0.8, box) },
      { random = 3, seed = seed, layers = { "same" } }).rows[2].layers[1].mean
  end
  lu.assertEquals(mean(1), mean(1))
end

function T.test_files_of_parts()
  local text = "# faces\n a b.png eye 1 2 3 4 # left\n\na b.png nose 5 6 7 8\r\nc.png eye 9 8 7 6"
  local list = parts.parse(text, "f")
  lu.assertEquals(list[1], { name = "a b.png", parts = { eye = { 1, 2, 3, 4 }, nose = { 5, 6, 7, 8 } } })
  lu.assertEquals(list[2].parts.eye, { 9, 8, 7, 6 })
  h.error_has(parts.parse, "f:2: expected PICTURE PART Y X H W, got 'a.png eye 1 2 3'", "\na.png eye 1 2 3",
    "f")
end

function T.test_mistakes()
  local box = { 1, 1, 2, 2 }
  local two = { plain(1, box), { picture = sb.zeros(3, 20, 20), parts = {}, name = "b.png" } }
  h.error_has(sb.vis.correspondence, "b.png has no part 'eye'", pixel_net(), two)
  h.error_has(sb.vis.correspondence, "needs two pictures or more, got 1", pixel_net(), { plain(1, box) })
end

local function write(path, text)
  local f = assert(io.open(path, "w"))
  f:write(text)
  f:close()
end

function T.test_the_recipe()
  local path, out = h.temporary "parts.txt", h.temporary "correspondence.png"
  local folder = tiny.photo():match "^(.*)/"
  write(path, "chelsea.png eye 83 133 64 76\ncoffee.png eye 100 200 50 60\n")
  local command = ("%s correspondence --model %s --parts %s --photos %s --random 2 --out %s --json"):format(
    h.host, tiny.model(), path, folder, out)
  local text, status = h.shell(command)
  lu.assertEquals(status, 0, text)
  local result = require "cjson".decode(text)
  lu.assertEquals({ result.layers, #result.rows }, { { "relu2", "gap" }, 2 })
  lu.assertEquals(result.rows[2].layers[1].pairs, 2)
  lu.assertEquals(assert(sb.image.load(out)):size(1), 3)
  write(path, "chelsea.png eye 83 433 64 76\ncoffee.png eye 1 2 5 6\n")
  lu.assertStrContains((h.shell(command)), "eye of chelsea.png is at 83 433 64 76, the picture has 300x451")
end

return T
