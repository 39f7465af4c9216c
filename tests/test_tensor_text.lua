-- tostring(tensor): exact for small ones, bounded for large ones.
local lu = require "luaunit"
local sb = require "switchback"

local T = {}
local inf, nan = math.huge, 0 / 0

function T.test_small()
  lu.assertEquals(tostring(sb.tensor { { 1, 2 }, { 3, -4 } }), "tensor 2x2, -4 to 3\n    1    2\n    3   -4")
  lu.assertEquals(tostring(sb.tensor { 0.5, 1.25 }), "tensor 2, 0.5 to 1.25\n  0.5000  1.2500")
  lu.assertEquals(tostring(sb.tensor(3)), "tensor scalar, 3 to 3\n    3")
  lu.assertEquals(tostring(sb.zeros(0, 3)), "tensor 0x3, empty")
end

function T.test_not_finite()
  lu.assertEquals(tostring(sb.tensor { 1, nan, inf }), "tensor 3, 1 to 1, 1 NaN, 1 infinite\n    1  nan  inf")
  lu.assertStrContains(tostring(sb.tensor { nan }), "tensor 1, 1 NaN, 0 infinite")
end

function T.test_small_and_large_values_are_scientific()
  lu.assertStrContains(tostring(sb.tensor { 1e-6, 2e-6 }), "1.000e-06  2.000e-06")
  lu.assertStrContains(tostring(sb.tensor { 1.5e9 }), "1.500e+09")
end

function T.test_slices_are_named()
  local text = tostring(sb.arange(8):reshape(2, 2, 2))
  lu.assertEquals(text, table.concat({ "tensor 2x2x2, 1 to 8", "(1,.,.)", "    1    2", "    3    4",
    "(2,.,.)", "    5    6", "    7    8" }, "\n"))
  text = tostring(sb.zeros(3, 4, 1, 1))
  lu.assertStrContains(text, "(1,1,.,.)")
  lu.assertStrContains(text, "\n...\n")
  lu.assertStrContains(text, "(3,4,.,.)")
end

-- The last row and column are shown, with the corners of the tensor in the corners of the text.
function T.test_elided()
  local text = tostring(sb.arange(300 * 200):reshape(300, 200))
  lu.assertStrContains(text, "\n  ...\n")
  lu.assertStrMatches(text, "tensor 300x200, 1 to 60000\n +1 .*  %.%.%. .* 200\n.* 60000")
end

-- Every screen has 80 columns and 24 lines.
function T.test_fits_the_screen()
  local rng = sb.rng(1)
  local shapes = { { 1000 }, { 79, 11 }, { 500, 500 }, { 9, 9, 9 }, { 3, 4, 50, 60 }, { 2, 2, 2, 2, 2, 300 } }
  for _, shape in ipairs(shapes) do
    for _, scale in ipairs { 1, 1e-20, 1e20, 1e4 } do
      local lines = 0
      for line in (tostring(sb.randn(rng, shape) * scale) .. "\n"):gmatch "(.-)\n" do
        lines = lines + 1
        lu.assertTrue(#line <= 80, line)
      end
      lu.assertTrue(lines <= 24)
    end
  end
end

return T
