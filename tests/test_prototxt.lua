-- formats/prototxt.lua against the rules of protocol-buffer text format.
local lu = require "luaunit"
local prototxt = require "switchback.formats.prototxt"
local h = require "helper"

local T = {}

local function parsed(text) return assert(prototxt.parse(text)) end

local function refused(text, message)
  local tree, trouble = prototxt.parse(text)
  lu.assertNil(tree)
  lu.assertStrContains(trouble, message)
end

function T.test_numbers()
  local m = parsed "a: 1 b: -2.5e-3f c: 0x1F d: 017 e: 1e5 f: .5 g: 5. h: 1f i: - 3"
  lu.assertEquals(m, { a = { 1 }, b = { -2.5e-3 }, c = { 31 }, d = { 15 }, e = { 1e5 }, f = { 0.5 },
                       g = { 5.0 }, h = { 1 }, i = { -3 } })
  lu.assertEquals(parsed("a: -inf b: Infinity"), { a = { -math.huge }, b = { math.huge } })
  lu.assertNaN(parsed("a: nan").a[1])
end

function T.test_text_words_and_booleans()
  local m = parsed [[a: "x\n\101\x42\\\"" 'y' b: MAX c: true d: false e: 'it''s' f: ""]]
  lu.assertEquals(m, { a = { 'x\nAB\\"y' }, b = { "MAX" }, c = { true }, d = { false }, e = { "its" },
                       f = { "" } })
end

function T.test_repeated_fields_lists_and_messages()
  local m = parsed [[
    layer { name: "a" dim: 1 dim: 2 }   # a comment with } in it
    layer < name: "b"; dim: [3, 4], >
    layer: { dim: [] }]]
  lu.assertEquals(m.layer, { { name = { "a" }, dim = { 1, 2 } }, { name = { "b" }, dim = { 3, 4 } },
                             { dim = {} } })
end

function T.test_empty_text_is_an_empty_message()
  lu.assertEquals(parsed "  # nothing\n", {})
end

function T.test_messages_name_the_line()
  refused("a: 1\nb: \n", "line 3: expected a value")
  refused("a {\n b: 1\n", "line 3: expected '}' before the end")
  refused("a: \"x\nb: 1", "line 1: unfinished string")
  refused("a: 1..2", "line 1: '1..2' is not a number")
  refused("a: [1 2]", "expected ',' or ']'")
  refused("a 1", "expected ':' or '{' after 'a'")
  refused("}", "expected the name of a field")
  refused("a: 3abc", "'3abc' is not a number")
  refused([[a: "\q"]], "unknown escape")
  refused(("a{"):rep(100000), "nested too deeply")
end

function T.test_reads_a_real_description()
  local net = parsed(assert(io.open(h.shared "models/googlenet/deploy.prototxt")):read "a")
  lu.assertEquals(net.name, { "GoogleNet" })
  lu.assertEquals(net.layer[2].convolution_param[1].kernel_size, { 7 })
  lu.assertEquals(net.layer[#net.layer].type, { "Softmax" })
end

return T
