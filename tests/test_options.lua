-- Declarations of options, what is parsed from them, and the words of their errors.
local h = require "helper"
local lu = require "luaunit"
local options = require "switchback.options"

local T = {}

local declaration = {
  "model", { "image", required = true }, "layer", "channel", "class", "steps", "seed", "out",
  { "rule", choices = { "gradient", "guided", "deconv" }, default = "deconv", help = "how to walk" },
  { "keep", type = "keep", default = "max", help = "what survives" },
  { "layers", type = "names", help = "several" }, { "channels", type = "integers", help = "several" },
  { "blend", type = "blend", help = "several with weights" },
  { "rate", type = "number", default = 0.5, min = 0, help = "step" },
}

local function parse(...)
  return options.parse(options.parser("try", "tries", declaration), { "--image", "cat.png", ... })
end

local function message(...)
  local values, text = parse(...)
  lu.assertNil(values)
  return text
end

function T.test_names_may_be_those_of_other_programs()
  local parser = options.parser("try", "tries", { { "image", alias = "content_image" },
    { "tv-weight", type = "number" }, { "weights", type = "numbers", help = "several" }, "seed" })
  local function same(...)
    local o = assert(options.parse(parser, { ... }))
    lu.assertEquals({ o.image, o.tv_weight, o.seed }, { "a_b.png", 2, 3 })
  end
  same("--image", "a_b.png", "--tv-weight", "2", "--seed", "3")
  same("-content_image", "a_b.png", "-tv_weight", "2", "-seed", "3")
  same("--content-image=a_b.png", "--tv_weight=2", "-seed", "3")
  lu.assertEquals(options.parse(parser, { "-image", "x", "-weights", "1,0.5" }).weights, { 1, 0.5 })
  lu.assertStrContains(select(2, options.parse(parser, { "-image", "x", "-tvv", "1" })), "unknown option")
end

function T.test_defaults()
  local o = parse()
  lu.assertEquals({ o.model, o.image, o.seed, o.rule, o.keep, o.rate },
    { "zfnet64", "cat.png", 0, "deconv", "max", 0.5 })
  lu.assertNil(o.layer)
  lu.assertNil(o.threads)
  lu.assertNil(o.json)
end

function T.test_values()
  local o = parse("--channel", "7", "--class=285", "--keep", "3,4", "--layers", "a/b,c", "--channels", "1,20",
    "--rate=1e-2", "--json", "--threads", "2")
  lu.assertEquals({ o.channel, o.class, o.rate, o.json, o.threads }, { 7, 285, 0.01, true, 2 })
  lu.assertEquals(math.type(o.channel), "integer")
  lu.assertEquals({ o.keep, o.layers, o.channels }, { { 3, 4 }, { "a/b", "c" }, { 1, 20 } })
  lu.assertEquals(parse("--keep", "map").keep, "map")
  lu.assertEquals(parse("--keep", "5").keep, 5)
  lu.assertEquals(parse("--class", "tabby").class, "tabby")
  lu.assertEquals(parse("--blend", "3").blend, { [3] = 1 })
  lu.assertEquals(parse("--blend", "1:0.5,8:2").blend, { [1] = 0.5, [8] = 2 })
  lu.assertEquals(parse("--blend", "wave:2,the scream").blend, { wave = 2, ["the scream"] = 1 })
  lu.assertEquals(parse("--blend", "all").blend, "all")
end

function T.test_errors_name_option_and_value()
  lu.assertEquals(message("--steps", "ten"), "--steps: expected an integer, got 'ten'")
  lu.assertEquals(message("--steps", "1.5"), "--steps: expected an integer, got '1.5'")
  lu.assertEquals(message("--steps", "0"), "--steps: must be at least 1, got 0")
  lu.assertEquals(message("--threads", "1000"), "--threads: must be at most 256, got 1000")
  lu.assertEquals(message("--rate", "fast"), "--rate: expected a number, got 'fast'")
  lu.assertEquals(message("--keep", "most"), "--keep: expected max, map, a number or y,x, got 'most'")
  lu.assertEquals(message("--channels", "1,b"), "--channels: expected integers such as 1,2,3, got '1,b'")
  for _, text in ipairs { "1:", "a:b", "1,,2", "1.5", "" } do
    lu.assertStrContains(message("--blend=" .. text), "expected numbers or names with weights such as 3 or")
  end
  lu.assertEquals(message("--rule", "guidd"),
    "--rule: 'guidd' is none of gradient, guided, deconv; did you mean 'guided'?")
end

function T.test_unknown_and_missing_options()
  lu.assertEquals(message("--modle", "x"), "unknown option '--modle'; did you mean '--model'?")
  local _, text = options.parse(options.parser("try", "tries", declaration), {})
  lu.assertEquals(text, "missing option '--image': photo to look at")
  lu.assertStrContains(message("--layer"), "'--layer'")
end

function T.test_a_default_makes_an_option_optional()
  local parser = options.parser("try", "tries", { { "image", default = "x.png" } })
  lu.assertEquals(options.parse(parser, {}).image, "x.png")
end

function T.test_help_shows_every_option_and_its_default()
  local help = options.parser("try", "tries things", declaration):get_help()
  for _, text in ipairs { "switchback try", "tries things", "--model", "zfnet64", "--rule", "how to walk",
                          "gradient|guided|deconv", "--json", "--quiet", "--threads", "0.5" } do
    lu.assertStrContains(help, text)
  end
end

function T.test_wrong_declarations()
  local function refused(entry, text) h.error_has(options.parser, text, "x", "y", { entry }) end
  refused({ "depth", type = "int" }, "'depth' is of unknown type 'int'")
  refused({ "depth", defualt = 1 }, "'depth' has an unknown field 'defualt'")
  refused({}, "an entry has no name")
end

return T
