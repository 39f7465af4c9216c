-- Runs the conformance data of the ONNX project (Debian's libonnx-testdata): each case is a model
-- with inputs and expected outputs. A case passes if layers compute the outputs within the backend
-- test's tolerance, |a - b| <= 1e-7 + 1e-3 |b|; it is folded if that happened while importing,
-- since it computes with integers or was bound to constants; it is unsupported if the importer
-- refuses its model, by operator and reason; and it has failed otherwise.
local core = require "switchback.core"
local array = require "switchback.formats.onnx.array"
local importer = require "switchback.formats.onnx.importer"
local net = require "switchback.net"

local conformance = {}

local RTOL <const>, ATOL <const> = 1e-3, 1e-7
local GROUPS <const> = { "node", "pytorch-converted", "pytorch-operator", "simple" }

--- The folder of the data, or nil: SWITCHBACK_ONNX_DATA, or where Debian has it.
function conformance.folder()
  for _, folder in ipairs { os.getenv "SWITCHBACK_ONNX_DATA" or "", "/usr/share/libonnx-testdata/data" } do
    if core.files.kind(folder .. "/node") == "folder" then return folder end
  end
end

--- The cases as a list of { name =, folder = }.
function conformance.cases(folder)
  local cases = {}
  for _, group in ipairs(GROUPS) do
    local names = assert(core.files.list(folder .. "/" .. group))
    table.sort(names)
    for _, name in ipairs(names) do
      cases[#cases + 1] = { name = group .. "/" .. name, folder = folder .. "/" .. group .. "/" .. name }
    end
  end
  return cases
end

-- The stored tensors of a case: "input" or "output", 0, 1, ...
local function read_tensors(case, what)
  local list = {}
  while true do
    local path = ("%s/test_data_set_0/%s_%d.pb"):format(case.folder, what, #list)
    if core.files.kind(path) ~= "file" then return list end
    list[#list + 1] = assert(core.onnx.read_tensor(path))
  end
end

-- The data store bfloat16 as uint16: its bits are the upper half of a float32's.
local function as_declared(value, dtype)
  if dtype ~= "bfloat16" or type(value) ~= "table" then return value end
  local a = { dtype = "float32", shape = value.shape }
  for i, bits in ipairs(value) do a[i] = string.unpack("<f", string.pack("<I4", bits << 16)) end
  return array.to_tensor(a)
end

local function shape_of(value)
  return type(value) == "table" and value.shape or value:size()
end

local function elements(value)
  if type(value) == "table" then return value end
  return array.from_tensor(value)
end

local function is_close(a, b)
  if a == b or (a ~= a and b ~= b) then return true end
  return math.abs(a - b) <= ATOL + RTOL * math.abs(b)
end

-- nil, or how `got` differs from what is expected.
local function difference(got, want)
  local a, b = table.concat(shape_of(got), "x"), table.concat(shape_of(want), "x")
  if a ~= b then return ("shape %s, expected %s"):format(a, b) end
  local x, y = elements(got), elements(want)
  for i = 1, #y do
    if not is_close(x[i], y[i]) then return ("element %d is %s, expected %s"):format(i, x[i], y[i]) end
  end
end

-- What the network or the host makes of an output of the graph.
local function result_of(name, graph, pass)
  local value = graph.values[name]
  if value.kind == "runtime" then return pass[name] end
  return value.kind == "shape" and value.eval { shape_of = pass.shape_of, memo = {} } or value.data
end

local function run(case, model, bound, inputs)
  local description, graph = importer.describe(model, bound)
  if not description then return "unsupported", graph[1] end
  local given = {}
  for _, input in ipairs(description.inputs) do
    given[input.name] = inputs[input.name]
    input.shape = given[input.name]:size() -- some data are not of the declared shape
  end
  local pass = net.new(description):forward(given, { record = false, keep = description.outputs })
  for i, want in ipairs(read_tensors(case, "output")) do
    local output = model.outputs[i]
    local trouble = difference(result_of(output.name, graph, pass), as_declared(want, output.dtype))
    if trouble then return "failed", ("output %d: %s"):format(i, trouble) end
  end
  return #description.nodes > 0 and "passed" or "folded"
end

-- Which inputs are constants: first only those of integers, which no activation can be; if the
-- importer wants more of them constant (the weights of Conv), all but the first; or else all.
local function bindings(model, inputs)
  local few, most, all = {}, {}, {}
  for i, input in ipairs(model.inputs) do
    local value = inputs[input.name]
    if type(value) == "table" then few[input.name] = value end
    if i > 1 or type(value) == "table" then most[input.name] = value end
    all[input.name] = value
  end
  return { few, most, all }
end

local NO_TENSOR <const> = { op = "Model", reason = "has an input or output that is no tensor" }
local TOO_MANY_DIMENSIONS <const> = { op = "Model", reason = "has a tensor of more than 6 dimensions" }

local function attempt(case)
  local path, refused = case.folder .. "/model.onnx", nil
  local model = assert(core.onnx.read(path))
  for _, info in ipairs { table.unpack(model.inputs), table.unpack(model.outputs) } do
    if info.dtype == "unknown" then return "unsupported", NO_TENSOR end
  end
  local inputs = {}
  for i, value in ipairs(read_tensors(case, "input")) do
    inputs[model.inputs[i].name] = as_declared(value, model.inputs[i].dtype)
  end
  for _, bound in ipairs(bindings(model, inputs)) do
    local status, trouble = run(case, assert(core.onnx.read(path)), bound, inputs)
    if status ~= "unsupported" then return status, trouble end
    refused = trouble
  end
  return "unsupported", refused
end

--- run(case) --> "passed"; "folded"; "unsupported", { op =, reason = }; or "failed", message.
function conformance.run(case)
  local results = table.pack(pcall(attempt, case))
  if results[1] then return table.unpack(results, 2, results.n) end
  local message = tostring(results[2])
  if message:find("more than 6 dimensions", 1, true) then return "unsupported", TOO_MANY_DIMENSIONS end
  return "failed", message
end

return conformance
