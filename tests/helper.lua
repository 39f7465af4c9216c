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

-- The mode that these tests run in (SWITCHBACK_PRECISION), which a test that chose one leaves behind.
local precision = sb.precision()
function h.usual_precision() sb.precision(precision) end

-- Skips the running test where a sanitizer stands between the program and the system's memory.
function h.needs_own_memory()
  if os.getenv "ASAN_OPTIONS" then lu.skip "the sanitizer holds freed memory back" end
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

-- Checks gradients by central differences. f() answers a number that depends on the tensors of `values`,
-- which are moved by `step` along random directions and put back; `gradients` is one tensor for each. Fails
-- unless the slopes agree to `tolerance` (default 2e-3: rounding of float32) relative to the largest.
function h.check_gradients(f, values, gradients, options)
  local o = options or {}
  local rng, step = sb.rng(o.seed or 11), o.step or 1e-2
  lu.assertEquals(#gradients, #values)
  for k, value in ipairs(values) do
    lu.assertEquals(gradients[k]:size(), value:size())
    local saved, found, wanted, scale = value:clone(), {}, {}, 1e-6
    for i = 1, o.directions or 4 do
      local direction = sb.randn(rng, table.unpack(value:size()))
      local above = f(value:copy_(saved + direction * step))
      local below = f(value:copy_(saved - direction * step))
      found[i], wanted[i] = (above - below) / (2 * step), gradients[k]:dot(direction)
      scale = math.max(scale, math.abs(wanted[i]))
    end
    value:copy_(saved)
    for i in ipairs(found) do
      lu.assertAlmostEquals(found[i] / scale, wanted[i] / scale, o.tolerance or 2e-3)
    end
  end
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
