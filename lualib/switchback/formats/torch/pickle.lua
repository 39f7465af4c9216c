-- Python's pickles (PEP 307, PEP 3154; CPython's Lib/pickletools.py describes every opcode), protocols 0 to
-- 5, without what makes them dangerous: nothing is imported, and what may be called is a list that the caller
-- gives. The machine has a stack, marks in it, and a memo; it neither recurses nor copies containers.
--
-- dict, list, tuple and set become Lua tables (see containers.lua), None inside of lists `none`.
local containers = require "switchback.formats.torch.containers"

local pickle = {}

local STEPS <const> = 1 << 22 -- opcodes of a pickle; one of 10,000 tensors takes about 500,000

local function fail(format, ...) error(format:format(...), 0) end

-- ---- Reading --------------------------------------------------------------------------------------

local function unpack(m, format)
  local ok, value, after = pcall(string.unpack, format, m.text, m.at)
  if not ok then fail "the pickle is cut short" end
  m.at = after
  return value
end

local function take(m, n)
  if n < 0 or n > #m.text - m.at + 1 then fail "the pickle is cut short" end
  m.at = m.at + n
  return m.text:sub(m.at - n, m.at - 1)
end

local function line(m)
  local stop = m.text:find("\n", m.at, true) or fail "the pickle is cut short"
  local text = m.text:sub(m.at, stop - 1)
  m.at = stop + 1
  return text
end

-- ---- The stack --------------------------------------------------------------------------------------

local function push(m, value)
  if value == nil then value = containers.none end
  m.top = m.top + 1
  m.stack[m.top] = value
end

