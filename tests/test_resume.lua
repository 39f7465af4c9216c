-- Every recipe that keeps checkpoints, killed in mid-run: it goes on to the very bytes of a run without a
-- break, which are the same at 1 and 2 threads.
local lu = require "luaunit"
local h = require "helper"
local tiny = require "tiny_model"

local T = {}

local STYLE <const> = "--model %2 --image %1 --style %1 --content-layers relu2 --style-layers relu1 --size 64"

-- By recipe: what to run on the photo %1 and the model %2, and at which of its checkpoints to kill it.
local CASES <const> = {
  classimage = { "--model %2 --class cat,dog --size 48 --steps 24", 5 },
  deepdream = { "--model %2 --image %1 --layer conv2 --octaves 2 --steps 16 --size 64 --jitter 4", 3 },
  invert = { "--model %2 --image %1 --layer conv1,conv2 --steps 21", 5 },
  ["invert --optimizer lbfgs"] = { "--model %2 --image %1 --layer conv2 --steps 21 --start grey", 2 },
  maximize = { "--model %2 --layer conv2 --most 2 --size 48 --steps 21", 5 },
  ["maximize --class cat"] = { "--model %2 --param laplacian --size 48 --steps 21", 2 },
  style = { STYLE .. " --scales 2 --steps 21", 5 },
  ["style --optimizer adam"] = { STYLE .. " --tile 32 --init random --steps 21", 2 },
  texture = { "--model %2 --image %1 --layers relu1,relu2 --size 48 --source-size 48 --steps 21 --growth",
    5 },
  quilt = { "--image %1 --crop 200,300,60,60 --size 64 --window 5", 20 },
  ["quilt --method efros-leung"] = { "--image %1 --crop 200,300,30,30 --size 24 --window 5", 7 },
  ["quilt --method efros-leung --hole 10,20,12,12"] = { "--image %1 --crop 1,1,30,30 --window 5", 3 },
  ["quilt --method efros-freeman"] = { "--image %1 --crop 100,100,90,90 --size 80 --window 12", 9 },
}

-- Runs a recipe, killed at its n-th checkpoint (0: not); answers its exit status, what it wrote, and the
-- picture's bytes if there is one.
local function run(recipe, n, arguments, more)
  local out = h.temporary "resume.png"
  os.remove(out)
  arguments = arguments:gsub("%%1", tiny.photo()):gsub("%%2", tiny.model(0))
  local command = ("%s tests/killed_recipe.lua %d .state %s %s --seed 3 --quiet --out %s %s")
    :format(h.host, n, recipe, arguments, out, more)
  local text, status = h.shell(command)
  local file = io.open(out, "rb")
  local bytes = file and file:read "a"
  if file then file:close() end
  return status, text, bytes
end

for recipe, case in pairs(CASES) do
  T["test_" .. recipe:gsub("%W+", "_")] = function()
    local arguments, n = table.unpack(case)
    local state = " --checkpoint " .. h.temporary(recipe:gsub("%W+", "_") .. ".state")
    local _, all, whole = run(recipe, 0, arguments, "--threads 1 --checkpoint " .. h.temporary "whole.state")
    lu.assertTrue(whole and #whole > 500, all)
    local status, _, none = run(recipe, n, arguments, "--threads 2" .. state)
    lu.assertEquals({ status, none }, { 137, nil })
    local _, rest, resumed = run(recipe, 0, arguments, "--threads 2 --resume" .. state)
    lu.assertTrue(resumed == whole, "another picture; " .. rest)
    lu.assertTrue(tonumber(rest) > 0 and tonumber(rest) <= tonumber(all) - n + 2, rest .. " of " .. all)
  end
end

-- A recipe that learns to keep --checkpoint belongs into the list.
function T.test_all_recipes_are_here()
  local listed = {}
  for recipe in pairs(CASES) do listed[recipe:match "^%S+"] = true end
  for name in h.shell(h.host .. " --help"):match "recipes:\n(.*)$":gmatch "  (%S+) +[^\n]+\n" do
    local help = h.shell(("%s %s --help"):format(h.host, name))
    lu.assertEquals(listed[name] or false, help:find "%-%-checkpoint[^-]" ~= nil, name)
  end
end

return T
