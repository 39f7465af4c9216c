-- Files: what we decode of files built by hand, what we write, and what we refuse.
local core = require "switchback.core"
local files = require "imagefiles"
local h = require "helper"
local lu = require "luaunit"
local process_memory = require "process_memory"
local sb = require "switchback"

local image = sb.image
local T = {}

local function bytes_of(path)
  local f = assert(io.open(path, "rb"))
  local bytes = f:read("a")
  f:close()
  return bytes
end

-- A fresh folder; f(folder) runs, then the folder goes.
local function in_folder(f)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir '" .. folder .. "'"))
  local ok, message = pcall(f, folder)
  os.execute("rm -r '" .. folder .. "'")
  if not ok then error(message, 0) end
end

-- Every 8-bit value, twice, in three different orders.
local function all_levels()
  local planes = {}
  for c, step in ipairs { 1, 37, 101 } do
    planes[c] = {}
    for y = 1, 16 do
      planes[c][y] = {}
      for x = 1, 32 do planes[c][y][x] = ((y - 1) * 32 + x - 1) * step % 256 / 255 end
    end
  end
  return sb.tensor(planes)
end

-- ---- Decoding ---------------------------------------------------------------------------------------------

-- 1e-7: v / 255 rounded to float32.
function T.test_png_grey_and_rgb()
  local grey = assert(image.decode(files.png(3, 2, 8, 0, { "\0\127\255", "\1\2\3" })))
  h.close(grey, sb.tensor { { { 0, 127 / 255, 1 }, { 1 / 255, 2 / 255, 3 / 255 } } }, 1e-7)
  local rgb = assert(image.decode(files.png(2, 1, 8, 2, { "\255\0\51\0\102\255" })))
  h.close(rgb, sb.tensor { { { 1, 0 } }, { { 0, 0.4 } }, { { 0.2, 1 } } }, 1e-7)
end

function T.test_png_16_bits_keep_their_precision()
  local t = assert(image.decode(files.png(2, 1, 16, 0, { string.pack(">I2I2", 1, 40000) })))
  h.close(t, sb.tensor { { { 1 / 65535, 40000 / 65535 } } }, 1e-7)
end

function T.test_png_palette_and_few_bits()
  local palette = files.chunk("PLTE", "\255\0\0\0\255\0")
  local t = assert(image.decode(files.png(3, 1, 1, 3, { "\xa0" }, palette))) -- 1 0 1
  lu.assertEquals(t:totable(), { { { 0, 1, 0 } }, { { 1, 0, 1 } }, { { 0, 0, 0 } } })
  local bits = assert(image.decode(files.png(4, 1, 2, 0, { "\x1b" }))) -- 0 1 2 3
  h.close(bits, sb.tensor { { { 0, 1 / 3, 2 / 3, 1 } } }, 1e-7)
end

function T.test_alpha_goes_over_white_or_the_background_given()
  local grey = files.png(2, 1, 8, 4, { "\0\51\255\0" }) -- black at 20 %, white at 0 %
  h.close(assert(image.decode(grey)), sb.tensor { { { 0.8, 1 } } }, 1e-6)
  h.close(assert(image.decode(grey, { background = 0 })), sb.tensor { { { 0, 0 } } }, 1e-6)
  local rgba = files.png(1, 1, 16, 6, { string.pack(">I2I2I2I2", 65535, 0, 0, 32768) })
  local half = 1 - 32768 / 65535
  h.close(assert(image.decode(rgba)), sb.tensor { { { 1 } }, { { half } }, { { half } } }, 1e-6)
end

function T.test_channels_converts()
  local rgb = files.png(1, 1, 8, 2, { "\255\0\51" })
  h.close(assert(image.decode(rgb, { channels = 1 })), sb.tensor { { { 0.299 + 0.114 * 0.2 } } }, 1e-6)
  local grey = files.png(1, 1, 8, 0, { "\51" })
  local repeated = sb.tensor { { { 0.2 } }, { { 0.2 } }, { { 0.2 } } }
  h.close(assert(image.decode(grey, { channels = 3 })), repeated, 1e-7)
  h.error_has(image.decode, "channels must be 1 or 3, got 2", grey, { channels = 2 })
  h.error_has(image.decode, "unknown option 'chanels'; did you mean 'channels'?", grey, { chanels = 3 })
