-- Data sets, from files that the tests write.
local datasets = require "datasets"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local t = {}
local write, folder, class_folders = datasets.write, datasets.folder, datasets.class_folders

-- ---- idx -------------------------------------------------------------------------------------------------

local function idx_pictures(n, rows, columns)
  local bytes = {}
  for i = 1, n * rows * columns do bytes[i] = string.char(i % 256) end
  return string.pack(">I2BBI4I4I4", 0, 8, 3, n, rows, columns) .. table.concat(bytes)
end

local function idx_labels(list)
  return string.pack(">I2BBI4", 0, 8, 1, #list) .. string.char(table.unpack(list))
end

local function idx_set(name)
  local path = folder(name)
  write(path .. "/train-images-idx3-ubyte", idx_pictures(3, 2, 4))
  write(path .. "/train-labels-idx1-ubyte", idx_labels { 7, 0, 9 })
  return path
end

function t.test_idx()
  local path = idx_set "mnist"
  local d = assert(sb.data.open(path))
  lu.assertEquals(#d, 3)
  lu.assertEquals({ d:label(1), d:label(2), d.classes[d:label(3)] }, { 8, 1, "9" })
  h.close(d:picture(2), sb.tensor { { { 9, 10, 11, 12 }, { 13, 14, 15, 16 } } } / 255, 1e-7)
  lu.assertEquals(d:title(2), "train-images-idx3-ubyte: picture 2")
  lu.assertEquals(assert(sb.data.open(path, { channels = 3 })):picture(2):size(), { 3, 2, 4 })
  h.shell(("gzip '%s'/*"):format(path))
  lu.assertEquals(assert(sb.data.open(path)):picture(3):totable(), d:picture(3):totable())
end

function t.test_damaged_idx_files_are_named()
  local path = idx_set "bad_mnist"
  local function message(labels, pictures)
    write(path .. "/train-labels-idx1-ubyte", labels)
    write(path .. "/train-images-idx3-ubyte", pictures)
    return select(2, sb.data.open(path))
  end
  local whole = idx_pictures(3, 2, 4)
  lu.assertStrContains(message(idx_labels { 1, 2 }, whole), "2 labels for 3 pictures")
  lu.assertStrContains(message(idx_labels { 1, 2, 10 }, whole), "label 3 is 10, classes are 0 to 9")
  lu.assertStrContains(message(idx_labels { 1, 2, 3 }, whole:sub(1, -2)), "23 bytes follow the header")
  lu.assertStrContains(message(idx_labels { 1, 2, 3 }, whole:sub(1, 9)), "cut short")
  lu.assertStrContains(message(idx_labels { 1, 2, 3 }, ("x"):rep(40)), "expected an idx file")
end

-- ---- CIFAR-10 --------------------------------------------------------------------------------------------

-- The first picture is red on its first row of pixels, the second green in its second column.
local function cifar_picture(k, planar)
  local bytes = {}
  for y = 1, 32 do
    for x = 1, 32 do
      local marked = k == 1 and y == 1 or k == 2 and x == 2
      for c = 1, 3 do
        bytes[planar and ((c - 1) * 32 + y - 1) * 32 + x or ((y - 1) * 32 + x - 1) * 3 + c] =
          marked and c == k and "\255" or "\0"
      end
    end
  end
  return table.concat(bytes)
end

local function check_cifar(d)
  lu.assertEquals({ #d, d:label(1), d.classes[d:label(2)] }, { 2, 4, "truck" })
  local red, green = d:picture(1), d:picture(2)
  lu.assertEquals({ red:size(), red:sum(), red[1][1]:sum() }, { { 3, 32, 32 }, 32, 32 })
  lu.assertEquals({ green:sum(), green[2]:narrow(2, 2, 1):sum() }, { 32, 32 })
end

function t.test_cifar_in_binary()
  local path = folder "cifar"
  write(path .. "/test_batch.bin", "\3" .. cifar_picture(1, true) .. "\9" .. cifar_picture(2, true))
  check_cifar(assert(sb.data.open(path, { part = "test" })))
  write(path .. "/data_batch_1.bin", "\3" .. cifar_picture(1, true) .. "\9")
  lu.assertStrContains(select(2, sb.data.open(path)), "3074 bytes are no whole number of CIFAR-10's records")
  write(path .. "/data_batch_1.bin", "\10" .. cifar_picture(1, true))
  lu.assertStrContains(select(2, sb.data.open(path)), "label 1 is 10, classes are 0 to 9")
end

function t.test_cifar_in_sheets()
  local path = folder "sheets"
  local rows = sb.zeros(3, 2, 1024)
  for k = 1, 2 do
    local bytes = cifar_picture(k, true)
    for i = 1, #bytes do rows[{ (i - 1) // 1024 + 1, k, (i - 1) % 1024 + 1 }] = bytes:byte(i) / 255 end
  end
  sb.image.save(path .. "/data_batch_1.png", rows)
  write(path .. "/train_lables.json", "[3,9]")
  check_cifar(assert(sb.data.open(path)))
  write(path .. "/train_lables.json", "[3,9,1]")
  lu.assertStrContains(select(2, sb.data.open(path)), "3 labels for 2 pictures")
end

-- ---- Tar files and folders -------------------------------------------------------------------------------

function t.test_a_folder_a_tar_and_a_compressed_tar_are_the_same()
  local path = class_folders "tree"
  h.shell(("cd '%s' && tar cf '%s.tar' n02 n01 && tar czf '%s.tar.gz' ./n02 ./n01"):format(path, path, path))
  local sets = {}
  for i, ending in ipairs { "", ".tar", ".tar.gz" } do
    local d = assert(sb.data.open(path .. ending))
    sets[i] = {}
    for k = 1, #d do sets[i][k] = { d:label(k), d:picture(k):totable() } end
    lu.assertEquals(d.classes, { "n01", "n02" })
    h.close(d:picture(1), sb.zeros(3, 2, 3):fill_(0.55), 1 / 255)
  end
  lu.assertEquals(sets[2], sets[1])
  lu.assertEquals(sets[3], sets[1])
end

function t.test_classes_are_named_by_a_file_beside()
  local path = class_folders "named"
  write(path .. "/classes.txt", "n02\tblue thing\nn01\tred thing\n")
  local d = assert(sb.data.open(path))
  lu.assertEquals({ d.classes, d:label(1) }, { { "blue thing", "red thing" }, 2 })
  write(path .. "/classes.txt", "n02\tblue thing\n")
  lu.assertStrContains(select(2, sb.data.open(path)), "folder 'n01' is not in classes.txt")
end

function t.test_a_plain_folder_has_no_labels()
  local d = assert(sb.data.open(class_folders "plain" .. "/n01"))
  lu.assertEquals({ #d, d.classes, d:label(1) }, { 3 })
  local mixed = class_folders "mixed"
  write(mixed .. "/astray.png", datasets.flat(0.5))
  local _, message = sb.data.open(mixed)
  lu.assertStrContains(message, "astray.png lies in no class folder, but others do: in n01")
end

-- The message for a tar file that `command` makes as $TAR, in a folder beside a.png.
local function tar_message(command)
  local path, tar = folder "hostile/sub", h.temporary "hostile.tar"
  write(path .. "/../a.png", datasets.flat(0.5))
  h.shell(("cd '%s' && TAR='%s' && rm -f $TAR && %s"):format(path, tar, command))
  return select(2, sb.data.open(tar))
end

function t.test_hostile_tar_files_are_refused_by_name()
  local has = lu.assertStrContains
  has(tar_message "tar cPf $TAR ../a.png", "'../a.png' leads outside")
  has(tar_message "tar cPf $TAR $(realpath ../a.png)", "has an absolute name")
  has(tar_message "ln -sf ../a.png l.png; tar cf $TAR l.png", "'l.png' is a link")
  has(tar_message "mkfifo p; tar cf $TAR p", "'p' is neither a file nor a folder")
  has(tar_message "tar cf $TAR -T /dev/null", "holds no pictures")
  has(tar_message "echo no tar file, but long enough a text > $TAR", "Unrecognized archive format")
end

function t.test_files_packed_to_fill_the_memory_are_refused()
  local path, bomb = folder "bomb", h.temporary "data_bomb.tar.gz"
  h.shell(("cd '%s' && truncate -s 200M a.png && tar czf '%s' a.png"):format(path, bomb))
  lu.assertStrContains(select(2, sb.data.open(bomb)), "'a.png': far more bytes than the file can have packed")
  h.shell(("cd '%s' && truncate -s 200M train-images-idx3-ubyte && gzip -1 *ubyte"):format(path))
  lu.assertStrContains(select(2, sb.data.open(path)), "idx3-ubyte.gz: larger than ")
end

-- ---- All pictures at once --------------------------------------------------------------------------------

function t.test_statistics()
  local d = assert(sb.data.open(class_folders "moments"))
  local levels = { 0.55, 0.6, 0.65, 0.3, 0.35, 0.4 }
  local sum, squares = 0, 0
  for i, v in ipairs(levels) do
    levels[i] = math.floor(v * 255 + 0.5) / 255
    sum, squares = sum + levels[i], squares + levels[i] ^ 2
  end
  local mean, std = sb.data.statistics(d)
  lu.assertAlmostEquals(mean[2], sum / 6, 1e-6)
  lu.assertAlmostEquals(std[3], math.sqrt(squares / 6 - (sum / 6) ^ 2), 1e-6)
  lu.assertEquals(#sb.data.statistics(d, { channels = "grey" }), 1)
  sb.threads(1)
  local again = { sb.data.statistics(d) }
  sb.threads(2)
  lu.assertEquals({ sb.data.statistics(d) }, again)
end

function t.test_damaged_pictures_are_errors_or_left_out()
  local path = class_folders "damaged"
  write(path .. "/n01/2.png", datasets.flat(0.5):sub(1, -9))
  local d = assert(sb.data.open(path))
  lu.assertStrContains(select(2, d:picture(2)), "n01/2.png: the PNG file is")
  h.error_has(sb.data.statistics, "n01/2.png: the PNG file is", d)
  local rest = assert(sb.data.open(path, { damaged = "skip" }))
  lu.assertEquals({ #rest, rest:label(2), rest:label(3), #rest.damaged }, { 5, 1, 2, 1 })
  lu.assertStrContains(rest.damaged[1].name, "n01/2.png")
end

-- ---- Parts -----------------------------------------------------------------------------------------------

function t.test_parts_share_the_pictures()
  local d = assert(sb.data.open(class_folders "parts"))
  local a, b = d:split(1, 5)
  lu.assertEquals({ #a, #b, a:label(1), a:label(2) }, { 2, 4, 1, 2 })
  local one = d:only { "n02" }
  lu.assertEquals({ #one, one:label(1), one.classes }, { 3, 1, { "n02" } })
  lu.assertEquals(one:picture(2):totable(), d:picture(5):totable())
  lu.assertEquals(one:subset({ 3, 1 }):picture(2):totable(), d:picture(4):totable())
  h.error_has(d.only, "no class is called 'n3'; did you mean", d, { "n3" })
end

-- ---- The shared data -------------------------------------------------------------------------------------

function t.test_tiny_imagenet()
  local path = h.shared("data/tinyimagenet40/classes.txt"):match "^(.*)/"
  local d = assert(sb.data.open(path, { part = "test" }))
  lu.assertEquals({ #d, #d.classes, d.classes[1], d.folders[1] }, { 2000, 40, "goldfish", "n01443537" })
  local count = {}
  for i = 1, #d do count[d:label(i)] = (count[d:label(i)] or 0) + 1 end
  for c = 1, 40 do lu.assertEquals(count[c], 50) end
  lu.assertEquals(d:picture(1):size(), { 3, 64, 64 })
end

return t
