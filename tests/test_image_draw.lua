-- Colours, display normalisation, drawing, grids.
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local image = sb.image
local T = {}

-- ---- Stretch ----------------------------------------------------------------------------------------------

function T.test_stretch_of_one_sign_is_minmax()
  h.close(image.stretch(sb.tensor { { 2, 4, 6 } }), sb.tensor { { 0, 0.5, 1 } }, 1e-6)
  h.close(image.stretch(sb.tensor { { -6, -4, -2 } }), sb.tensor { { 0, 0.5, 1 } }, 1e-6)
end

function T.test_stretch_of_both_signs_keeps_zero_in_the_middle()
  local t = sb.tensor { { -1, 0, 4 } }
  h.close(image.stretch(t), sb.tensor { { 0.375, 0.5, 1 } }, 1e-6)
  h.close(image.stretch(t, { method = "minmax" }), sb.tensor { { 0, 0.2, 1 } }, 1e-6)
  h.close(image.stretch(sb.tensor { { 2, 4 } }, { method = "symmetric" }), sb.tensor { { 0.75, 1 } }, 1e-6)
end

function T.test_stretch_treats_each_image_or_channel_alone()
  local t = sb.tensor { { { { 0, 1 } }, { { 0, 2 } } }, { { { 0, 10 } }, { { 0, 40 } } } } -- (2,2,1,2)
  local each = image.stretch(t)
  h.close(each, sb.tensor { { { { 0, 0.5 } }, { { 0, 1 } } }, { { { 0, 0.25 } }, { { 0, 1 } } } }, 1e-6)
  local channels = image.stretch(t, { per_channel = true })
  h.close(channels, sb.tensor { { { { 0, 1 } }, { { 0, 1 } } }, { { { 0, 1 } }, { { 0, 1 } } } }, 1e-6)
end

-- The middle 80 % of 1..1001 in any order, between nearest ranks: 101 to 901.
function T.test_stretch_by_percentile_ignores_outliers()
  local values = sb.rng(1):permutation(1001)
  local t = sb.tensor { values }
  local y = image.stretch(t, { percentile = 80 })
  for i = 1, 1001 do
    local expected = math.max(0, math.min(1, (values[i] - 101) / 800))
    lu.assertAlmostEquals(y[{ 1, i }], expected, 1e-6)
  end
  lu.assertEquals(image.stretch(t, { method = "percentile" }):totable(),
    image.stretch(t, { percentile = 99 }):totable())
  lu.assertEquals(image.stretch(t, { percentile = 100 }):totable(), image.stretch(t):totable())
end

function T.test_stretch_of_constants_and_of_what_is_no_number()
  lu.assertEquals(image.stretch(sb.full(7, 1, 2, 2)):totable(), { { { 0.5, 0.5 }, { 0.5, 0.5 } } })
  lu.assertEquals(image.stretch(sb.zeros(2, 2)):totable(), { { 0.5, 0.5 }, { 0.5, 0.5 } })
  local t = sb.tensor { { 1, 0 / 0, 3, math.huge, -math.huge } }
  lu.assertEquals(image.stretch(t):totable(), { { 0, 0, 1, 1, 0 } })
  lu.assertEquals(image.stretch(t, { percentile = 50 }):max(), 1.0)
end

function T.test_stretch_refuses()
  local t = sb.zeros(2, 2)
  h.error_has(image.stretch, "unknown method 'min-max'; did you mean 'minmax'?", t, { method = "min-max" })
  h.error_has(image.stretch, "percentile must be above 0 and at most 100, got 101", t, { percentile = 101 })
end

-- ---- Colours ----------------------------------------------------------------------------------------------

local function color_at(name, t)
  local c = image.colormap(sb.tensor { { t } }, name)
  return { c[1][1][1], c[2][1][1], c[3][1][1] }
end

-- Published values: tolerance 0.02 where ours are interpolated or approximated, else rounding.
local PUBLISHED = {
  { "viridis", 0, { 0.267004, 0.004874, 0.329415 }, 0.001 },
  { "viridis", 0.25, { 0.229739, 0.322361, 0.545706 }, 0.02 },
  { "viridis", 0.5, { 0.127568, 0.566949, 0.550556 }, 0.02 },
  { "viridis", 1, { 0.993248, 0.906157, 0.143936 }, 0.002 },
  { "jet", 0, { 0, 0, 0.5 }, 1e-6 },
  { "jet", 0.375, { 0, 1, 1 }, 1e-6 },
  { "jet", 1, { 0.5, 0, 0 }, 1e-6 },
  { "heat", 0.5, { 1, 0.5, 0 }, 1e-6 },
  { "heat", 1, { 1, 1, 1 }, 1e-6 },
  { "grey", 0.3, { 0.3, 0.3, 0.3 }, 1e-6 },
  { "diverging", 0, { 5 / 255, 48 / 255, 97 / 255 }, 1e-6 },
  { "diverging", 0.5, { 1, 1, 1 }, 1e-6 },
  { "diverging", 1, { 103 / 255, 0, 31 / 255 }, 1e-6 },
}

