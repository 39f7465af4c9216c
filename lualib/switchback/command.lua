-- The command line: what `switchback ...` is to do, as steps that the host program runs in turn.
local command = {}

local usage = [[
usage: switchback NAME [--option value]...    run a recipe
       switchback help [NAME]                 list recipes, or one's options
       switchback FILE.lua [argument]...      run a Lua script
       switchback                             start the prompt
options before a script, as in lua:
  -e CODE     run CODE             -i   start the prompt after the script
  -l MODULE   require MODULE       -v   print the version
  -           run standard input   --   the script's name follows
]]

local function print_version()
  print(("Switchback %s, %s"):format(require("switchback.core").system.version, _VERSION))
end

local function print_help()
  io.write(usage, "recipes:\n", require("switchback.recipe").listing())
end

local function start_prompt() require("switchback.repl").run() end

local function require_global(name)
  local global, module = name:match("^([%w_]+)=(.+)$")
  _G[global or name] = require(module or name)
end

local function is_file(name)
  local file = io.open(name, "rb")
  if not file then return false end
  local _, problem = file:read(0) -- a folder opens, but cannot be read
  file:close()
  return not problem
end

local function names_script(word)
  return word == "-" or word:find("/", 1, true) or word:find("%.lua$") or is_file(word)
end

-- Sets the global `arg` as lua does: the script is entry 0, what stands before it negative.
local function set_arg(argv, at)
  local shifted = {}
  for i = 0, #argv do shifted[i - at] = argv[i] end
  arg = shifted -- luacheck: globals arg
end

local function chunk(code, name)
  local f, message = load(code, name)
  if not f then error(message, 0) end
  return { f }
end

local function script_step(name, arguments)
  local f, message = loadfile(name ~= "-" and name or nil)
  if not f then error(message, 0) end
  return { f, table.unpack(arguments) }
end

local function recipe_step(name, arguments)
  local recipe = require "switchback.recipe"
  return { recipe.run, recipe.find(name), arguments }
end

-- Options with lua's meaning: each adds a step and answers how many words it took.
local takes = {}
function takes.e(steps, value)
  steps[#steps + 1] = chunk(value, "=(command line)")
  steps.done = true
end
function takes.l(steps, value) steps[#steps + 1] = { require_global, value } end

local alone = {}
alone["-i"] = function(steps) steps.prompt = true end
alone["-v"] = function(steps)
  steps[#steps + 1] = { print_version }
  steps.done = true
end
alone["--version"] = alone["-v"]
alone["--help"] = function(steps)
  steps[#steps + 1] = { print_help }
  steps.done = true
end
alone["-h"] = alone["--help"]

-- `switchback help` is --help; `switchback help NAME` is NAME --help.
local function help_step(steps, name)
  if name then
    steps[#steps + 1] = recipe_step(name, { "--help" })
  else
    alone["--help"](steps)
  end
end

-- Reads the option at argv[i]; answers the index of the next word.
local function read_option(steps, argv, i)
  local word = argv[i]
  if alone[word] then
    alone[word](steps)
    return i + 1
  end
  local take = takes[word:sub(2, 2)]
  if not take then error(("unrecognized option '%s'\n%s"):format(word, usage), 0) end
  local value = #word > 2 and word:sub(3) or argv[i + 1]
  if not value then error(("'%s' needs an argument\n%s"):format(word, usage), 0) end
  take(steps, value)
  return #word > 2 and i + 1 or i + 2
end

local function add_main_step(steps, argv, i, forced)
  local word, arguments = argv[i], table.move(argv, i + 1, #argv, 1, {})
  set_arg(argv, i)
  if word == "help" and not forced and not names_script(word) then return help_step(steps, argv[i + 1]) end
  local make = (forced or names_script(word)) and script_step or recipe_step
  steps[#steps + 1] = make(word, arguments)
end

-- steps(argv) --> { {f, argument...}... }; argv[0] is the program. Raises for wrong usage, scripts that
-- do not compile and unknown recipes.
function command.steps(argv)
  local steps, i, forced = {}, 1, false
  while argv[i] and argv[i]:sub(1, 1) == "-" and argv[i] ~= "-" and not forced do
    forced = argv[i] == "--"
    i = forced and i + 1 or read_option(steps, argv, i)
  end
  if argv[i] then
    add_main_step(steps, argv, i, forced)
  else
    set_arg(argv, 0)
  end
  if steps.prompt or not (argv[i] or steps.done) then steps[#steps + 1] = { start_prompt } end
  return steps
end

return command
