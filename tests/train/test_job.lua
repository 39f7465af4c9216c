-- The recipes train and evaluate on a toy task, and what they leave behind.
local lu = require "luaunit"
local files = require("switchback.core").files
local h = require "helper"
local file = require "switchback.file"
local sb = require "switchback"
local toy = require "toy_training"

local T = {}

local function folder()
  local path = h.temporary "digits"
  if not files.kind(path) then
    assert(file.make_folders(path))
    toy.write(path, 90)
  end
  return path
end


-- A file of the untrained toy net.
local function model()
  local path = h.temporary "toy.safetensors"
  if not files.kind(path) then toy.net(3):save(path) end
  return path
end

local function run(line, ...)
  local said, status = h.shell(h.host .. " " .. line:format(...))
  return said, status
end

function T.test_train_and_evaluate()
  local out = h.temporary "trained.safetensors"
  local said, status = run("train --model %s --data %s --classes 3 --epochs 6 --batch 10 --rate 0.02 " ..
    "--augment flip --snapshots 2,4 --out %s", model(), folder(), out)
  lu.assertEquals(status, 0, said)
  lu.assertStrContains(said, "90 pictures of 3 classes, 0 to validate on")
  lu.assertStrContains(said, "epoch 6 ")
  for _, ending in ipairs { ".csv", ".svg", ".png", ".checkpoint", "-epoch002.safetensors",
                            "-epoch004.safetensors" } do
    lu.assertEquals(files.kind((out:gsub("%.safetensors$", ending))), "file", ending)
  end
  local csv = assert(file.read((out:gsub("%.safetensors$", ".csv"))))
  lu.assertEquals(select(2, csv:gsub("\n", "")), 7)
  lu.assertStrContains(csv, "epoch,rate,loss,accuracy,validation_loss,top1,top5,seconds")
  local net = sb.load(out)
  lu.assertEquals(net.labels, { "0", "1", "2" })
  lu.assertEquals(net.preprocess.channels, "grey")
  lu.assertNotEquals(net.preprocess.mean, { 0 })

  local confusion = h.temporary "confusion.png"
  said, status = run("evaluate --model %s --data %s/train-images-idx3-ubyte --json --out %s", out, folder(),
    confusion)
  lu.assertEquals(status, 0, said)
  local found = require("cjson").decode(said)
  lu.assertEquals(found.n, 90)
  lu.assertTrue(found.top1 > 0.5 and found.top1 <= 1, said)
  lu.assertEquals(found.top5, 1)
  lu.assertNotNil(sb.image.load(confusion))
end

function T.test_resume_gives_the_same_file()
  local function train(name, more)
    local out = h.temporary(name .. ".safetensors")
    local said, status = run("train --model %s --data %s --classes 3 --batch 10 --quiet --out %s %s",
      model(), folder(), out, more)
    lu.assertEquals(status, 0, said)
    return assert(file.read(out))
  end
  local once = train("once", "--epochs 3")
  lu.assertTrue(train("once", "--epochs 3 --resume") == once)
  local said, status = run("train --model %s --data %s --classes 3 --batch 10 --epochs 4 --resume --out %s",
    model(), folder(), h.temporary "once.safetensors")
  lu.assertEquals(status, 1)
  lu.assertStrContains(said, "the checkpoint is of another run: its epochs is 3, here it is 4")
end

function T.test_mistakes_are_named()
  local said, status = run("train --model %s --data %s --augment blur", model(), folder())
  lu.assertEquals(status, 1)
  lu.assertStrContains(said, "train: unknown augmentation 'blur'")
  said = run("train --model nonet --data %s", folder())
  lu.assertStrContains(said, "no network is called 'nonet'")
  said = run("train --model %s --data /nowhere", model())
  lu.assertStrContains(said, "/nowhere")
end

-- Ctrl-C: the run stops after a step, with a checkpoint from which the same bytes come.
function T.test_interrupt_leaves_a_checkpoint()
  local out = h.temporary "stopped.safetensors"
  local line = ("%s train --model %s --data %s --classes 3 --batch 10 --epochs 60 --out %s"):format(h.host,
    model(), folder(), out)
  local said = h.shell(("exec %s --quiet & child=$!; sleep 0.4; kill -INT $child; wait $child"):format(line))
  lu.assertEquals(files.kind((out:gsub("%.safetensors$", ".checkpoint"))), "file", said)
  lu.assertEquals(h.shell(line .. " --quiet --resume"), "")
  local resumed = assert(file.read(out))
  os.remove((out:gsub("%.safetensors$", ".checkpoint")))
  lu.assertEquals(h.shell(line .. " --quiet"), "")
  lu.assertTrue(assert(file.read(out)) == resumed)
end

return T
