-- The host program, as a process: scripts as lua runs them, recipes, and the module for stock Lua.
local h = require "helper"
local lu = require "luaunit"

local T = {}

local function write(name, text)
  local path = h.temporary(name)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

-- Runs the host; answers what it wrote and its status.
local function host(arguments, input) return h.shell(h.host .. " " .. arguments, input) end

function T.test_precision_comes_from_the_environment()
  local ask = h.host .. [[ -e 'print(require "switchback".precision())']]
  lu.assertEquals((h.shell("SWITCHBACK_PRECISION=exact " .. ask)), "exact\n")
  lu.assertEquals((h.shell("SWITCHBACK_PRECISION=fast " .. ask)), "fast\n")
  local out, status = h.shell("SWITCHBACK_PRECISION=exakt " .. ask)
  lu.assertStrContains(out, "SWITCHBACK_PRECISION is 'exakt', not fast or exact")
  lu.assertEquals(status, 1)
end

-- ---- Scripts -----------------------------------------------------------------------------------

function T.test_scripts_run_as_in_lua()
  local script = write("args.lua", "print(arg[0]:match '[^/]*$', arg[1], arg[2], #arg, ...)\nreturn 5")
  for _, program in ipairs { h.host, "lua5.4" } do
    local out, status = h.shell(("%s %s a 'b c'"):format(program, script))
    lu.assertEquals({ out, status }, { "args.lua\ta\tb c\t2\ta\tb c\n", 0 })
  end
end

function T.test_options_have_luas_meaning()
  local script = write("x.lua", "print(x, arg[-1], arg[-2], ...)")
  local options = ([[-e 'x = 5' -e 'print(x)' %s y]]):format(script)
  local expected = "5\n5\tx = 5\tprint(x)\ty\n"
  lu.assertEquals((h.shell("lua5.4 " .. options)), (expected:gsub("x = 5\tprint%(x%)", "print(x)\t-e")))
  lu.assertEquals((host(options)), (h.shell("lua5.4 " .. options)))
  lu.assertEquals((host [[-l switchback -e 'print(switchback.zeros(2):count())']]), "2\n")
  lu.assertEquals((host [[-lsb=switchback -e'print(sb.zeros(3):count())']]), "3\n")
  lu.assertEquals((host("- 1 2", "print('in', ...)")), "in\t1\t2\n")
  lu.assertEquals((host("-i -e 'x = 2'", "x + 1\n")), "3\n")
  lu.assertStrContains(host "-v", "Switchback ")
  local odd = write("odd name", "print 'odd'")
  lu.assertEquals((host("-- '" .. odd .. "'")), "odd\n")
end

function T.test_failing_scripts_say_where()
  local script = write("fail.lua", "local function f() error 'boo' end\nf()")
  local out, status = host(script)
  lu.assertEquals(status, 1)
  lu.assertStrContains(out, "switchback: " .. script .. ":1: boo\nstack traceback:\n")
  lu.assertStrContains(out, "fail.lua:2: in main chunk\n\t[C]: in ?\n")
  lu.assertNotStrContains(out, "command.lua")
  lu.assertEquals(select(2, host "-e 'os.exit(7)'"), 7)
  lu.assertEquals({ host "-e 'error(setmetatable({}, { __tostring = function() return [[mine]] end }))'" },
    { "switchback: mine\n", 1 })
end

function T.test_what_cannot_run_is_explained()
  lu.assertStrContains(host "./nowhere.lua", "switchback: cannot open ./nowhere.lua")
  lu.assertStrContains(host "-e 'x x'", "switchback: (command line):1: syntax error near 'x'")
  lu.assertStrContains(host "-x", "unrecognized option '-x'\nusage: ")
  lu.assertStrContains(host "-e", "'-e' needs an argument\nusage: ")
end

function T.test_interrupt_stops_a_script()
  local script = write("loop.lua", "while true do end")
  local out = h.shell(("timeout --signal=INT 0.3 %s %s; true"):format(h.host, script))
  lu.assertStrContains(out, "switchback: interrupted\nstack traceback:")
  lu.assertStrContains(out, "loop.lua:1: in main chunk")
end

-- Three interrupts end what Lua cannot stop, here because it catches each.
function T.test_interrupts_end_a_stubborn_script()
  local script = write("stubborn.lua", "while true do pcall(function() while true do end end) end")
  local interrupts = "for i in 1 2 3; do sleep 0.1; kill -INT $p; done"
  local out = h.shell(("%s %s & p=$!; %s; wait $p; echo $?"):format(h.host, script, interrupts))
  lu.assertEquals(out:match "(%d+)\n$", "130")
end

