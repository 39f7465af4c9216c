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

local function write(path, text)
  local f = assert(io.open(path, "w"))
  f:write(text)
  f:close()
end

-- Grey levels; the grey that hides is 0.5, so that only the sign of level - 0.5 counts, inside the box.
local function plain(level, box)
  return { picture = sb.image.canvas(20, 20, level), parts = { eye = box } }
end

function T.test_the_same_part_changes_the_same()
  local box = { 5, 5, 4, 6 }
  local found = sb.vis.correspondence(pixel_net(), { plain(0.9, box), plain(0.8, box), plain(0.7, box) },
    { random = 5, align = false, layers = { "same", "mean" } })
  lu.assertEquals({ found.rows[1].part, found.rows[2].part, found.rows[3].part },
    { "eye", "same place", "random" })
  local eye, same, random = found.rows[1].layers, found.rows[2].layers, found.rows[3].layers
  lu.assertEquals({ eye[1].mean, eye[1].deviation, eye[1].pairs, eye[2].mean }, { 0, 0, 3, 0 })
  lu.assertEquals({ random[1].pairs, random[2].mean }, { 15, 0 }) -- a mean does not see where
  lu.assertEquals({ same[1].mean, same[1].pairs }, { 0, 15 }) -- as large as all parts together: one place
  lu.assertTrue(random[1].mean > 0 and random[1].deviation > 0)
end

-- One picture is darkened where two are lightened: pairs differ in none or all pixels of the box.
function T.test_signs_and_deviation()
  local box = { 5, 5, 4, 5 }
  local found = sb.vis.correspondence(pixel_net(), { plain(0.9, box), plain(0.1, box), plain(0.6, box) },
    { random = 0, align = false, layers = { "same", "mean" } })
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
      { random = 3, seed = seed, layers = { "same" } }).rows[3].layers[1].mean
  end
  lu.assertEquals(mean(1), mean(1))
end

-- Places that are the same in all pictures lie among the parts, each as large as they are.
function T.test_the_same_place_is_among_the_parts()
  local two = { plain(0.9, { 3, 2, 4, 4 }), plain(0.8, { 7, 9, 4, 4 }) }
  two[1].parts.nose, two[2].parts.nose = { 9, 12, 4, 4 }, { 13, 15, 4, 4 }
  local found = sb.vis.correspondence(pixel_net(), two, { random = 20, align = false, layers = { "same" } })
  local differ = false
  for k = 3, 22 do
    local round = found.rounds[k]
    local a, b = round.boxes[1], round.boxes[2]
    lu.assertEquals({ round.part, a[3], a[4], b[3], b[4] }, { "same place", 4, 4, 4, 4 })
    lu.assertTrue(a[1] >= 3 and a[1] + 4 <= 13 and a[2] >= 2 and a[2] + 4 <= 16)
    lu.assertEquals(b[1] - a[1], 4) -- both hulls are 10 high
    differ = differ or a[1] ~= found.rounds[3].boxes[1][1]
  end
  lu.assertTrue(differ)
end

-- Twice as far apart and elsewhere, in a picture twice as large: the same, once aligned.
function T.test_aligned_parts_lie_alike()
  local small, large = sb.zeros(3, 40, 50), sb.zeros(3, 90, 100)
  local a = { picture = small, parts = { eye = { 11, 9, 4, 4 }, nose = { 21, 19, 4, 4 } } }
  local b = { picture = large, parts = { eye = { 31, 21, 8, 8 }, nose = { 51, 41, 8, 8 } } }
  for _, entry in ipairs { a, b } do
    for part, box in pairs(entry.parts) do
      entry.picture = sb.image.rectangle(entry.picture, box[1], box[2], box[3], box[4],
        part == "eye" and { 1, 0, 0 } or { 0, 0, 1 })
    end
  end
  a, b = parts.aligned(a, 128), parts.aligned(b, 128)
  lu.assertEquals(a.parts, b.parts)
  lu.assertEquals({ a.picture:size(), b.picture:size() }, { { 3, 128, 128 }, { 3, 128, 128 } })
  -- middles are 0.19 * 128 from the picture's middle, on a diagonal; boxes 4 * 128 * 0.19 / sqrt(50) large
  lu.assertEquals(a.parts.eye, { 65 - 17 - 7, 65 - 17 - 7, 14, 14 })
  for _, entry in ipairs { a, b } do
    for part, channel in pairs { eye = 1, nose = 3 } do
      local box = entry.parts[part]
      local inside = entry.picture:narrow(2, box[1] + 3, box[3] - 6):narrow(3, box[2] + 3, box[4] - 6)
      lu.assertTrue(inside:select(1, channel):min() > 0.9 and inside:select(1, 2):max() < 0.1)
    end
  end
end

-- A box alone has a place and a scale too.
function T.test_a_single_part_is_aligned_by_its_size()
  local entry = parts.aligned({ picture = sb.zeros(3, 30, 30), parts = { eye = { 9, 9, 4, 4 } } }, 100)
  lu.assertEquals(entry.parts.eye, { 13, 13, 76, 76 })
end

function T.test_pictures_of_a_data_set()
  local path, set = h.temporary "set.parts", require "picture_set".set()
  lu.assertEquals({ set:find "green/07.png", set:find "green/99.png" }, { 19 })
  write(path, "blue/03.png eye 1 1 5 5\nred/02.png eye 2 2 5 5\n")
  local list = parts.load(path, require "picture_set".folder())
  lu.assertTrue(list[2].picture:close(set:picture(set:find "red/02.png"), 0))
  write(path, "blue/99.png eye 1 1 5 5\n")
  h.error_has(parts.load, "holds no picture 'blue/99.png'", path, require "picture_set".folder())
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

function T.test_the_recipe()
  local path, out = h.temporary "parts.txt", h.temporary "correspondence.png"
  local folder = tiny.photo():match "^(.*)/"
  write(path, "chelsea.png eye 83 133 64 76\ncoffee.png eye 100 200 50 60\n")
  local command = ("%s correspondence --model %s --parts %s --photos %s --random 2 --out %s --json"):format(
    h.host, tiny.model(), path, folder, out)
  local text, status = h.shell(command)
  lu.assertEquals(status, 0, text)
  local result = require "cjson".decode(text)
  lu.assertEquals({ result.layers, #result.rows }, { { "relu2", "gap" }, 3 })
  lu.assertEquals({ result.rows[2].layers[1].pairs, result.photos }, { 2, 2 })
  lu.assertEquals(assert(sb.image.load(out)):size(1), 3)
  write(path, "chelsea.png eye 83 433 64 76\ncoffee.png eye 1 2 5 6\n")
  lu.assertStrContains((h.shell(command)), "eye of chelsea.png is at 83 433 64 76, the picture has 300x451")
end

return T