function T.test_colormaps_have_their_published_colors()
  for _, case in ipairs(PUBLISHED) do
    local name, t, expected, tolerance = table.unpack(case)
    local color = color_at(name, t)
    for c = 1, 3 do lu.assertAlmostEquals(color[c], expected[c], tolerance, name .. " at " .. t) end
  end
end

-- turbo: from blue over green to red.
function T.test_turbo_is_a_rainbow()
  local blue, green, red = color_at("turbo", 0.15), color_at("turbo", 0.5), color_at("turbo", 0.9)
  lu.assertTrue(blue[3] > 0.8 and blue[1] < 0.4)
  lu.assertTrue(green[2] > 0.9 and green[2] > green[1] + 0.2)
  lu.assertTrue(red[1] > 0.7 and red[3] < 0.1)
end

function T.test_even_maps_rise_in_lightness()
  for _, name in ipairs { "viridis", "heat", "grey" } do
    local last = -1
    for i = 0, 100 do
      local light = image.luminance(image.colormap(sb.tensor { { i / 100 } }, name))[1][1][1]
      lu.assertTrue(light > last, name)
      last = light
    end
  end
end

function T.test_colormap_clamps_and_refuses()
  lu.assertEquals(color_at("heat", -3), { 0, 0, 0 })
  lu.assertEquals(color_at("heat", 0 / 0), { 0, 0, 0 })
  lu.assertEquals(color_at("heat", 9), { 1, 1, 1 })
  h.error_has(image.colormap, "unknown colour map 'virids'; did you mean 'viridis'?",
    sb.zeros(2, 2), "virids")
  h.error_has(image.colormap, "the map must have one channel, it has 3", sb.zeros(3, 2, 2))
end

function T.test_luminance_rgb_and_blend()
  local t = sb.tensor { { { 1, 0 } }, { { 0, 1 } }, { { 0, 0.5 } } }
  h.close(image.luminance(t), sb.tensor { { { 0.299, 0.587 + 0.057 } } }, 1e-6)
  lu.assertEquals(image.rgb(sb.tensor { { 0.5 } }):totable(), { { { 0.5 } }, { { 0.5 } }, { { 0.5 } } })
  h.close(image.blend(sb.zeros(1, 1, 2), t, 0.25), t * 0.25, 1e-6)
  local mask = sb.tensor { { { 0, 1 } } }
  local masked = image.blend(sb.full(0.5, 3, 1, 2), t, mask)
  h.close(masked, sb.tensor { { { 0.5, 0 } }, { { 0.5, 1 } }, { { 0.5, 0.5 } } }, 1e-6)
  h.error_has(image.luminance, "must have 3 channels, it has 1", mask)
  h.error_has(image.blend, "sizes differ: 1x2 and 2x2", t, sb.zeros(1, 2, 2), 0.5)
  h.error_has(image.blend, "channels differ: 2 and 3", t, sb.zeros(2, 1, 2), 0.5)
end

function T.test_heat_lays_the_colors_of_the_map_over_the_image()
  local photo = sb.full(0.5, 1, 8, 8)
  local map = sb.tensor { { 0, 0, 10, 10 }, { 0, 0, 10, 10 } }
  local y = image.heat(photo, map, { alpha = 0.4, colormap = "grey" })
  lu.assertEquals(y:size(), { 3, 8, 8 })
  lu.assertAlmostEquals(y[{ 1, 1, 1 }], 0.6 * 0.5, 1e-6)
  lu.assertAlmostEquals(y[{ 3, 8, 8 }], 0.6 * 0.5 + 0.4, 1e-6)
  local raw = image.heat(photo, sb.full(0.25, 1, 1), { stretch = false, alpha = 1, colormap = "grey" })
  h.close(raw, sb.full(0.25, 3, 8, 8), 1e-6)
  local pinned = { alpha = 1, colormap = "grey", stretch = { method = "symmetric" } }
  lu.assertAlmostEquals(image.heat(photo, map, pinned)[{ 1, 1, 1 }], 0.5, 1e-6)
end

-- ---- Drawing ----------------------------------------------------------------------------------------------

