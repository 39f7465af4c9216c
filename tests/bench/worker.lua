-- One side of a workload: a process that has prepared it and runs it when told, over a pipe each way.
local Worker = {}
Worker.__index = Worker

local worker = {}

local function last_lines(path)
  local file = io.open(path, "r")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text:sub(-2000)
end

-- start(folder, command) --> worker, once it has prepared its workload and run it once; its first_ms is how
-- long that run took. Raises, with what the process wrote last, if it ends instead.
function worker.start(folder, command)
  local pipe, log = folder .. "/answers", folder .. "/errors"
  os.remove(pipe)
  assert(os.execute(("mkfifo '%s'"):format(pipe)))
  local self = setmetatable({ command = command, log = log }, Worker)
  self.to = assert(io.popen(("exec %s > '%s' 2> '%s'"):format(command, pipe, log), "w"))
  self.from = assert(io.open(pipe, "r"))
  self.to:setvbuf "line"
  self.first_ms = tonumber(self:answer():match "^ready (.*)")
  return self
end

function Worker:answer()
  local line = self.from:read "l"
  if not line then error(("%s\nended: %s"):format(self.command, last_lines(self.log)), 0) end
  return line
end

-- worker:ask(line) --> its answer, a line.
function Worker:ask(line)
  self.to:write(line, "\n")
  return self:answer()
end

-- worker:run(n) --> milliseconds that one of n runs took.
function Worker:run(n) return tonumber(self:ask("run " .. n)) end

-- worker:stop() ends the process and waits for it.
function Worker:stop()
  self.to:close()
  self.from:close()
end

return worker
