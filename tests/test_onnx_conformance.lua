local lu = require "luaunit"
local conformance = require "onnx_conformance"
local fold = require "switchback.formats.onnx.fold"
local operators = require "switchback.formats.onnx.operators"

local T = {}

-- Why a case may be refused although its operator is one that we have.
local NAMED_REASONS <const> = {
  "has a 3-D window", "works on constants and shapes only", "elements of type string", "casts to string",
  "casts activations to bfloat16", "is in training mode", "has its output Indices read",
  "has its output mask read",
}

local function is_honest(trouble)
  if trouble.op == "Model" or not (fold[trouble.op] or operators[trouble.op]) then return true end
  for _, reason in ipairs(NAMED_REASONS) do
    if trouble.reason:find(reason, 1, true) then return true end
  end
  return false
end

local function run_all(folder)
  local count, reasons, failures = { passed = 0, folded = 0, unsupported = 0, failed = 0 }, {}, {}
  for _, case in ipairs(conformance.cases(folder)) do
    local status, trouble = conformance.run(case)
    if status == "unsupported" and not is_honest(trouble) then
      status, trouble = "failed", ("%s %s"):format(trouble.op, trouble.detail or trouble.reason)
    end
    count[status] = count[status] + 1
    if status == "failed" then failures[#failures + 1] = ("%s: %s"):format(case.name, trouble) end
    if status == "unsupported" then
      local key = ("%s %s"):format(trouble.op, trouble.reason)
      reasons[key] = (reasons[key] or 0) + 1
    end
  end
  return count, reasons, failures
end

local function print_table(count, reasons)
  local keys = {}
  for key in pairs(reasons) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    return reasons[a] > reasons[b] or (reasons[a] == reasons[b] and a < b)
  end)
  print(("ONNX conformance: %d passed, %d folded at import, %d unsupported, %d failed"):format(
    count.passed, count.folded, count.unsupported, count.failed))
  for _, key in ipairs(keys) do print(("  %4d unsupported: %s"):format(reasons[key], key)) end
end

function T.test_every_case_that_is_supported_passes()
  local folder = conformance.folder()
  if not folder then lu.skip "no ONNX test data (libonnx-testdata, SWITCHBACK_ONNX_DATA)" end
  local count, reasons, failures = run_all(folder)
  print_table(count, reasons)
  lu.assertEquals(failures, {})
  lu.assertTrue(count.passed >= 250, count.passed .. " cases passed, fewer than 250")
end

return T
