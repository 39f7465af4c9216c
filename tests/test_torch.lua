-- formats/torch: files of PyTorch. Those of PyTorch itself are in test_torch_pytorch.lua.
local archive_writer = require "archive_writer"
local lu = require "luaunit"
local sb = require "switchback"
local w = require "pickle_writer"
local weights = require "switchback.weights"
local h = require "helper"

local T = {}

local function load_bytes(content)
  local path = h.temporary "file.pth"
  local f = assert(io.open(path, "wb"))
  f:write(content)
  f:close()
  return sb.torch.load(path)
end

local function refused(text, content)
  local value, message = load_bytes(content)
  lu.assertNil(value)
  lu.assertStrContains(message, "file.pth: ")
  lu.assertStrContains(message, text)
end

local floats = string.pack("<ffffff", 1, 2, 3, 4, 5, 6)
local function six(...) return w.tensor("Float", "0", 6, ...) end

function T.test_values()
  local value = assert(load_bytes(w.zip(w.dict(w.text "n", w.integer(-7), w.text "x", w.float(0.5),
    w.text "yes", w.yes, w.text "no", w.no, w.text "nothing", w.none, w.integer(3), w.text "three",
    w.text "list", w.list(w.integer(1), w.none, w.text "é"), w.text "tuple", w.tuple(w.list(), w.dict())))))
  lu.assertEquals(value, { n = -7, x = 0.5, yes = true, no = false, [3] = "three",
                           list = { 1, sb.torch.none, "é" }, tuple = { {}, {} } })
  lu.assertEquals(tostring(sb.torch.none), "None")
  lu.assertNil((load_bytes(w.zip(w.none))))
end