function T.test_rectangles_are_clipped()
  local t = sb.zeros(1, 3, 4)
  lu.assertIs(image.rectangle(t, 0, 4, 2, 9), t)
  lu.assertEquals(t[1]:totable(), { { 0, 0, 0, 1 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } })
  image.rectangle(t, math.mininteger, math.maxinteger, math.maxinteger, math.maxinteger)
  lu.assertEquals(t:sum(), 1.0)
  local rgb = image.rectangle(sb.zeros(3, 1, 1), 1, 1, 1, 1, { 0.1, 0.2, 0.3 })
  h.close(rgb, sb.tensor { { { 0.1 } }, { { 0.2 } }, { { 0.3 } } }, 1e-6)
end

function T.test_frame()
  local t = image.frame(sb.zeros(1, 5, 5), 1, 1, 5, 4, { color = 1, width = 1 })
  lu.assertEquals(t[1]:totable(),
    { { 1, 1, 1, 1, 0 }, { 1, 0, 0, 1, 0 }, { 1, 0, 0, 1, 0 }, { 1, 0, 0, 1, 0 }, { 1, 1, 1, 1, 0 } })
end

function T.test_paste()
  local t = image.paste(sb.zeros(3, 2, 3), 2, 0, sb.tensor { { 0.5, 0.25 }, { 1, 1 } })
  for c = 1, 3 do lu.assertEquals(t[c]:totable(), { { 0, 0, 0 }, { 0.25, 0, 0 } }) end
  h.error_has(image.paste, "a picture of 3 channels does not fit one of 1", sb.zeros(1, 2, 2), 1, 1, t)
end

-- ---- Text -------------------------------------------------------------------------------------------------

-- At scale 1 an upright stroke fills one column of pixels: "I" is a stem between serifs.
function T.test_strokes_are_sharp_at_scale_1()
  local t = image.text(sb.full(1, 1, 9, 3), 1, 1, "I")
  local rows = { { 0, 0, 0 } }
  for i = 2, 8 do rows[i] = { 1, 0, 1 } end
  rows[9] = { 0, 0, 0 }
  lu.assertEquals(t[1]:totable(), rows)
end

local function ink_box(s, scale)
  local t = image.text(sb.zeros(1, 100, 900), 11, 11, s, { scale = scale, color = 1 })
  local rows, columns = t[1]:max(2), t[1]:max(1)
  local function ends(v)
    local first, last
    for i = 1, v:size(1) do
      if v[i] > 0.3 then first, last = first or i, i end
    end
    return first, last
  end
  local top, bottom = ends(rows)
  local left, right = ends(columns)
  return top, bottom, left, right
end

function T.test_text_stays_in_the_box_that_text_size_tells()
  for _, scale in ipairs { 1, 1.5, 2, 3 } do
    for _, s in ipairs { "Hg", "inception_4c/output (12.3%)", "mMwW@#|" } do
      local height, width = image.text_size(s, scale)
      local top, bottom, left, right = ink_box(s, scale)
      lu.assertTrue(top >= 11 and bottom <= 10 + height, s)
      lu.assertTrue(left >= 11 and right <= 10 + width, s)
      lu.assertTrue(right >= 10 + width - 1 - scale, s) -- and fills it
    end
  end
end

function T.test_every_character_has_a_look_of_its_own()
  local seen = {}
  for code = 33, 126 do
    local key = table.concat(image.text(sb.zeros(14, 20), 2, 2, string.char(code), { color = 1 }):reshape(280)
      :totable(), " ")
    lu.assertNil(seen[key], string.char(code))
    seen[key] = true
  end
end

function T.test_other_characters_show_as_one_question_mark()
  local function drawn(s) return image.text(sb.zeros(12, 60), 1, 1, s, { color = 1 }):totable() end
  lu.assertEquals(drawn "caf\u{e9}!", drawn "caf?!")
  lu.assertEquals(drawn "a\u{1f600}b", drawn "a?b")
  lu.assertEquals(drawn "\xff\xfe", drawn "??")
end

function T.test_text_is_clipped()
  local t = sb.zeros(1, 5, 5)
  for _, at in ipairs { -1000, -3, 4, 1000, math.maxinteger, math.mininteger } do
    image.text(t, at, at, "clipped", { scale = 2 })
  end
  h.error_has(image.text, "scale must be above 0", t, 1, 1, "a", { scale = 0 })
end

