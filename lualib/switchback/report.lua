-- What a recipe tells while it runs: lines, progress, files, and its result.
local core = require "switchback.core"
local file = require "switchback.file"
local merged = require "switchback.merged"
local paths = require "switchback.paths"

local Report = {}
Report.__index = Report

-- new{ json =, quiet =, lines = io.stdout, log = io.stderr, columns =, clock = } --> report. Lines and the
-- result go to `lines`, progress to `log`; columns is the width of log's terminal (false: it is none), clock
-- answers seconds.
local function new(o)
  local log = o.log or io.stderr
  local columns = o.columns
  if columns == nil then columns = core.system.columns(log) end
  return setmetatable({ json = o.json, quiet = o.quiet, lines = o.lines or io.stdout, files = {},
                        log = log, columns = columns, clock = o.clock or core.system.clock }, Report)
end

-- report:say(format, ...) prints a line for people: nothing under --quiet or --json.
function Report:say(format, ...)
  if self.quiet or self.json then return end
  self.lines:write(select("#", ...) > 0 and format:format(...) or tostring(format), "\n")
  self.lines:flush()
end

-- report:save(path, image) writes a picture, with the folders above it. Raises if it cannot.
function Report:save(path, image)
  assert(file.make_folders(paths.folder(path)))
  assert(require("switchback.image").save(path, image))
  self:note(path)
end

-- report:note(path) tells of a file that was written.
function Report:note(path)
  self.files[#self.files + 1] = path
  self:say("wrote %s", path)
end

-- report:finish(result) prints the result table, with the list of files written, under --json.
function Report:finish(result)
  if not self.json then return end
  self.lines:write(require("switchback.json").encode(merged({ files = self.files }, result)), "\n")
end

-- ---- Progress ---------------------------------------------------------------------------------

local FIRST, REDRAW, LINE = 0.5, 0.1, 5 -- seconds: until anything shows, between redraws, between lines

local function duration(seconds)
  if seconds < 60 then return ("%.1f s"):format(seconds) end
  seconds = math.floor(seconds + 0.5)
  if seconds < 3600 then return ("%d:%02d min"):format(seconds // 60, seconds % 60) end
  return ("%d:%02d h"):format(seconds // 3600, seconds // 60 % 60)
end

local function rate(done, seconds)
  local r = done / seconds
  if r < 1 then return duration(seconds / done) .. " each" end
  return ("%.3g/s"):format(r)
end

local function status(what, done, total, note, elapsed)
  local left = elapsed / done * (total - done)
  if type(note) == "number" then note = ("%.4g"):format(note) end
  return ("%s %d/%d, %s, %s left%s"):format(what, done, total, rate(done, elapsed), duration(left),
    note and ", " .. note or "")
end

local function summary(what, total, elapsed)
  return ("%s: %d in %s, %s"):format(what, total, duration(elapsed), rate(total, elapsed))
end

-- In place on a terminal, as a line of its own elsewhere.
local function draw(self, text, ended)
  if self.columns then
    self.log:write("\r", text:sub(1, self.columns - 1), "\27[K", ended and "\n" or "")
  else
    self.log:write(text, "\n")
  end
  self.log:flush()
end

-- report:progress(what) --> function(done, total [, note]), what methods take as their option `progress`: to
-- be called as things get done, from 1 to total. Shows count, rate and time left: in place on a terminal,
-- else a line every five seconds; nothing for what is over soon.
function Report:progress(what)
  if self.quiet then return function() end end
  local started = self.clock()
  local interval = self.columns and REDRAW or LINE
  local drawn, due = false, started + (self.columns and FIRST or LINE)
  return function(done, total, note)
    local now = self.clock()
    if done >= total then
      if drawn then draw(self, summary(what, total, now - started), true) end
    elseif now >= due then
      draw(self, status(what, done, total, note, now - started))
      drawn, due = true, now + interval
    end
  end
end

return { new = new }