function T.test_tensors_in_both_layouts()
  local object = w.call("collections", "OrderedDict") .. w.mark .. w.text "a" .. six(0, { 2, 3 }, { 3, 1 }) ..
    w.text "t" .. six(0, { 3, 2 }, { 1, 3 }) .. w.text "tail" .. six(4, { 2 }, { 1 }) .. "u" ..
    w.dict(w.text "_metadata", w.dict()) .. w.build
  for _, content in ipairs { w.zip(object, { ["0"] = floats }), w.legacy(object, { { "0", 6, floats } }) } do
    local value = assert(load_bytes(content))
    lu.assertEquals(value.a:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
    lu.assertEquals(value.t:totable(), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
    lu.assertEquals(value.tail:totable(), { 5, 6 })
    lu.assertNil(value._metadata)
  end
end

-- As in PyTorch, tensors over one storage see each other's changes; the file does not.
function T.test_shared_storages()
  local content = w.zip(w.list(six(0, { 6 }, { 1 }), six(2, { 2 }, { 1 })), { ["0"] = floats })
  local both = assert(load_bytes(content))
  both[1][3] = 30
  lu.assertEquals(both[2]:totable(), { 30, 4 })
  lu.assertEquals(sb.torch.load(h.temporary "file.pth")[1][3], 3)
end

-- deflated by another program
function T.test_compressed_members_are_read()
  if h.shell "command -v zip" == "" then lu.skip "zip is not there" end
  local folder = h.temporary "z"
  h.shell(("mkdir -p %s/a/data"):format(folder))
  for name, content in pairs { ["a/data.pkl"] = six(0, { 6 }, { 1 }) .. ".", ["a/data/0"] = floats } do
    local f = assert(io.open(folder .. "/" .. name, "wb"))
    f:write(content)
    f:close()
  end
  h.shell(("cd %s && zip -q -r -9 z.pth a"):format(folder))
  lu.assertEquals(assert(sb.torch.load(folder .. "/z.pth")):totable(), { 1, 2, 3, 4, 5, 6 })
end

function T.test_weights_of_checkpoints()
  local x = sb.ones(1)
  lu.assertEquals(weights.of { a = x, epoch = 3 }, { a = x })
  lu.assertEquals(weights.of { epoch = 3, state_dict = { ["module.a.b"] = x, ["module.c"] = x } },
    { ["a.b"] = x, c = x })
  lu.assertEquals(weights.of { state_dict = { ["module.a"] = x, b = x } }, { ["module.a"] = x, b = x })
  h.error_has(weights.of, "no named tensors", { 1, 2 })
end

-- ---- Nets -------------------------------------------------------------------------------------------

function T.test_squeezenet_in_three_formats()
  local folder = h.shared("models/squeezenet1_1/squeezenet1_1.pth"):match "^(.*)/"
  local x = sb.randn(sb.rng(3), 2, 3, 96, 112)
  local wanted = sb.load(folder .. "/squeezenet1_1.onnx"):forward(x):scores()
  for _, format in ipairs { "safetensors", "pth" } do
    local net = sb.load(folder .. "/squeezenet1_1." .. format)
    lu.assertEquals(h.rel_l2(net:forward(x):scores(), wanted), 0, format)
    lu.assertEquals(net.labels[1], "tench, Tinca tinca")
    lu.assertEquals(net.preprocess.channels, "RGB")
    local named = sb.load("squeezenet1_1", { weights = folder .. "/squeezenet1_1." .. format })
    lu.assertEquals(h.rel_l2(named:forward(x):scores(), wanted), 0, format)
  end
end

-- The values that PyTorch computed from the same weights.
function T.test_squeezenet_against_the_reference()
  local net = sb.load("squeezenet1_1", { weights = h.shared "models/squeezenet1_1/squeezenet1_1.pth" })
  local reference = assert(sb.safetensors.load(h.shared "reference/squeezenet1_1_chelsea.safetensors"))
  local scores = net:forward(reference.input):scores()
  lu.assertTrue(h.rel_l2(scores, reference.logits:reshape(1, 1000)) < 1e-4)
end

function T.test_weights_that_do_not_fit()
  local tensors = require("switchback.zoo").tensors(sb.load("lenet5", { untrained = true }))
  local x = sb.randn(sb.rng(1), 1, 1, 28, 28)
  lu.assertEquals(h.rel_l2(sb.load("lenet5", { weights = tensors }):forward(x):scores(),
    sb.load("lenet5", { untrained = true }):forward(x):scores()), 0)
  tensors["conv1.bias"], tensors.extra = nil, sb.ones(1)
  tensors["conv2.weight"] = sb.zeros(16, 6, 3, 3)
  local message = h.error_has(sb.load, "weights: lenet5: the weights do not fit", "lenet5",
    { weights = tensors })
  lu.assertStrContains(message, "missing: conv1.bias")
  lu.assertStrContains(message, "unexpected: extra")
  lu.assertStrContains(message, "conv2.weight is 16x6x3x3, must be")
end

function T.test_a_file_of_tensors_alone_is_no_net()
  local path = h.temporary "alone.pth"
  local f = assert(io.open(path, "wb"))
  f:write(w.zip(w.dict(w.text "a", six(0, { 6 }, { 1 })), { ["0"] = floats }))
  f:close()
  h.error_has(sb.load, "alone.pth: holds tensors, but not the network", path)
  os.rename(path, h.temporary "alone")
  h.error_has(sb.load, "alone: holds tensors, but not the network", h.temporary "alone")
  h.error_has(sb.load, "none.pth: No such file", "none.pth")
end

-- ---- Hostile files ------------------------------------------------------------------------------------

function T.test_refuses_to_call_anything()
  local marker = h.temporary "touched"
  local command = w.text("touch " .. marker)
  for name, pickle in pairs { ["os.system"] = w.call("os", "system", command),
      ["posix.system"] = w.name("posix", "system"),
      ["builtins.eval"] = w.mark .. w.name("builtins", "eval") .. command .. "o",
      ["subprocess.Popen"] = w.mark .. command .. "isubprocess\nPopen\n",
      ["io.popen"] = w.text "io" .. w.text "popen" .. "\x93" .. w.tuple(command) .. "\x81",
      ["torch.nn.modules.linear.Linear"] = w.name("torch.nn.modules.linear", "Linear") .. w.tuple() .. "\x81",
      ["torch.FloatStorage"] = w.call("torch", "FloatStorage", w.integer(1 << 60)),
      ["torch.hub.load"] = w.call("torch.hub", "load") } do
    refused("refuses to call " .. name, w.zip(pickle))
    refused("refuses to call " .. name, w.legacy(pickle))
  end
  lu.assertNil(io.open(marker))
  refused("calls what is no function", w.zip(w.dict(w.text "call", w.text "x") .. w.tuple() .. "R"))
  refused("calls what is no function", w.zip(w.text "print" .. w.tuple() .. "R"))
  refused("is no list", w.zip(w.name("collections", "OrderedDict") .. w.text "x" .. "R"))
  refused("is no dict", w.zip(w.list() .. w.dict() .. "b"))
end

-- Deep nesting, a list in itself, and lists that double: nothing here recurses or copies.
function T.test_recursion_and_doubling()
  local deep = assert(load_bytes(w.zip(("]"):rep(100000) .. ("a"):rep(99999))))
  for _ = 1, 99999 do deep = deep[1] end
  lu.assertEquals(deep, {})
  local cyclic = assert(load_bytes(w.zip "]q\0h\0a"))
  lu.assertTrue(rawequal(cyclic, cyclic[1]))
  local doubled = "]"
  for _ = 1, 40 do doubled = doubled .. "q\0](h\0h\0e" end
  lu.assertEquals(#assert(load_bytes(w.zip(doubled))), 2)
  refused("more than 1048576 containers", w.legacy(("]"):rep(1100000)))
  refused("takes more than 4194304 steps", w.legacy(("N0"):rep(2200000)))
end

function T.test_abuse_of_stack_and_memo()
  refused("never stored", w.zip "h\5")
  refused("never stored", w.zip "j\255\255\255\255")
  lu.assertEquals(load_bytes(w.zip "K\7r\255\255\255\2550j\255\255\255\255"), 7)
  refused("empty stack", w.zip "0")
  refused("empty stack", w.zip "]q\0(a")
  refused("empty stack", w.zip "\x87")
  refused("no mark", w.zip "t")
  refused("neither string, number nor boolean", w.zip(w.dict(w.list(), w.none)))
  refused("a key without a value", w.zip(w.dict(w.text "a")))
  refused("opcode 0x7f", w.zip "\x7f")
  refused("protocol 9", w.zip "\x80\9")
  refused("cut short", w.zip("X\255\255\255\127abc"))
  refused("cut short", w.zip("\x8d\255\255\255\255\255\255\255\255abc"))
  refused("cut short", archive_writer.zip { { "a/data.pkl", "]" } })
end

function T.test_storages_that_are_not_there()
  local function whole(elements, kind) return w.tensor(kind or "Float", "0", elements, 0, { 6 }, { 1 }) end
  for _, elements in ipairs { 1 << 60, 7, -1, math.mininteger } do
    refused("storage '0' claims " .. elements, w.zip(whole(elements), { ["0"] = floats }))
  end
  refused("storage '0' claims 6 elements of 8 bytes, the file has 24",
    w.zip(whole(6, "Double"), { ["0"] = floats }))
  refused("data of storage '0' is missing", w.zip(whole(6), { ["1"] = floats }))
  for _, elements in ipairs { 1 << 60, 7, -1 } do
    refused("storage '0' claims " .. elements, w.legacy(whole(6), { { "0", elements, floats } }))
  end
  refused("data of storage '0' is missing", w.legacy(whole(6), {}))
  refused("belongs to no tensor", w.legacy(w.dict(), { { "0", 6, floats } }))
  refused("refuses to call torch.ComplexFloatStorage", w.zip(whole(6, "ComplexFloat"), { ["0"] = floats }))
end

function T.test_tensors_beyond_their_storage()
  local function file(...) return w.zip(six(...), { ["0"] = floats }) end
  refused("more elements than its storage", file(0, { 1 << 30 }, { 0 }))
  refused("reaches beyond its storage", file(0, { 2 }, { 1 << 62 }))
  refused("reaches beyond its storage", file(3, { 2 }, { 3 }))
  refused("a part begins at 7", file(7, { 0 }, { 1 }))
  refused("a part begins at -1", file(-1, { 1 }, { 1 }))
  refused("impossible shape", file(0, { 1 << 40, 1 << 40 }, { 0, 0 }))
  refused("impossible shape", file(0, { -1 }, { 1 }))
  refused("7 dimensions", file(0, { 1, 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1, 1 }))
  refused("is no storage", w.zip(w.call("torch._utils", "_rebuild_tensor_v2",
    w.dict(w.text "elements", w.integer(6)), w.integer(0), w.tuple(), w.tuple())))
  local copies = {}
  for i = 1, 3000 do copies[i] = w.tensor("Byte", "0", 20000, 0, { 20000 }, { 1 }) end
  refused("far more memory than the file's size", w.zip(w.list(table.unpack(copies, 1, 200)) .. "0" ..
    w.list(table.unpack(copies)), { ["0"] = ("\1"):rep(20000) }))
end

function T.test_archives_that_lie()
  local good = w.zip(six(0, { 6 }, { 1 }), { ["0"] = floats })
  for _, cut in ipairs { 1, 10, 30, #good // 2 } do refused("cut short", good:sub(1, -cut - 1)) end
  for _, name in ipairs { "../x", "/etc/passwd", "a/../../x" } do
    refused("refuses the member '" .. name, w.zip(w.none, {}, { { name, "x" } }))
  end
  refused("two members 'a/data/0'", w.zip(w.none, { ["0"] = "x" }, { { "a/data/0", "y" } }))
  refused("more than one data.pkl", w.zip(w.none, {}, { { "b/data.pkl", "y" } }))
  refused("it has no data.pkl", archive_writer.zip { { "a", "x" } })
  refused("TorchScript", w.zip(w.none, {}, { { "a/constants.pkl", "N." } }))
  refused("big-endian", w.zip(w.none, {}, { { "a/byteorder", "big" } }))
  refused("member 'a/x'", w.zip(w.none, {}, { { "a/x", "0123", crc = 1 } }))
  refused("not a file of PyTorch", ("\255"):rep(1000))
  refused("not a file of PyTorch", "")
  refused("tar format", archive_writer.tar { { "storages", "x" } })
end

-- 100 MB of zeros in 100 kB.
function T.test_zip_bombs()
  if h.shell "command -v zip" == "" then lu.skip "zip is not there" end
  local folder = h.temporary "bomb"
  h.shell(("mkdir -p %s/a && cd %s && head -c 100000000 /dev/zero > a/zeros && " ..
    "printf 'N.' > a/data.pkl && zip -q -1 -r bomb.pth a && rm a/zeros"):format(folder, folder))
  local value, message = sb.torch.load(folder .. "/bomb.pth")
  lu.assertNil(value)
  lu.assertStrContains(message, "member 'a/zeros': larger than")
end

-- Changed bytes and cut files give a value or a message, never a Lua error of the program's own.
function T.test_survives_mutations()
  local object = w.dict(w.text "a", six(0, { 2, 3 }, { 3, 1 }), w.text "l", w.list(w.integer(5), w.none))
  local rng = sb.rng(9)
  for _, whole in ipairs { w.zip(object, { ["0"] = floats }), w.legacy(object, { { "0", 6, floats } }) } do
    for _ = 1, 250 do
      local at = rng:integer(1, #whole)
      local value, message = load_bytes(whole:sub(1, at - 1) .. string.char(rng:integer(0, 255)) ..
        whole:sub(at + 1))
      lu.assertTrue(value ~= nil or message == nil or not message:find "attempt to", message)
      value, message = load_bytes(whole:sub(1, at - 1))
      lu.assertTrue(value ~= nil or not message:find "attempt to", message)
    end
  end
end

return T
