-- Charts of curves, as image and SVG, and the picture of a confusion.
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

local function chart(values)
  local points = {}
  for i, value in ipairs(values) do points[i] = { i, value } end
  return { title = "loss", x = "epoch", series = { { name = "a < b", points = points },
                                                   { name = "empty", points = {} } } }
end

-- The mean row of the pixels that are the first curve's blue, in columns [first, last].
local function height_of(picture, first, last)
  local sum, n = 0, 0
  for x = first, last do
    for y = 1, picture:size(2) do
      if picture[{ 1, y, x }] < 0.2 and picture[{ 3, y, x }] > 0.6 then sum, n = sum + y, n + 1 end
    end
  end
  return sum / n, n
end

function T.test_a_falling_curve_falls()
  local picture = sb.plot.curves({ chart { 5, 4, 3, 2, 1 } }, { width = 300, height = 200 })
  lu.assertEquals(picture:size(), { 3, 200, 300 })
  local left, n = height_of(picture, 60, 80)
  lu.assertTrue(n > 20)
  lu.assertTrue(left + 30 < (height_of(picture, 140, 160)))
end

function T.test_svg_has_each_point_and_no_bare_signs()
  local text = sb.plot.svg { chart { 1, 3, 2 }, chart { 0 / 0, 7 } }
  lu.assertStrContains(text, "a &lt; b")
  lu.assertNotStrContains(text, "empty")
  lu.assertNotStrContains(text, "nan")
  local line = text:match '<polyline points="([^"]*)"'
  lu.assertEquals(select(2, line:gsub("[%d.]+,[%d.]+", "")), 3)
  lu.assertStrContains(text, "<circle")
  lu.assertEquals(text:sub(-7), "</svg>\n")
end

-- Of an axis that must reach to 0 and 10 a value of 5 is in the middle; a color of one's own; a name without
-- a line in a legend.
function T.test_axes_colors_and_names_as_asked_for()
  local c = { title = "t", x = "x", y = { 0, 10 }, names = "ends", series = {
    { name = "five", color = { 1, 0, 1 }, points = { { 1, 5 }, { 2, 5 } } } } }
  local text = sb.plot.svg({ c }, { width = 300, height = 272 })
  local line = text:match '<polyline points="([^"]*)"[^>]*rgb%(255,0,255%)'
  lu.assertEquals(line:match ",([%d.]+)$", "128.0") -- between 28 below the top and 44 above the bottom
  lu.assertStrContains(text, ">five<")
  lu.assertEquals(select(2, text:gsub("<polyline", "")), 1)
end

function T.test_bars_have_lines_for_deviations()
  local function black(picture)
    local count = 0
    for x = 1, picture:size(3) do
      for y = 20, 30 do if picture:narrow(2, y, 1):narrow(3, x, 1):max() == 0 then count = count + 1 end end
    end
    return count
  end
  local with = sb.plot.bars({ "a" }, { 0.5 }, { maximum = 1, format = "", deviations = { 0.2 } })
  local without = sb.plot.bars({ "a" }, { 0.5 }, { maximum = 1, format = "" })
  local length = 0.4 * (420 - 3 * 6 - select(2, sb.image.text_size "0"))
  lu.assertAlmostEquals(black(with) - black(without), 2 * length, 4)
end

function T.test_confusion()
  local picture = sb.plot.confusion({ { 8, 2 }, { [2] = 10 } }, { "cat", "dog, hound" }, { cell = 120 })
  local function blueness(y, x) return picture[{ 3, y, x }] - picture[{ 1, y, x }] end
  local _, h, w = table.unpack(picture:size())
  local dog, cat = w - 20, w - 140
  lu.assertTrue(blueness(h - 20, dog) > 0.4) -- dog taken for dog
  lu.assertTrue(blueness(h - 20, cat) == 0) -- dog taken for cat: never
  lu.assertTrue(blueness(h - 140, dog) > 0.1) -- cat taken for dog, 20 %
  lu.assertTrue(blueness(h - 140, dog) < blueness(h - 140, cat))
end

return T