function T.test_elide()
  local _, width = image.text_size "inception..."
  lu.assertEquals(image.elide("inception_4c/output", width), "inception...")
  lu.assertEquals(image.elide("short", 1000), "short")
  lu.assertEquals(image.elide("anything", 3), "")
  lu.assertEquals(image.elide(("m"):rep(1e6), 40), "mmmm...") -- 8 pixels a letter, 2 a dot; and at once
  local accents = image.elide(("\u{e9}"):rep(50), 100)
  lu.assertNotNil(utf8.len(accents))
end

-- ---- Grids ------------------------------------------------------------------------------------------------

function T.test_grid_places_its_cells()
  local a, b = sb.full(0.25, 1, 64, 64), sb.full(0.75, 1, 64, 64)
  local g = image.grid({ a, b, a }, { columns = 2, gap = 4, scale = 1 })
  lu.assertEquals(g:size(), { 3, 4 + 68 * 2, 4 + 68 * 2 })
  lu.assertEquals(image.crop(g, 5, 5, 64, 64):totable(), image.rgb(a):totable())
  lu.assertEquals(image.crop(g, 5, 73, 64, 64):totable(), image.rgb(b):totable())
  lu.assertEquals(image.crop(g, 73, 5, 64, 64):totable(), image.rgb(a):totable())
  lu.assertEquals(image.crop(g, 73, 73, 64, 64):min(), 1.0)
end

function T.test_grid_enlarges_small_pictures_by_whole_pixels()
  local small = sb.tensor { { 0, 1 }, { 1, 0 } }
  local g = image.grid({ sb.zeros(3, 64, 65), small }, { columns = 1, gap = 0, scale = 1 })
  lu.assertEquals(g:size(), { 3, 128, 65 })
  local large = image.resize(small, 64, 64, { method = "nearest" })
  lu.assertEquals(image.crop(g, 65, 1, 64, 64)[2]:totable(), large:totable())
  lu.assertEquals(image.grid({ small }, { gap = 0 }):size(), { 3, 160, 160 })
  local many = sb.zeros(24, 2, 2) -- are shown smaller
  lu.assertEquals(image.grid(many, { gap = 0 }):size(), { 3, 4 * 64, 6 * 64 })
  lu.assertEquals(image.grid({ small }, { gap = 0, scale = 3 }):size(), { 3, 6, 6 })
end

function T.test_grid_writes_labels_and_title()
  local cell = sb.full(1, 1, 64, 64)
  local plain = image.grid({ cell, cell }, { columns = 2, scale = 1 })
  local labels = { "a", "a label far too long for its cell" }
  local labelled = image.grid({ cell, cell }, { columns = 2, scale = 1, labels = labels })
  local title = "A title wider than its two cells"
  local titled = image.grid({ cell, cell }, { columns = 2, scale = 1, labels = labels, title = title })
  lu.assertTrue(labelled:size(2) > plain:size(2) and titled:size(2) > labelled:size(2))
  lu.assertTrue(titled:size(3) > plain:size(3))
  local under = image.crop(labelled, 73, 9, labelled:size(2) - 72, 64)
  lu.assertTrue(under:min() < 0.2)
  -- nothing is written outside of the cells' columns
  lu.assertEquals(image.crop(labelled, 1, 73, labelled:size(2), 8):min(), 1.0)
end

function T.test_grid_text_contrasts_with_the_background()
  local cell = sb.full(0.1, 1, 64, 64)
  local dark = image.grid({ cell }, { background = 0.1, labels = { "light" } })
  lu.assertTrue(dark:max() > 0.9)
end

function T.test_grid_takes_tensors()
  local maps = sb.rand(sb.rng(1), 6, 64, 64)
  local list = {}
  for i = 1, 6 do list[i] = maps[i] end
  lu.assertEquals(image.grid(maps):totable(), image.grid(list):totable())
  local two = image.grid(sb.zeros(2, 3, 64, 64), { columns = 2, gap = 0, scale = 1 })
  lu.assertEquals(two:size(), { 3, 64, 128 })
end

function T.test_grid_leaves_few_cells_empty()
  local function columns(n)
    local g = image.grid(sb.zeros(n, 64, 64), { gap = 0, scale = 1 })
    return g:size(3) // 64
  end
  for n, expected in pairs { [1] = 1, [2] = 2, [9] = 3, [64] = 8, [96] = 12 } do
    lu.assertEquals(columns(n), expected)
  end
end

function T.test_grid_refuses()
  h.error_has(image.grid, "there are no pictures", {})
  local list = { sb.zeros(2, 2) }
  h.error_has(image.grid, "unknown option 'colums'; did you mean 'columns'?", list, { colums = 2 })
  h.error_has(image.grid, "a picture of 4 channels does not fit one of 3", { sb.zeros(4, 64, 64) })
end

return T
