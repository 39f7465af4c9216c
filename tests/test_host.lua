local h = require "helper"
local lu = require "luaunit"

local T = {}

function T.test_expression_runs()
  local out, status = h.shell(h.host .. [[ -e 'io.write(1 + 1)']])
  lu.assertEquals({ out, status }, { "2", 0 })
end

return T