end

function T.test_bmp_tga_gif()
  local red, blue, grey = { 255, 0, 0 }, { 0, 0, 255 }, { 51, 51, 51 }
  local expected = sb.tensor {
    { { 1, 0 }, { 0.2, 1 } }, { { 0, 0 }, { 0.2, 0 } }, { { 0, 1 }, { 0.2, 0 } },
  }
  h.close(assert(image.decode(files.bmp { { red, blue }, { grey, red } })), expected, 1e-7)
  local top_down = "\0\0\255\255\0\0\51\51\51\0\0\255" -- blue, green, red
  h.close(assert(image.decode(files.tga(2, 2, 2, 24, 0x20, top_down))), expected, 1e-7)
  local packets = "\0\0\0\255\0\255\0\0\0\51\51\51\x80\0\0\255"
  h.close(assert(image.decode(files.tga(10, 2, 2, 24, 0x20, packets))), expected, 1e-7)
  local gif = assert(image.decode(files.gif(3, 2, { 0, 51, 255, 1, 2, 3 })))
  h.close(gif:narrow(1, 1, 1), sb.tensor { { { 0, 0.2, 1 }, { 1 / 255, 2 / 255, 3 / 255 } } }, 1e-7)
end

-- 32-bit TGA files of many programs say that their fourth byte is no alpha, and leave it 0.
function T.test_tga_without_alpha_bits_is_opaque()
  local t = assert(image.decode(files.tga(2, 1, 1, 32, 0x20, "\0\0\255\0")))
  lu.assertEquals(t:totable(), { { { 1 } }, { { 0 } }, { { 0 } } })
end

function T.test_pnm_scales_by_its_own_maximum()
  h.close(assert(image.decode("P5 # a comment\n2 1\n15\n\3\15")), sb.tensor { { { 0.2, 1 } } }, 1e-7)
  local wide = "P6\n1 1\n1000\n" .. string.pack(">I2I2I2", 1000, 500, 250)
  h.close(assert(image.decode(wide)), sb.tensor { { { 1 } }, { { 0.5 } }, { { 0.25 } } }, 1e-7)
end

function T.test_photo_from_a_file()
  local t = assert(image.load "tests/images/chelsea.png")
  lu.assertEquals(t:size(), { 3, 300, 451 })
  -- skimage.data.chelsea()[0, 0] is [143, 120, 104]
  for c, level in ipairs { 143, 120, 104 } do lu.assertAlmostEquals(t[{ c, 1, 1 }], level / 255, 1e-7) end
  lu.assertEquals(assert(image.load("tests/images/chelsea.png", { channels = 1 })):size(), { 1, 300, 451 })
end

-- ---- Encoding ---------------------------------------------------------------------------------------------

