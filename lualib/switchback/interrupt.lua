-- Ctrl-C, which raises the error "interrupted" wherever Lua is (runtime/lcall.h), for work that has something
-- to show when it ends early.
local interrupt = {}

-- interrupt.is(trouble) --> whether an error's message is that of Ctrl-C.
function interrupt.is(trouble) return tostring(trouble):find("interrupted", 1, true) ~= nil end

-- interrupt.caught(f, ...) --> false once f(...) has ended by itself, true if Ctrl-C ended it. Other errors
-- are raised again.
function interrupt.caught(f, ...)
  local ok, trouble = pcall(f, ...)
  if not ok and not interrupt.is(trouble) then error(trouble, 0) end
  return not ok
end

return interrupt
