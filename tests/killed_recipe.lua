-- Runs a recipe and tells in the end how many files with one of the endings it put in their place. When the
-- N-th is about to take the place of the one before, it is killed, by the signal that no program can catch
-- (N = 0: never).
--   switchback tests/killed_recipe.lua N ENDING[,ENDING...] RECIPE [--option value]...
local recipe = require "switchback.recipe"

local n, count, rename = math.tointeger(arg[1]), 0, os.rename
local endings = {}
for ending in arg[2]:gmatch "[^,]+" do endings[ending] = true end

os.rename = function(from, to) -- luacheck: ignore 122
  if endings[to:match "%.%w+$"] then
    count = count + 1
    if count == n then io.popen "kill -9 $PPID":close() end
  end
  return rename(from, to)
end

recipe.run(recipe.find(arg[3]), table.move(arg, 4, #arg, 1, {}))
print(count)