-- Rows for which each of the filters is best (PNG, section 9): flat, across, down, along both and noise.
function T.test_png_rows_of_all_kinds_come_back()
  local rng, along = sb.rng(5), function(f)
    return function(rows, columns)
      local y = sb.arange(0, rows - 1):reshape(1, rows, 1)
      local x = sb.arange(0, columns - 1):reshape(1, 1, columns)
      return (y * f[1] + x * f[2]) % 256
    end
  end
  local kinds = { along { 0, 0 }, along { 0, 3 }, along { 7, 0 }, along { 3, 5 }, along { 11, 251 },
    function(rows, columns) return (sb.rand(rng, 1, rows, columns) * 255):floor() end,
    function(rows, columns)
      return (sb.rand(rng, 1, rows, 1) * 99 + sb.rand(rng, 1, 1, columns) * 99):floor()
    end }
  for _, size in ipairs { { 1, 1 }, { 1, 77 }, { 40, 1 }, { 37, 53 } } do
    for i, kind in ipairs(kinds) do
      local grey = kind(table.unpack(size)) / 255
      local rgb = sb.cat({ grey, kinds[i % #kinds + 1](table.unpack(size)) / 255, 1 - grey }, 1)
      for _, picture in ipairs { grey, rgb } do
        local back = assert(image.decode(assert(image.encode(picture, "png"))))
        lu.assertEquals(back:size(), picture:size())
        lu.assertTrue((back - picture):abs():max() < 1e-6, ("kind %d, %dx%d"):format(i, size[1], size[2]))
      end
    end
  end
end

function T.test_png_keeps_every_level_exactly()
  local t = all_levels()
  lu.assertEquals(assert(image.decode(assert(image.encode(t, "png")))):totable(), t:totable())
  local grey = t:narrow(1, 2, 1)
  lu.assertEquals(assert(image.decode(assert(image.encode(grey, "png")))):totable(), grey:totable())
end

function T.test_values_are_clamped_and_rounded_and_nan_is_black()
  local t = sb.tensor { { -1, 0.4 / 255, 0.6 / 255, 2, 0 / 0, math.huge, -math.huge } }
  local back = assert(image.decode(assert(image.encode(t, "png"))))
  lu.assertEquals((back * 255):totable(), { { { 0, 0, 1, 255, 0, 255, 0 } } })
end

-- A smooth picture: at quality 95 quantisation leaves at most about 3 levels of 255.
function T.test_jpeg_is_close()
  local corners = sb.tensor { { { 0, 1 }, { 0.5, 0.2 } }, { { 1, 0 }, { 0, 1 } }, { { 0.3, 0.3 }, { 1, 0 } } }
  local t = image.resize(corners, 64, 48, { method = "bilinear" })
  local fine = assert(image.encode(t, "jpeg"))
  h.close(assert(image.decode(fine)), t, 4 / 255)
  lu.assertTrue(#assert(image.encode(t, "jpeg", { quality = 30 })) < #fine)
end

function T.test_encode_takes_one_image_only()
  local function png(...) return assert(image.encode(sb.zeros(...), "png")) end
  lu.assertEquals(png(1, 3, 4, 5), png(3, 4, 5))
  lu.assertEquals(png(4, 5), png(1, 4, 5))
  h.error_has(image.encode, "expected one image of 1 or 3 channels, got 2x3x4x5", sb.zeros(2, 3, 4, 5), "png")
  h.error_has(image.encode, "got 4x5x6", sb.zeros(4, 5, 6), "png")
  h.error_has(image.encode, "not empty, got 3x0x5", sb.zeros(3, 0, 5), "png")
  h.error_has(image.encode, "unknown format 'jpg'; did you mean 'jpeg'", sb.zeros(4, 5), "jpg")
  h.error_has(image.encode, "quality must be 1 to 100, got 0", sb.zeros(4, 5), "jpeg", { quality = 0 })
end

-- ---- Saving -----------------------------------------------------------------------------------------------

function T.test_save_and_load()
  in_folder(function(folder)
    local t = all_levels()
    lu.assertTrue(image.save(folder .. "/a.PNG", t))
    lu.assertEquals(assert(image.load(folder .. "/a.PNG")):totable(), t:totable())
    lu.assertTrue(image.save(folder .. "/a.jpg", t))
    lu.assertEquals(bytes_of(folder .. "/a.jpg"):sub(1, 3), "\xff\xd8\xff")
    lu.assertEquals(#core.files.list(folder), 2) -- no temporary file stays
  end)
end

function T.test_save_to_where_nothing_can_be_written()
  in_folder(function(folder)
    local t = sb.zeros(1, 4, 4)
    local ok, message = image.save(folder .. "/none/a.png", t)
    lu.assertNil(ok)
    lu.assertStrContains(message, folder .. "/none/a.png: No such file or directory")
    assert(os.execute("mkdir " .. folder .. "/full.png && touch " .. folder .. "/full.png/kept"))
    ok, message = image.save(folder .. "/full.png", t)
    lu.assertNil(ok)
    lu.assertStrContains(message, folder .. "/full.png: ")
    lu.assertEquals(core.files.list(folder), { "full.png" })
    lu.assertEquals(core.files.list(folder .. "/full.png"), { "kept" })
  end)
end

-- The temporary file cannot be made where a folder has its name: the picture that was there stays.
function T.test_a_failed_save_leaves_the_old_picture()
  in_folder(function(folder)
    local path = folder .. "/a.png"
    assert(image.save(path, sb.full(1, 1, 2, 2)))
    assert(os.execute("mkdir " .. path .. ".part"))
    lu.assertNil((image.save(path, sb.zeros(1, 9, 9))))
    lu.assertEquals(assert(image.load(path)):totable(), { { { 1, 1 }, { 1, 1 } } })
  end)
end

function T.test_save_wants_a_known_extension()
  h.error_has(image.save, "cannot write 'a.gif'; the name must end in .png, .jpg or .jpeg", "a.gif",
    sb.zeros(1, 2, 2))
  h.error_has(image.save, "cannot write 'a'", "a", sb.zeros(1, 2, 2))
  h.error_has(image.save, "the path must be a string", sb.zeros(1, 2, 2), "a.png")
end

-- ---- Refusals ---------------------------------------------------------------------------------------------

local function refused(text, bytes)
  local t, message = image.decode(bytes)
  lu.assertNil(t)
  lu.assertStrContains(message, text)
end

function T.test_what_is_no_image()
  refused("the file is empty", "")
  refused("not a PNG, JPEG, GIF, BMP, TGA or binary PNM image", ("hello world "):rep(20))
  local t, message = image.load "tests/images/README.md"
  lu.assertNil(t)
  lu.assertStrContains(message, "tests/images/README.md: not a PNG")
  t, message = image.load "tests/images/none.png"
  lu.assertNil(t)
  lu.assertStrContains(message, "tests/images/none.png: No such file or directory")
  t, message = image.load "tests/images"
  lu.assertNil(t)
  lu.assertStrContains(message, "tests/images: ")
end

-- The resident memory's peak in kB.
local function peak() return process_memory "VmHWM" end

function T.test_small_files_cannot_claim_large_images()
  local before = peak()
  local header = files.chunk("IHDR", string.pack(">I4I4BBBBB", 16000, 16000, 8, 2, 0, 0, 0))
  refused("cannot hold the 16000x16000 pixels", files.png_signature .. header .. files.chunk("IEND", ""))
  header = files.chunk("IHDR", string.pack(">I4I4BBBBB", 0x7fffffff, 0x7fffffff, 16, 6, 0, 0, 0))
  refused("more than the limit", files.png_signature .. header .. files.chunk("IEND", ""))
  refused("cannot hold", "GIF89a" .. string.pack("<I2I2BBB", 60000, 4000, 0, 0, 0) .. ("\0"):rep(40))
  refused("cannot hold", "P6 16000 16000 255\n")
  refused("cannot hold", files.tga(10, 60000, 4000, 24, 0, "\xff\0\0\0"))
  refused("cannot hold", files.bmp({ { { 0, 0, 0 } } }):gsub("^(" .. ("."):rep(18) .. ")........",
    "%1" .. string.pack("<i4i4", 16000, -16000)))
  local jpeg = assert(image.encode(sb.zeros(8, 8), "jpeg"))
  local frame = jpeg:find("\xff\xc0", 1, true)
  refused("cannot hold", jpeg:sub(1, frame + 4) .. string.pack(">I2I2", 16000, 16000) .. jpeg:sub(frame + 9))
  lu.assertTrue(peak() - before < 20000, "refusing took memory")
end

function T.test_images_without_pixels()
  refused("no pixels", files.png(0, 4, 8, 0, { "" }))
  refused("no pixels", "P5 0 4 255\n")
  refused("largest value 0", "P5 1 1 0\n\0")
end

-- Every kind of file, small: { name = bytes }.
local function samples()
  local t = all_levels()
  local pixels = {}
  for i = 1, 20 * 15 do pixels[i] = i % 256 end
  local rows = { "\255\0\51\0\102\255", "\1\2\3\4\5\6" }
  local p, q = { 1, 2, 3 }, { 200, 100, 50 }
  return {
    ours = assert(image.encode(t, "png")),
    stored = files.png(2, 2, 8, 2, rows),
    jpeg = assert(image.encode(t, "jpeg")),
    progressive = bytes_of "tests/images/chelsea_progressive.jpg",
    bmp = files.bmp { { p, q, p, q }, { q, q, p, p } }, -- four pixels make whole words: no padding
    tga = files.tga(2, 8, 8, 24, 0x20, ("abc"):rep(64)),
    rle = files.tga(10, 8, 8, 24, 0x20, ("\x87abc"):rep(8)),
    gif = files.gif(20, 15, pixels),
    ppm = "P6\n8 8\n255\n" .. ("abc"):rep(64),
  }
end

-- samples in the order of their names, so that every run damages them in the same way.
local function sorted_samples()
  local all, names = samples(), {}
  for name in pairs(all) do names[#names + 1] = name end
  table.sort(names)
  local i = 0
  return function()
    i = i + 1
    return names[i], all[names[i]]
  end
end

-- A file may end in bytes that a reader does not need: the last two of a GIF, whose picture is complete.
function T.test_files_cut_short_are_refused()
  local rng, spare = sb.rng(1), { gif = 1 }
  for name, bytes in sorted_samples() do
    for _ = 1, 200 do
      local n = rng:integer(0, #bytes - 1 - (spare[name] or 0))
      local t, message = image.decode(bytes:sub(1, n))
      if t then error(("%s cut to %d of %d bytes was accepted"):format(name, n, #bytes)) end
      lu.assertIsString(message)
    end
  end
end

local function flipped(bytes, rng)
  local at = rng:integer(1, #bytes)
  return bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << rng:integer(0, 7)) .. bytes:sub(at + 1)
end

local function image_or_message(bytes)
  local t, message = image.decode(bytes)
  if not t then
    lu.assertIsString(message)
    return
  end
  local channels = t:size(1)
  lu.assertTrue(channels == 1 or channels == 3)
  lu.assertTrue(t:min() >= 0 and t:max() <= 1)
end

function T.test_flipped_bits_give_an_image_or_a_message()
  local rng = sb.rng(2)
  for _, bytes in sorted_samples() do
    for _ = 1, 2000 do image_or_message(flipped(bytes, rng)) end
  end
end

-- PNG has checksums: a flipped bit anywhere is noticed.
function T.test_flipped_bits_in_png_are_noticed()
  local rng, bytes = sb.rng(3), samples().ours
  for _ = 1, 500 do lu.assertNil((image.decode(flipped(bytes, rng)))) end
end

-- Behind the checksums: chunks whose content is flipped and whose checksum is right.
function T.test_forged_png_gives_an_image_or_a_message()
  local rng, t = sb.rng(4), assert(image.encode(all_levels(), "png"))
  local header, data = t:sub(17, 29), t:sub(42, -17)
  for i = 1, 500 do
    local a, b = header, data
    if i % 2 == 0 then a = flipped(a, rng) else b = flipped(b, rng) end
    image_or_message(files.png_signature .. files.chunk("IHDR", a) .. files.chunk("IDAT", b)
      .. files.chunk("IEND", ""))
  end
end

-- The parts of a JPEG file around its first segment of that kind.
local function split_at(jpeg, marker)
  local first = jpeg:find("\xff" .. marker, 1, true)
  local after = first + 2 + string.unpack(">I2", jpeg, first + 2)
  return jpeg:sub(1, first - 1), jpeg:sub(first, after - 1), jpeg:sub(after)
end

-- Each scan costs the time of the whole image and hardly a byte.
function T.test_jpeg_with_endless_scans_is_refused()
  local before, scan, after = split_at(samples().jpeg, "\xda")
  refused("has over 500 scans", before .. scan:rep(501) .. after)
end

-- A first scan that says that it refines earlier ones.
function T.test_jpeg_scans_are_in_order()
  local before, scan, after = split_at(samples().progressive, "\xda")
  refused("scans out of order", before .. scan:sub(1, -2) .. "\x10" .. after)
end

function T.test_jpeg_tables_are_checked()
  local before, tables, after = split_at(samples().jpeg, "\xc4")
  local _
  refused("scan without its tables", before .. after)
  refused("Huffman table", before .. tables:gsub("^(.....).", "%1\xff") .. after)
  local crowded = "\xff\xc4" .. string.pack(">I2", 2 + 17) .. "\0" .. ("\xff"):rep(16)
  refused("Huffman table", before .. crowded .. after)
  before, _, after = split_at(samples().jpeg, "\xdb")
  refused("scan without its tables", before .. after)
  before, tables, after = split_at(samples().jpeg, "\xc0")
  refused("two frame headers", before .. tables:rep(2) .. after)
  refused("components without data", before .. tables .. "\xff\xd9")
end

return T
