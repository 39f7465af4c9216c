-- process_memory(field) --> KiB of this process by a field of /proc/self/status, such as VmHWM (the
-- peak of the resident memory), VmRSS or RssFile. Needs nothing else, so that programs that tests
-- start can use it too.
return function(field)
  for line in io.lines "/proc/self/status" do
    local kib = line:match("^" .. field .. ":%s+(%d+)")
    if kib then return math.tointeger(kib) end
  end
end
