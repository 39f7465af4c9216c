-- The recipe train_style on a small scale: what it leaves, what stylize makes of it, and that it goes on from
-- a checkpoint to the same bytes.
local cjson = require "cjson"
local files = require("switchback.core").files
local h = require "helper"
local file = require "switchback.file"
local lu = require "luaunit"
local picture_set = require "picture_set"
local sb = require "switchback"
local style_batches = require "switchback.train.style_batches"
local tiny = require "tiny_model"

local T = {}

-- A path in a folder of its own.
local function temporary(name)
  local folder = h.temporary "train_style"
  assert(file.make_folders(folder))
  return folder .. "/" .. name
end

-- Two paintings, red stripes down and blue ones across, as --style takes them.
local function paintings()
  local red, blue = temporary "red.png", temporary "blue.png"
  local wave = (sb.arange(0, 59):reshape(1, 1, 60):expand(1, 60, 60) * 0.8):sin() * 0.4 + 0.5
  assert(sb.image.save(red, sb.cat({ wave, wave * 0.2, wave * 0.2 }, 1)))
  assert(sb.image.save(blue, sb.cat({ wave * 0.2, wave * 0.2, wave }, 1):transpose(2, 3)))
  return red .. "," .. blue
end

local SMALL <const> = "--data %s --features %s --content-layers relu2 --style-layers relu1,relu2 " ..
  "--size 32 --style-size 48 --width 4 --blocks 1 --batch 3 --seed 4"

local function options() return SMALL:format(picture_set.folder(), tiny.model(0)) end

local function train(name, more)
  local out = temporary(name .. ".safetensors")
  return out, h.shell(("%s train_style %s --out %s %s"):format(h.host, options(), out, more))
end

-- ---- Batches ------------------------------------------------------------------------------------------

local function loader(styles)
  local net = sb.load("johnson", { untrained = true, width = 2, blocks = 1, styles = styles })
  local pictures = sb.data.batches(picture_set.set(), { batch = 5, shuffle = 3 })
  return style_batches.new(pictures, net, 3), net
end

function T.test_styles_take_turns()
  local b = loader(3)
  local x, targets = b:next()
  lu.assertEquals(targets.styles, { 1, 2, 3, 1, 2 })
  lu.assertEquals(x.style:totable(),
    { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 1, 0, 0 }, { 0, 1, 0 } })
  lu.assertIs(x.data, targets.pictures)
  targets = select(2, b:next())
  lu.assertEquals(targets.styles, { 3, 1, 2, 3, 1 })
  local one = loader():next()
  lu.assertEquals(one:size(), { 5, 3, 24, 24 })
end

-- A round is as long as it is told to be, beyond the end of the data.
function T.test_rounds_go_on_over_the_data()
  local b, seen = loader(2), {}
  for round = 1, 4 do
    for _, targets in function() return b:next() end do
      seen[round] = (seen[round] or 0) + #targets.styles
    end
  end
  lu.assertEquals(seen, { 15, 15, 6 + 5, 15 }) -- the last of 36 pictures are a batch of one
end

function T.test_a_restored_loader_goes_on_with_the_same_batch()
  local b = loader(2)
  for _ = 1, 9 do b:next() end -- 7 batches and 2 ends of rounds; the data have 8 an epoch
  local fork = loader(2)
  fork:restore(b:state())
  for _ = 1, 4 do
    local x, targets = b:next()
    local y, same = fork:next()
    lu.assertEquals(x and true, y and true)
    if x then h.close(y.data, x.data, 0) end
    lu.assertEquals(same and same.styles, targets and targets.styles)
  end
end

-- ---- The recipe ----------------------------------------------------------------------------------------

local function difference(a, b) return (a - b):abs():mean() end