function T.test_the_library_is_found_from_elsewhere()
  local root = h.shell "pwd":gsub("\n", "")
  local program = h.host:find "^/" and h.host or root .. "/" .. h.host
  lu.assertEquals((h.shell("cd / && " .. program .. [[ -e 'io.write(require("switchback").version)']])),
    require("switchback").version)
  local copy = h.temporary "copy"
  h.shell(("cp %s %s"):format(program, copy))
  local lost = h.shell("cd / && LUA_PATH= " .. copy .. " -v")
  lu.assertStrContains(lost, "module 'switchback.command' not found")
  lu.assertStrContains(h.shell(("cd / && SWITCHBACK_HOME=%s %s -v"):format(root, copy)), "Switchback ")
end

-- ---- Recipes -----------------------------------------------------------------------------------

local RECIPE = [[
return {
  summary = "counts to N",
  options = { { "to", type = "integer", default = 3, help = "where to stop" }, "out" },
  run = function(o, report)
    if o.to == 0 then error "cannot count to 0" end
    if o.to == 1 then local x = nil + 1 end
    report:say("counted to %d with %d threads", o.to, require("switchback").threads())
    return { counted = o.to }
  end,
}]]

local function counting(arguments, environment)
  local folder = write("counting.lua", RECIPE):match "^(.*)/"
  local command = "%s SWITCHBACK_RECIPES=/nowhere:%s %s %s"
  return h.shell(command:format(environment or "", folder, h.host, arguments))
end

function T.test_recipes_run_with_their_options()
  lu.assertEquals({ counting "counting --to 5 --threads 2" }, { "counted to 5 with 2 threads\n", 0 })
  lu.assertEquals({ counting "counting --json" }, { '{"counted":3,"files":[]}\n', 0 })
  lu.assertEquals({ counting "counting --quiet" }, { "", 0 })
  lu.assertStrContains(counting "counting --help", "where to stop (default: 3)")
end

function T.test_failing_recipes_say_one_line()
  lu.assertEquals({ counting "counting --to 0" }, { "switchback counting: cannot count to 0\n", 1 })
  lu.assertEquals({ counting "counting --to x" },
    { "switchback counting: --to: expected an integer, got 'x'\n", 1 })
  local out = counting "counting --to 1"
  lu.assertStrContains(out, "counting.lua:6: attempt to perform arithmetic on a nil value")
  lu.assertNotStrContains(out, "traceback")
  out = counting("counting --to 0", "SWITCHBACK_TRACE=1")
  lu.assertStrContains(out, "cannot count to 0\nstack traceback:")
end

function T.test_unknown_recipes_suggest_near_ones()
  local out, status = host "salincy"
  lu.assertEquals(status, 1)
  lu.assertStrContains(out, "no recipe is called 'salincy'; did you mean 'saliency'?")
end

function T.test_help_lists_recipes()
  local out = counting "--help"
  lu.assertStrContains(out, "usage: switchback NAME")
  lu.assertStrMatches(out, ".*\n  counting +counts to N\n.*")
  write("broken.lua", "return 5")
  lu.assertStrContains(counting "--help", "a recipe's file must return a table")
end

function T.test_help_is_a_word_too()
  lu.assertEquals(counting "help", counting "--help")
  lu.assertEquals(counting "help counting", counting "counting --help")
  lu.assertStrContains(counting "help countign", "no recipe is called 'countign'; did you mean 'counting'?")
end

-- A file in the working folder is a script, a folder is not.
function T.test_a_file_comes_before_a_recipe()
  write("plain", "print 'script'")
  local folder = h.temporary "plain":match "^(.*)/"
  local program = h.host:find "^/" and h.host or "$OLDPWD/" .. h.host
  lu.assertEquals((h.shell(("cd %s && %s plain"):format(folder, program))), "script\n")
  local name = folder:match "[^/]*$"
  lu.assertStrContains(h.shell(("cd %s/.. && %s %s"):format(folder, program, name)), "no recipe is called")
end

-- ---- Stock Lua -----------------------------------------------------------------------------------

function T.test_stock_lua_loads_the_module()
  local folder = h.host:match "^(.*)/" .. "/lib"
  local module = io.open(folder .. "/switchback/core.so", "rb")
  lu.skipIf(not module, "no core.so in " .. folder)
  module:close()
  local script = write("stock.lua", [[
    local sb = require "switchback"
    local x = sb.ones(1, 2, 200, 200)
    local y = sb.layer.conv2d { in_channels = 2, out_channels = 4, kernel = 3, rng = sb.rng(1) }:forward(x)
    print(table.concat(y:size(), "x"))]])
  local paths = ("LUA_PATH='lualib/?.lua;lualib/?/init.lua;;' LUA_CPATH='%s/?.so;;'"):format(folder)
  lu.assertEquals({ h.shell(paths .. " lua5.4 " .. script) }, { "1x4x198x198\n", 0 })
end

return T
