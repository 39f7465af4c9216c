-- Batches: the same pictures at any number of threads, from any place on.
local datasets = require "datasets"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"

local t = {}
local A = sb.augment

local AUGMENT = { A.random_crop { size = 8, padding = 2, fill = "reflect" }, A.horizontal_flip {},
  A.color_jitter { brightness = 0.4, contrast = 0.4, saturation = 0.4, hue = 0.1 },
  A.rotation { degrees = 20 }, A.random_resized_crop { size = { 6, 7 } } }

-- The batches of so many epochs, as lists of numbers.
local function collect(batches, epochs)
  local list = {}
  while epochs > 0 do
    local x, labels, places = batches:next()
    list[#list + 1] = x and { x:totable(), labels, places } or "end"
    if not x then epochs = epochs - 1 end
  end
  return list
end

function t.test_any_number_of_threads_gives_the_same_bytes()
  local d = assert(sb.data.open(datasets.noise("threads", 23)))
  local function run(threads, ahead)
    return collect(sb.data.batches(d, { batch = 5, shuffle = 3, augment = AUGMENT, threads = threads,
      ahead = ahead }), 2)
  end
  local alone = run(0, 1)
  lu.assertEquals(#alone, 12)
  lu.assertEquals(run(1, 2), alone)
  lu.assertEquals(run(4, 3), alone)
end

function t.test_restore_continues_exactly()
  local d = assert(sb.data.open(datasets.noise("restore", 13)))
  local options = { batch = 4, shuffle = 7, augment = AUGMENT }
  local whole = collect(sb.data.batches(d, options), 3)
  for stop = 0, #whole - 1 do
    local a, b = sb.data.batches(d, options), sb.data.batches(d, options)
    for _ = 1, stop do a:next() end
    b:restore(a:state())
    local x, _, places = b:next()
    lu.assertEquals(x and { x:totable(), nil, places } or "end", whole[stop + 1])
    a:close()
    b:close()
  end
end

function t.test_an_epoch_has_every_picture_once_in_an_order_of_its_own()
  local d = assert(sb.data.open(datasets.class_folders "epochs"))
  local b = sb.data.batches(d, { batch = 4, shuffle = 1 })
  local orders = {}
  for epoch = 1, 3 do
    local seen, order = {}, {}
    for x, labels, places in function() return b:next() end do
      for k, i in ipairs(places) do
        lu.assertNil(seen[i])
        seen[i] = true
        order[#order + 1] = i
        lu.assertEquals(labels[k], d:label(i))
        h.close(x[k], d:picture(i), 1e-7)
      end
    end
    lu.assertEquals(#order, 6)
    orders[epoch] = table.concat(order, " ")
  end
  lu.assertNotEquals(orders[1], orders[2])
  lu.assertNotEquals(orders[2], orders[3])
end

function t.test_the_last_batch_is_smaller_or_dropped()
  local d = assert(sb.data.open(datasets.class_folders "last"))
  local b = sb.data.batches(d, { batch = 4 })
  lu.assertEquals({ b:steps(), b:next():size(1), b:next():size(1), b:next() }, { 2, 4, 2 })
  b = sb.data.batches(d, { batch = 4, drop_last = true })
  lu.assertEquals({ b:steps(), b:next():size(1), b:next() }, { 1, 4 })
end

-- What a net prepares, image by image, is what it gets in batches.
function t.test_batches_are_prepared_as_by_the_net()
  local preprocess = require "switchback.preprocess"
  local d = assert(sb.data.open("tests/images"))
  lu.assertNil(d.classes)
  for _, p in ipairs {
    { size = 64, mean = { 0.4, 0.5, 0.6 }, std = { 0.2, 0.3, 0.25 } },
    { size = 32, channels = "BGR", scale = 255, mean = { 104, 117, 123 } },
    { size = { 40, 30 }, crop = "none", channels = "grey", mean = 0.5, std = 0.1 },
  } do
    local options = { batch = 3 }
    for key, value in pairs(p) do options[key] = value end
    local b = sb.data.batches(d, options)
    local x = b:next()
    for i = 1, x:size(1) do
      h.close(x:narrow(1, i, 1), preprocess.prepare(p, d:picture(i)), p.scale == 255 and 1e-4 or 1e-5)
    end
  end
end

function t.test_pictures_that_do_not_fit_are_named()
  local d = assert(sb.data.open("tests/images"))
  h.error_has(function() sb.data.batches(d, { batch = 3 }):next() end, "batches need a size")
  local b = sb.data.batches(d, { size = 8, augment = { A.center_crop { size = 451 } } })
  h.error_has(b.next, "451x451 does not fit into the picture of 300x451", b)
  h.error_has(sb.data.batches, "unknown option 'batchs'; did you mean 'batch'?", d, { batchs = 3 })
end

function t.test_a_damaged_picture_is_named_and_the_next_batch_follows()
  local path = datasets.class_folders "hurt"
  datasets.write(path .. "/n01/2.png", "no picture")
  local b = sb.data.batches(assert(sb.data.open(path)), { batch = 2 })
  h.error_has(b.next, "hurt: n01/2.png: ", b)
  lu.assertEquals(b:next():size(1), 2)
end

function t.test_forgotten_batches_end_their_threads()
  local d = assert(sb.data.open(datasets.noise("forgotten", 40)))
  for _ = 1, 20 do sb.data.batches(d, { batch = 8, augment = AUGMENT, threads = 3 }):next() end
  collectgarbage()
  collectgarbage()
  local tasks = #(require("switchback.core").files.list "/proc/self/task" or {})
  lu.assertTrue(tasks <= 2 + sb.threads(), tasks .. " threads are left")
end

function t.test_failed_allocations()
  local d = assert(sb.data.open(datasets.noise("memory", 6)))
  h.survives_failed_allocations(function()
    local b = sb.data.batches(d, { batch = 4, shuffle = 2, threads = 1, size = 5 })
    b:next()
    b:close()
  end)
end

return t
