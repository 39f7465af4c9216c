-- What tests share: require "helper".
local lu = require "luaunit"
local sb = require "switchback"

local h = {}

-- The path of a file of the shared reference data; skips the running test when it is not there.
function h.shared(name)
  local path = (os.getenv "SWITCHBACK_SHARED" or "../shared") .. "/" .. name
  local file = io.open(path, "rb")
  if not file then lu.skip(path .. " is not there") end
  file:close()
  return path
end

-- |a - b| / |b| (Euclidean) for tensors of equal shape; |a| where b is all zero.
function h.rel_l2(a, b)
  lu.assertEquals(a:size(), b:size())
  local scale = b:norm()
  return (a - b):norm() / (scale > 0 and scale or 1)
end

-- Fails unless a and b, tensors or numbers, are close; see tensor.close.
function h.close(a, b, tolerance)
  if type(a) == "number" then a = sb.tensor(a) end
  local ok, difference = a:close(b, tolerance)
  if not ok then error(difference, 2) end
end

-- Calls f(...) and fails unless it raises a message that contains `text`; answers the message.
function h.error_has(f, text, ...)
  local ok, message = pcall(f, ...)
  if ok then error("no error where one should say: " .. text, 2) end
  message = tostring(message)
  if not message:find(text, 1, true) then
    error(("the error should say: %s\nbut says: %s"):format(text, message), 2)
  end
  return message
end

-- The program that runs the tests.
h.host = arg[-1]

local folder

-- temporary(name) --> a path for a test's file, in a folder that is removed when the tests end.
function h.temporary(name)
  if not folder then
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir '" .. folder .. "'"))
  end
  return folder .. "/" .. name
end

-- Removes what the tests wrote.
function h.clean_up()
  if folder then os.execute("rm -r '" .. folder .. "'") end
end

-- shell(command [, input]) --> what it wrote, errors included; its exit status.
function h.shell(command, input)
  if input then
    local path = h.temporary "input"
    local file = assert(io.open(path, "wb"))
    file:write(input)
    file:close()
    command = command .. " < " .. path
  end
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1", "r"))
  local output = pipe:read "a"
  local _, _, status = pipe:close()
  return output, status
end

-- Calls f with its first, its second, ... allocation failing, until it asks for no more: each time it must
-- raise "not enough memory" and leave nothing behind (the sanitizer and valgrind watch); answers how often.
function h.survives_failed_allocations(f)
  local fail_alloc = require "fail_alloc"
  for n = 1, math.huge do
    local triggered, ok, result = fail_alloc.run(n, f)
    if not triggered then
      if not ok then error(result, 2) end
      return n - 1
    end
    lu.assertStrContains(tostring(result), "not enough memory")
  end
end

return h
