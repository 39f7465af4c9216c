-- The prompt, with lines that come from a pipe, and how values are shown.
local h = require "helper"
local inspect = require "switchback.inspect"
local lu = require "luaunit"
local repl = require "switchback.repl"

local T = {}

local function prompt(lines)
  return h.shell(h.host, table.concat(lines, "\n") .. "\n")
end

function T.test_expressions_are_printed()
  lu.assertEquals({ prompt { "1 + 1", "'a', nil, true", "x = 3", "x", "return x + 1", "", "print(x)", "_" } },
    { "2\na\nnil\ntrue\n3\n4\n3\n4\n", 0 })
end

function T.test_chunks_may_span_lines()
  lu.assertEquals((prompt { "for i = 1, 2 do", "  print(i)", "end", "print(", "'x')" }), "1\n2\nx\n")
  lu.assertEquals((prompt { "function g()", "return", "7 end", "g()" }), "7\n")
end

function T.test_errors_do_not_end_it()
  local out, status = prompt { "error 'boo'", "x = }", "error {}", "zeros('x')", "5" }
  lu.assertStrContains(out, "boo")
  lu.assertStrContains(out, "near '}'")
  lu.assertStrContains(out, "5\n")
  lu.assertNotStrContains(out, "traceback")
  lu.assertEquals(status, 1)
end

function T.test_an_unfinished_end_is_an_error()
  local out, status = prompt { "function f(" }
  lu.assertStrContains(out, "near <eof>")
  lu.assertEquals(status, 1)
end

function T.test_the_library_is_in_reach()
  lu.assertStrContains(prompt { "zeros(2, 3)" }, "tensor 2x3")
  lu.assertEquals((prompt { "sb.version == version", "sb.ones(4):sum()" }), "true\n4.0\n")
end

-- On a terminal, which `script` provides: keys are typed with pauses, as by a person. A bare root without
-- pseudo-terminals cannot run this.
local function typed(keys)
  local state = h.temporary "state"
  local typing = {}
  for i, key in ipairs(keys) do typing[i] = ("printf '%s'; sleep 0.4"):format(key) end
  local output = h.shell(("(sleep 1; %s) | TERM=xterm XDG_STATE_HOME=%s timeout 60 script -qec %s /dev/null")
    :format(table.concat(typing, "; "), state, h.host))
  if output:find("failed to create pseudo%-terminal") then lu.skip("no pseudo-terminals here") end
  return output:gsub("\r", ""), state
end

function T.test_terminal_remembers_lines()
  local output, state = typed { "1 + 41\\n", "if true then\\n", "print(7 * 7) end\\n", "\\004" }
  lu.assertStrContains(output, "Ctrl-D ends")
  lu.assertStrContains(output, "\n42\n")
  lu.assertStrContains(output, "\n49\n")
  local history = assert(io.open(state .. "/switchback/history")):read "a"
  lu.assertStrContains(history, "print(7")
  output = typed { "\\020\\020\\020\\n", "\\004" } -- three times up: the line of the session before
  lu.assertStrContains(output, "\n42\n")
end

function T.test_terminal_interrupts()
  local output = typed { "half a li", "\\003", "while true do end\\n", "\\003", "6 * 7\\n", "\\004" }
  lu.assertStrContains(output, "interrupted\n")
  lu.assertStrContains(output, "\n42\n")
  lu.assertNotStrContains(output, "near")
end

function T.test_compile_tells_what_is_incomplete()
  local f, message, incomplete = repl.compile "while true do"
  lu.assertNil(f)
  lu.assertStrContains(message, "<eof>")
  lu.assertTrue(incomplete)
  f, message, incomplete = repl.compile "end"
  lu.assertNil(f)
  lu.assertStrContains(message, "'end'")
  lu.assertFalse(incomplete)
  lu.assertEquals(repl.compile "2 * 3"(), 6)
end

function T.test_tables_are_readable()
  lu.assertEquals(inspect.text { 1, "two", { x = 1.5, ["a b"] = false } },
    '{ 1, "two", { ["a b"] = false, x = 1.5 } }')
  lu.assertEquals(inspect.text {}, "{}")
  lu.assertEquals(inspect.text "as\nit is", "as\nit is")
  lu.assertEquals(inspect.text { "l1\nl2" }, '{ "l1\\nl2" }')
  lu.assertEquals(inspect.text { [3] = 1 }, "{ [3] = 1 }")
end

function T.test_long_deep_and_cyclic_tables_are_cut()
  local long = {}
  for i = 1, 100 do long[i] = i end
  lu.assertStrContains(inspect.text(long), "24,\n  ... 76 more\n}")
  lu.assertEquals(inspect.text { { { { { 1 } } } } }, "{ { { { {...} } } } }")
  local cyclic = {}
  cyclic.me = cyclic
  lu.assertEquals(inspect.text(cyclic), "{ me = {<itself>} }")
  lu.assertStrContains(inspect.text { ("x"):rep(200) }, ("x"):rep(72) .. '..."')
end

function T.test_objects_show_their_own_text()
  local object = setmetatable({ 1 }, { __tostring = function() return "first\nsecond" end })
  lu.assertEquals(inspect.text(object), "first\nsecond")
  lu.assertEquals(inspect.text { object }, "{ first }")
end

return T
