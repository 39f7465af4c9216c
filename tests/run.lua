-- Runs the tests: build/switchback tests/run.lua [filter ...]
-- Every tests/**/test_*.lua returns a table of test functions; with filters, only files whose name
-- contains one of them run. Prints a line a file and the failures; the last line is
-- "N passed, N failed, N skipped", and the exit status is 1 if any failed.
local lu = require "luaunit"

local folder = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = folder .. "/?.lua;" .. package.path
local build = arg[-1]:match("^(.*)/") or "build" -- a stock Lua has no folder in its name
package.cpath = build .. "/tests/?.so;" .. package.cpath -- make test builds them

local function wanted(name)
  if #arg == 0 then return true end
  for _, filter in ipairs(arg) do
    if name:find(filter, 1, true) then return true end
  end
  return false
end

local function test_files()
  local files = {}
  local listing = assert(io.popen(("find '%s' -name 'test_*.lua' | LC_ALL=C sort"):format(folder)))
  for path in listing:lines() do
    local name = path:sub(#folder + 2, -5)
    if wanted(name) then files[#files + 1] = { path = path, name = name } end
  end
  listing:close()
  return files
end

-- A file that does not load or returns no table counts as one failed test.
local function load_tests(path)
  local ok, tests = pcall(dofile, path)
  if ok and type(tests) == "table" then return tests end
  return { test_loads = function() error(ok and "the file returns no table" or tests, 0) end }
end

local function print_failures(result)
  for _, list in ipairs { result.failedTests, result.errorTests } do
    for _, node in ipairs(list) do
      print(("FAILED %s\n%s\n%s"):format(node.testName, node.msg, node.stackTrace or ""))
    end
  end
end

local function run_file(file)
  local started = os.clock()
  local runner = lu.LuaUnit.new()
  runner:setOutputType("nil")
  runner:runSuiteByInstances { { file.name, load_tests(file.path) } }
  local result = runner.result
  local failed = result.failureCount + result.errorCount
  print(("%-32s %4d passed %4d failed %4d skipped %8.2f s"):format(file.name, result.successCount, failed,
    result.skippedCount, os.clock() - started))
  print_failures(result)
  return result.successCount, failed, result.skippedCount
end

local passed, failed, skipped = 0, 0, 0
for _, file in ipairs(test_files()) do
  local p, f, s = run_file(file)
  passed, failed, skipped = passed + p, failed + f, skipped + s
end
print(("%d passed, %d failed, %d skipped"):format(passed, failed, skipped))
require("helper").clean_up()
os.exit(failed == 0, true)
