-- Lines, progress and results of recipes; the clock and the streams are the test's.
local h = require "helper"
local cjson = require "cjson"
local json = require "switchback.json"
local lu = require "luaunit"
local report = require "switchback.report"
local sb = require "switchback"

local T = {}

-- A stream that collects what is written.
local function stream()
  local s = { text = "" }
  function s:write(...) self.text = self.text .. table.concat({ ... }) end
  function s.flush() end
  return s
end

local function make(o)
  local now = 0
  o.lines, o.log, o.columns = stream(), stream(), o.columns or false
  function o.clock() return now end
  return report.new(o), o, function(t) now = t end
end

function T.test_lines_go_to_people_only()
  local r, o = make {}
  r:say("%d%% of %s", 50, "it")
  r:say "100%"
  lu.assertEquals(o.lines.text, "50% of it\n100%\n")
  for _, flag in ipairs { "quiet", "json" } do
    r, o = make { [flag] = true }
    r:say "x"
    lu.assertEquals(o.lines.text, "")
  end
end

function T.test_progress_without_a_terminal_is_plain_lines()
  local r, o, at = make {}
  local done = r:progress "probes"
  at(4) done(8, 40)
  lu.assertEquals(o.log.text, "")
  at(5) done(10, 40)
  lu.assertEquals(o.log.text, "probes 10/40, 2/s, 15.0 s left\n")
  at(20) done(20, 40, "loss 3")
  lu.assertStrContains(o.log.text, "probes 20/40, 1/s, 20.0 s left, loss 3\n")
  at(200) done(40, 40)
  lu.assertStrContains(o.log.text, "probes: 40 in 3:20 min, 5.0 s each\n")
end

function T.test_progress_on_a_terminal_stays_on_its_line()
  local r, o, at = make { columns = 30 }
  local done = r:progress "probes"
  at(1) done(10, 40)
  at(1.01) done(11, 40)
  lu.assertEquals(o.log.text, "\rprobes 10/40, 10/s, 3.0 s lef\27[K")
  at(2) done(40, 40)
  lu.assertStrContains(o.log.text, "\27[K\rprobes: 40 in 2.0 s, 20/s\27[K\n")
end

function T.test_what_is_over_soon_or_quiet_shows_no_progress()
  local r, o, at = make { columns = 80 }
  local done = r:progress "probes"
  at(0.2) done(1, 2)
  at(0.4) done(2, 2)
  lu.assertEquals(o.log.text, "")
  r, o, at = make { quiet = true }
  done = r:progress "probes"
  at(100) done(1, 2)
  lu.assertEquals(o.log.text, "")
end

function T.test_save_makes_folders_and_is_listed()
  local r, o = make { json = true }
  local path = h.temporary "a/b/c.png"
  r:save(path, sb.zeros(3, 2, 2))
  lu.assertNotNil(sb.image.load(path))
  r:finish { class = 3 }
  lu.assertEquals(cjson.decode(o.lines.text), { class = 3, files = { path } })
  h.error_has(r.save, "/dev/null", r, "/dev/null/x/c.png", sb.zeros(3, 2, 2))
end

function T.test_json_is_sorted_and_strict()
  lu.assertEquals(json.encode { b = { 1, 2.5, "x\n\"é" }, a = true, c = {}, d = 0 / 0, e = { f = false } },
    '{"a":true,"b":[1,2.5,"x\\n\\"é"],"c":[],"d":null,"e":{"f":false}}')
  lu.assertEquals(json.encode(sb.tensor { { 1, 2 }, { 3, 0.5 } }), "[[1,2],[3,0.5]]")
  lu.assertEquals(json.encode { 2 ^ 53, math.maxinteger }, "[9.007199254741e+15,9223372036854775807]")
  lu.assertFalse((pcall(json.encode, { print })))
end

return T
