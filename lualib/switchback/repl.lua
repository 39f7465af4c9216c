-- The prompt: reads chunks of Lua, runs them, prints what expressions give.
local core = require "switchback.core"
local file = require "switchback.file"
local inspect = require "switchback.inspect"
local paths = require "switchback.paths"

local repl = {}

-- compile(text) --> function; or nil, message, whether more lines could complete it. An expression becomes
-- a function that returns its values.
function repl.compile(text)
  local f = load("return " .. text, "=prompt", "t")
  if f then return f end
  local message
  f, message = load(text, "=prompt", "t")
  if f then return f end
  return nil, message, message:find "<eof>$" ~= nil
end

-- Reads lines until they make a chunk. read(prompt) --> line; or nil, why.
-- Answers the function; or nil, message; or nil, nil, why when there is none to run.
local function read_chunk(read)
  local text, why = read "> "
  if not text then return nil, nil, why end
  while true do
    local f, message, incomplete = repl.compile(text)
    if not incomplete then return f, message end
    local line
    line, why = read ">> "
    if not line then
      if why == "end" then return nil, message end
      return nil, nil, why
    end
    text = text .. "\n" .. line
  end
end

-- Errors at the prompt are one's own typing more often than not: the trace is shown on demand.
local function without_trace(message)
  if os.getenv "SWITCHBACK_TRACE" then return message end
  return (tostring(message):gsub("\nstack traceback:.*", ""))
end

local function show(results)
  for i = 2, results.n do print((inspect.text(results[i]))) end
  if results.n > 1 then _G._ = results[2] end
end

local function report(message)
  io.stdout:flush()
  io.stderr:write(without_trace(message), "\n")
end

-- Runs one chunk. Answers whether all went well.
local function evaluate(f)
  local results = table.pack(core.system.call(f))
  if results[1] then -- showing may fail, or take long, too
    results = table.pack(core.system.call(show, results))
  end
  if not results[1] then report(results[2]) end
  return results[1]
end

-- loop(read) reads and runs chunks until there are none. Answers how many failed.
function repl.loop(read)
  local failed = 0
  while true do
    local f, message, why = read_chunk(read)
    if why == "end" then return failed end
    if message then report(message) end
    if message or (f and not evaluate(f)) then failed = failed + 1 end
  end
end

-- What the library offers is in reach without `sb.`, behind the globals.
local function set_globals()
  local sb = require "switchback"
  _G.sb = sb
  setmetatable(_G, { __index = sb })
end

local function history_path()
  local state = os.getenv "XDG_STATE_HOME"
  if not state or state == "" then state = (os.getenv "HOME" or ".") .. "/.local/state" end
  return state .. "/switchback/history"
end

local function banner()
  print(("Switchback %s, %s. Ctrl-C stops a computation, Ctrl-D ends."):format(core.system.version, _VERSION))
end

local function run_on_terminal()
  local prompt <close> = assert(core.prompt.open())
  local history = history_path()
  prompt:load(history)
  banner()
  repl.loop(function(text)
    local line, why = prompt:read(text)
    if line and line:find "%S" then prompt:remember(line) end
    return line, why
  end)
  if file.make_folders(paths.folder(history)) then prompt:save(history) end
end

local function run_piped()
  local failed = repl.loop(function()
    local line = io.read()
    return line, not line and "end" or nil
  end)
  if failed > 0 then os.exit(false, true) end
end

-- run() is the prompt on standard input. Without a terminal it runs the lines it gets, without asking; then
-- the exit status tells whether any failed.
function repl.run()
  set_globals()
  local terminal = core.system.columns(io.stdin) and core.system.columns(io.stdout)
  if terminal then run_on_terminal() else run_piped() end
end

return repl
