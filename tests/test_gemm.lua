-- Products made by several threads at once, which not every build of a BLAS library stands.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- The serial flavour of Debian's OpenBLAS goes wrong in one of some 150 such products: its threads share the
-- memory that matrices are packed into.
function T.test_threads_do_not_disturb_each_other()
  local threads = sb.threads()
  local a, b = sb.randn(sb.rng(1), 300, 200), sb.randn(sb.rng(2), 200, 300)
  sb.threads(1)
  local want = a:matmul(b)
  sb.threads(4)
  for _ = 1, 300 do
    local got = a:matmul(b)
    h.close(got, want, 0)
  end
  sb.threads(threads)
  lu.assertTrue(a:matmul(b) == want)
end

return T