function T.test_two_styles()
  local out, said, status = train("two", ("--style %s --steps 120 --every 60 --style-weight 20 " ..
    "--rate 0.01 --json"):format(paintings()))
  lu.assertEquals(status, 0, said)
  local result = cjson.decode(said:match "{.*")
  lu.assertEquals(#result.history, 2)
  for _, name in ipairs { "red", "blue" } do
    local loss = result.style_loss[name]
    lu.assertTrue(loss.trained < 0.9 * loss.untrained, name)
    lu.assertTrue(loss.photos > 0)
  end
  lu.assertTrue(result.history[2].loss < result.history[1].loss)
  local stem = out:gsub("%.safetensors$", "")
  local csv = assert(file.read(stem .. ".csv"))
  lu.assertStrContains(csv, "seconds,step,content,style,tv,held-out content,style red,style blue\n")
  for _, ending in ipairs { ".svg", ".png", ".checkpoint", "-step0060.png", "-step0120.png" } do
    lu.assertEquals(files.kind(stem .. ending), "file", ending)
  end
  local net, photo = sb.load(out), sb.image.load(tiny.photo(), { channels = 3 })
  lu.assertEquals(net.styles, { "red", "blue" })
  local function painted(style) return sb.vis.stylize(net, photo, { style = style }).image end
  local one, other, both = painted "red", painted(2), painted { red = 0.5, bl = 0.5 }
  h.close(painted(1), one, 0)
  lu.assertTrue(difference(one, other) > 0.02)
  lu.assertTrue(difference(one, both) > 0.2 * difference(one, other))
  lu.assertTrue(difference(other, both) > 0.2 * difference(one, other))
  h.error_has(painted, "stylize: no style is called 'green' (known: red, blue)", "green")
  local sheet = temporary "styles.png"
  said, status = h.shell(("%s stylize --model %s --image %s --style all --out %s"):format(h.host, out,
    tiny.photo(), sheet))
  lu.assertEquals({ status, files.kind(sheet) }, { 0, "file" }, said)
end

function T.test_a_killed_run_goes_on_to_the_same_bytes()
  local function run(n, name, threads, more)
    local out = temporary(name .. ".safetensors")
    local said, status = h.shell(("%s tests/killed_recipe.lua %d .checkpoint train_style --style %s %s " ..
      "--steps 12 --every 4 --checkpoint-every 3 --quiet --threads %d --out %s %s"):format(h.host, n,
      paintings(), options(), threads, out, more or ""))
    return file.read(out), status, said
  end
  local whole, status, said = run(0, "whole", 1)
  lu.assertEquals(status, 0, said)
  for _, n in ipairs { 2, 5 } do -- within the first round and the third
    local none
    none, status = run(n, "broken", 2)
    lu.assertEquals({ none, status }, { nil, 137 })
    local resumed
    resumed, status, said = run(0, "broken", 2, "--resume")
    lu.assertEquals(status, 0, said)
    lu.assertTrue(resumed == whole, "other bytes after a kill at checkpoint " .. n)
    os.remove(temporary "broken.safetensors")
    os.remove(temporary "broken.checkpoint")
  end
end

-- One style: no second input. The net of a file is gone on with.
function T.test_one_style_and_more_training()
  local out, said, status = train("one", "--style tests/images/coffee.png --steps 2 --quiet")
  lu.assertEquals({ status, said }, { 0, "" })
  lu.assertEquals(#sb.load(out).inputs, 1)
  local again
  again, said, status = train("more", ("--model %s --style tests/images/coffee.png --steps 2 --quiet")
    :format(out))
  lu.assertEquals({ status, said }, { 0, "" })
  lu.assertFalse(sb.load(again):parameters()[1].value == sb.load(out):parameters()[1].value)
  said = select(2, train("more", ("--model %s --style %s --steps 2"):format(out, paintings())))
  lu.assertStrContains(said, "train_style: the net has 1 styles, --style gives 2")
end

function T.test_mistakes_are_named()
  local function says(text, more)
    local _, said, status = train("bad", more)
    lu.assertEquals(status, 1, said)
    lu.assertStrContains(said, text)
  end
  local one = "--style tests/images/coffee.png "
  says("missing option '--style'", "")
  says("nowhere.png", "--style nowhere.png")
  says("two styles are called 'coffee'", "--style tests/images/coffee.png,tests/images/coffee.png")
  says("--steps 10 is not a multiple of --every 4", one .. "--steps 10 --every 4")
  says("unknown transform net 'lenet5'", one .. "--model lenet5")
  says("1x5 of pictures of 32x32", one .. "--model " .. tiny.model(0))
  says("no layer is called 'relu9'", one .. "--style-layers relu9")
  says("the checkpoint is of another run: its style_weight is 2, here it is 3",
    one .. "--steps 2 --style-weight 2 --quiet; " .. ("%s train_style %s %s --steps 2 --style-weight 3 " ..
    "--resume --out %s"):format(h.host, one, options(), temporary "bad.safetensors"))
end

return T