-- What lies below the last mark is out of reach, as in Python.
local function pop(m)
  if m.top <= (m.marks[#m.marks] or 0) then fail "the pickle takes from an empty stack" end
  local value = m.stack[m.top]
  m.stack[m.top] = nil
  m.top = m.top - 1
  return value
end

local function peek(m)
  if m.top <= (m.marks[#m.marks] or 0) then fail "the pickle takes from an empty stack" end
  return m.stack[m.top]
end

-- The values above the last mark as a list; the mark is gone.
local function pop_mark(m)
  local mark = table.remove(m.marks) or fail "the pickle has no mark where one is needed"
  local values = table.move(m.stack, mark + 1, m.top, 1, {})
  for i = mark + 1, m.top do m.stack[i] = nil end
  m.top = mark
  return values
end

local function remember(m, index) m.memo[index] = peek(m) end

local function recall(m, index)
  local value = m.memo[index]
  if value == nil then fail("the pickle recalls entry %s, which it never stored", index) end
  push(m, value)
end

-- ---- Numbers and strings ------------------------------------------------------------------------------

-- Little-endian two's complement of any length; beyond 64 bits as a float.
local function long(bytes)
  if #bytes == 0 then return 0 end
  if #bytes <= 8 then return (string.unpack("<i" .. #bytes, bytes)) end
  local value = bytes:byte(-1) >= 128 and -1.0 or 0.0
  for i = #bytes, 1, -1 do value = value * 256 + bytes:byte(i) end
  return value
end

local function decimal(text)
  if text == "00" or text == "01" then return text == "01" end -- booleans of protocol 0
  return math.tointeger(tonumber(text:match "^%s*([+-]?%d+)L?%s*$")) or fail("'%s' is no integer", text)
end

-- A quoted string of protocol 0.
local function quoted(text)
  local inner = text:match "^'([^'\\]*)'$" or text:match '^"([^"\\]*)"$'
  return inner or fail("the pickle has a string with escapes: %s", text)
end

-- ---- Opcodes --------------------------------------------------------------------------------------------

local op = {}

-- What pushes a value that is read as string.unpack does.
for code, format in pairs { J = "<i4", K = "<I1", M = "<I2", G = ">d", T = "<s4", U = "<s1", X = "<s4",
                            B = "<s4", C = "<s1", ["\x8c"] = "<s1", ["\x8d"] = "<s8", ["\x8e"] = "<s8",
                            ["\x96"] = "<s8" } do
  op[code] = function(m) push(m, unpack(m, format)) end
end

-- What pushes a constant.
for code, value in pairs { N = containers.none, ["\x88"] = true, ["\x89"] = false } do
  op[code] = function(m) push(m, value) end
end

op["\x80"] = function(m) -- PROTO
  local version = unpack(m, "<I1")
  if version > 5 then fail("the pickle is of protocol %d, 5 is the last known", version) end
end
op["\x95"] = function(m) unpack(m, "<I8") end -- FRAME
op.I = function(m) push(m, decimal(line(m))) end
op.L = op.I
op.F = function(m) push(m, tonumber(line(m)) or fail "the pickle has a float that is none") end
op.S = function(m) push(m, quoted(line(m))) end
op.V = function(m) push(m, line(m)) end
op["\x8a"] = function(m) push(m, long(unpack(m, "<s1"))) end
op["\x8b"] = function(m) push(m, long(unpack(m, "<s4"))) end

op["("] = function(m) m.marks[#m.marks + 1] = m.top end
op["0"] = function(m) -- POP takes a mark, too
  if m.marks[#m.marks] == m.top then m.marks[#m.marks] = nil else pop(m) end
end
op["1"] = function(m) pop_mark(m) end
op["2"] = function(m) push(m, peek(m)) end

op.p = function(m) remember(m, line(m)) end
op.q = function(m) remember(m, tostring(unpack(m, "<I1"))) end
op.r = function(m) remember(m, tostring(unpack(m, "<I4"))) end
op.g = function(m) recall(m, line(m)) end
op.h = function(m) recall(m, tostring(unpack(m, "<I1"))) end
op.j = function(m) recall(m, tostring(unpack(m, "<I4"))) end
op["\x94"] = function(m) -- MEMOIZE
  remember(m, tostring(m.memoized))
  m.memoized = m.memoized + 1
end

-- Containers.
op["]"] = function(m) push(m, m.world.containers:list {}) end
op["}"] = function(m) push(m, m.world.containers:dict {}) end
op["\x8f"] = function(m) push(m, m.world.containers:set {}) end
op[")"] = function(m) push(m, m.world.containers:list {}) end
op.l = function(m) push(m, m.world.containers:list(pop_mark(m))) end
op.t = op.l
op["\x91"] = function(m) push(m, m.world.containers:set(pop_mark(m))) end
op.d = function(m) push(m, m.world.containers:dict(pop_mark(m))) end
for code, n in pairs { ["\x85"] = 1, ["\x86"] = 2, ["\x87"] = 3 } do
  op[code] = function(m)
    local values = {}
    for i = n, 1, -1 do values[i] = pop(m) end
    push(m, m.world.containers:list(values))
  end
end
op.a = function(m)
  local value = pop(m)
  m.world.containers:append(peek(m), { value })
end
op.e = function(m)
  local values = pop_mark(m)
  m.world.containers:append(peek(m), values)
end
op.s = function(m)
  local value = pop(m)
  local key = pop(m)
  m.world.containers:set_items(peek(m), { key, value })
end
op.u = function(m)
  local values = pop_mark(m)
  m.world.containers:set_items(peek(m), values)
end
op["\x90"] = function(m)
  local values = pop_mark(m)
  m.world.containers:add(peek(m), values)
end

-- ---- Opcodes that name and call ---------------------------------------------------------------------------

local function call(m, callable, arguments)
  if not m.callables[callable] then fail "the pickle calls what is no function" end
  m.world.containers:check(arguments, "list", "the arguments of " .. m.callables[callable])
  push(m, callable.call(table.unpack(arguments, 1, math.min(#arguments, 16))))
end

-- What a name stands for: a value, or a table that can be called.
local function name(m, module, attribute)
  if type(module) ~= "string" or type(attribute) ~= "string" then fail "the pickle names what is no name" end
  local full = module .. "." .. attribute
  local callable = m.world.find(full)
  if not callable then fail("refuses to call %s: only tensors and plain containers are built", full) end
  if callable.value then return callable.value end
  m.callables[callable] = full
  return callable
end

op.c = function(m)
  local module = line(m)
  push(m, name(m, module, line(m)))
end
op["\x93"] = function(m) -- STACK_GLOBAL
  local attribute = pop(m)
  push(m, name(m, pop(m), attribute))
end
op.i = function(m) -- INST
  local module = line(m)
  local callable = name(m, module, line(m))
  call(m, callable, m.world.containers:list(pop_mark(m)))
end
op.o = function(m) -- OBJ
  local values = pop_mark(m)
  call(m, table.remove(values, 1), m.world.containers:list(values))
end
op.R = function(m)
  local arguments = pop(m)
  call(m, pop(m), arguments)
end
op["\x81"] = op.R -- NEWOBJ
-- BUILD gives an object attributes. Those of a dict (a state_dict's _metadata) are passed over.
op.b = function(m)
  pop(m)
  m.world.containers:check(peek(m), "dict", "what the pickle gives attributes to")
end
op.P = function(m) push(m, m.world.persistent(line(m))) end
op.Q = function(m) push(m, m.world.persistent(pop(m))) end

-- ---- Running ----------------------------------------------------------------------------------------------

--- run(text, at, world) --> the value of the pickle that begins at text[at] (nil for None), and the position
-- behind it. world:
--   find(name)       --> { call = function(arguments...) --> value } or { value = } for "module.name", or
--                    nothing: then the pickle is refused
--   persistent(id)   --> the value of an id that the pickle leaves to its reader
--   containers       see containers.lua
-- Raises what is wrong, without the file's name.
function pickle.run(text, at, world)
  local m = { text = text, at = at, world = world, stack = {}, top = 0, marks = {}, memo = {}, memoized = 0,
              callables = {} }
  for _ = 1, STEPS do
    local code = take(m, 1)
    if code == "." then
      local value = pop(m)
      if value == containers.none then value = nil end
      return value, m.at
    end
    local action = op[code] or fail("the pickle has the opcode 0x%02x, which is not known", code:byte())
    action(m)
  end
  fail("the pickle takes more than %d steps", STEPS)
end

return pickle
