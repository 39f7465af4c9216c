-- sb.load: a network from a file, or by name.
local catalog = require "switchback.catalog"
local check = require "switchback.check"
local files = require("switchback.core").files
local description = require "switchback.description"
local merged = require "switchback.merged"
local net = require "switchback.net"
local paths = require "switchback.paths"
local preprocess = require "switchback.preprocess"
local sorted = require "switchback.keys"
local suggest = require "switchback.suggest"
local weights = require "switchback.weights"
local zoo = require "switchback.zoo"

local OPTIONS = { preprocess = false, labels = false, models = false, prototxt = false, weights = false,
                  untrained = false, seed = false, phase = false, stages = false, classes = false,
                  constants = false, half = false, width = false, blocks = false, styles = false,
                  scaled = false }

local function fail(format, ...) error(format:format(...), 0) end

-- ---- Which file, in which format ----------------------------------------------------------------

-- What the first bytes of a file without a telling name say: see the layouts of the formats.
local function sniff(path)
  local f, message = io.open(path, "rb")
  if not f then error(message, 0) end
  local head = f:read(512) or ""
  f:close()
  if head:find "^........{" and head:find "^.....\0\0\0" then return "safetensors" end
  if head:find "^\8" then return "onnx" end -- field 1 of ONNX, a number
  if head:find "^\10" and head:find "%z" then return "caffemodel" end -- field 1 of Caffe, text
  if head:find "^%s*#?[%a_]+%s*[:{]" then return "prototxt" end
  return require("switchback.formats.torch").kind(head)
end

local extensions = { onnx = "onnx", caffemodel = "caffemodel", prototxt = "prototxt",
                     safetensors = "safetensors", pth = "pth", pt = "pth", t7 = "t7" }
local KNOWN <const> = ".onnx, .caffemodel, .prototxt, .safetensors, .pth or .t7"

local function format_of(path)
  local extension = (path:match "%.([^./]*)$" or ""):lower()
  if extensions[extension] then return extensions[extension] end
  if files.kind(path) ~= "file" then return nil end
  return sniff(path) or fail("%s: not a model file that is known (%s)", path, KNOWN)
end

-- ---- Loaders -------------------------------------------------------------------------------------

local function stem(path) return (path:gsub("%.[^./]*$", "")) end

local function first_file(candidates)
  for _, path in ipairs(candidates) do
    if files.kind(path) == "file" then return path end
  end
end

local function load_caffe(prototxt, caffemodel, options)
  return require("switchback.formats.caffe").load(prototxt, { weights = caffemodel, seed = options.seed,
    phase = options.phase, stages = options.stages })
end

local loaders = {}

function loaders.onnx(path, options)
  return require("switchback.formats.onnx").load(path, { constants = options.constants })
end

function loaders.caffemodel(path, options, about)
  local folder = paths.folder(path)
  local candidates = { stem(path) .. ".prototxt", folder .. "/deploy.prototxt" }
  if about and about.prototxt then table.insert(candidates, 1, folder .. "/" .. about.prototxt) end
  local prototxt = options.prototxt or first_file(candidates)
  if not prototxt then
    fail("%s: a .prototxt describes the layers of a Caffe model; give options.prototxt (looked for %s)",
      path, table.concat(candidates, ", "))
  end
  return load_caffe(prototxt, path, options)
end

function loaders.prototxt(path, options)
  if options.untrained then return load_caffe(path, nil, options) end
  local caffemodel = options.weights or first_file { stem(path) .. ".caffemodel" }
  if not caffemodel then
    fail("%s: no weights; give options.weights, or untrained = true (looked for %s.caffemodel)",
      path, stem(path))
  end
  return load_caffe(path, caffemodel, options)
end

-- The network of the zoo that these tensors of a file are the weights of.
local function describe(path, tensors, network, options)
  if not network then
    fail("%s: holds tensors, but not the network that they belong to; sb.load(NAME, { weights = PATH }) " ..
      "gives them to a network of the zoo, sb.safetensors.load and sb.torch.load read them", path)
  end
  local ok, d = pcall(zoo.describe, network, { tensors = tensors, classes = options.classes })
  if not ok then fail("%s: %s", path, d) end
  d.source = path
  return d
end

function loaders.pth(path, options, about)
  return describe(path, weights.read(path), about.network, options)
end

function loaders.t7(path)
  local object, message = require("switchback.formats.torch").load(path)
  if object == nil then error(message or path .. ": holds nothing", 0) end
  local ok, d = pcall(require("switchback.formats.torch.nn").describe, object)
  if not ok then fail("%s: %s", path, d) end
  d.source = path
  return d
end

function loaders.safetensors(path, options, about)
  local tensors, metadata = require("switchback.formats.safetensors").load(path)
  if not tensors then error(metadata, 0) end
  local whole = require("switchback.formats.saved").describe(path, tensors, metadata)
  if whole then return whole end
  return describe(path, tensors, about.network, options)
end

-- ---- Names ---------------------------------------------------------------------------------------

local function find_weights(name, about, folders)
  local tried = {}
  for _, folder in ipairs(folders) do
    for _, base in ipairs(about.weights) do tried[#tried + 1] = folder .. "/" .. base end
  end
  local offer = catalog[name] and ("`switchback fetch %s` gets them, or "):format(name) or ""
  return first_file(tried) or
    fail("%s: its weights were not found; %sput their folder on SWITCHBACK_MODELS. Looked for:\n  %s",
      name, offer, table.concat(tried, "\n  "))
end

-- What the catalog knows of a network of the zoo, as a description.
local function offered(name)
  local entry = catalog[name]
  if not entry then return nil end
  return { weights = { entry.file }, network = name,
           labels = assert(description.labels(entry.labels, assert(paths.find "models"))) }
end

local function offered_file(path)
  for name, entry in pairs(catalog) do
    if paths.base(path) == entry.file then return offered(name) end
  end
end

-- Weights of a network of the zoo without a description: what the catalog has of it, or files called after
-- it, whose classes may be others. --> path, description.
local function undescribed(name, folders)
  local about = { network = name, weights = catalog[name] and { catalog[name].file } or {} }
  for _, extension in ipairs { ".safetensors", ".pth", ".pt" } do
    table.insert(about.weights, name .. extension)
    table.insert(about.weights, name .. "/" .. name .. extension)
  end
  local path = find_weights(name, about, folders)
  return path, offered_file(path) or about
end

-- name -> path of its weights, description. Descriptions come before the files that they list, and those
-- before networks of the zoo and the catalog of what can be fetched, whose files a description's network may
-- have too.
local function by_name(name, folders)
  local named = description.named(folders)
  local variants = named[name] and {} or description.variants(folders)
  local variant = variants[name] or { path = named[name] }
  if not variant.path and (zoo.has(name) or catalog[name]) then
    return undescribed(name, folders)
  end
  if not variant.path then
    fail("no network is called '%s'%s; known names: %s; model files end in %s",
      name, suggest.hint(name, sorted(merged(named, variants, catalog))),
      table.concat(sorted(merged(named, catalog)), ", "), KNOWN)
  end
  local about, message = description.read(variant.path)
  if not about then error(message, 0) end
  about.weights = variant.weights or about.weights
  if catalog[name] then table.insert(about.weights, catalog[name].file) end
  return find_weights(name, about, folders), about
end

local function locate(name_or_path, folders)
  if format_of(name_or_path) or name_or_path:find "/" then
    local about, message = description.for_weights(name_or_path, folders)
    if message then error(message, 0) end
    return name_or_path, about or offered_file(name_or_path)
  end
  return by_name(name_or_path, folders)
end

-- A network of the zoo with the weights that options name or are.
local function with_weights(name, options)
  local given, path = options.weights, "weights"
  if type(given) == "string" then given, path = weights.read(given), given else given = weights.of(given) end
  local d = describe(path, given, name, options)
  local side = description.named(paths.model_folders(options.models))[name]
  local about = side and not options.classes and description.read(side) or {}
  return d, { labels = about.labels, preprocess = about.preprocess }
end

-- The description of a network by path or name (net.lua), and what is known about its weights
-- (description.lua).
local function find(name_or_path, options)
  if options.weights and zoo.has(name_or_path) then return with_weights(name_or_path, options) end
  if options.untrained and zoo.has(name_or_path) then
    local given = { seed = options.seed, classes = options.classes }
    for _, name in ipairs { "width", "blocks", "styles", "scaled" } do given[name] = options[name] or nil end
    return zoo.describe(name_or_path, given), {}
  end
  local path, about = locate(name_or_path, paths.model_folders(options.models))
  about = about or {}
  local kind = format_of(path) or fail("%s: No such file", path)
  return loaders[kind](path, options, about), about
end

-- ---- Preprocessing and labels --------------------------------------------------------------------

-- Fields of later tables win. `false` among the options: no preprocessing.
local function preprocess_of(from_file, described, given)
  if given == false then return nil end
  local out = merged(from_file, described, given)
  return next(out) and preprocess.complete(out) or nil
end

local function labels_of(from_file, described, given)
  if given == false then return nil end
  if given == nil then return described or from_file end
  local labels, message = description.labels(given, ".")
  return labels or error(message, 0)
end

-- The network of our own in models/, which needs no other file.
local BUNDLED <const> = "zfnet64"

--- load([name_or_path [, options]]) -> net (net.lua). Without a name: the network that comes with the
-- project, models/zfnet64.safetensors (see models/README.md).
-- A path ends in .onnx, .caffemodel, .prototxt, .safetensors, .pth (.pt) or .t7 (or its content tells). What
-- the file does not say comes from its side file NAME.model.lua, or from the description in models/ that
-- lists a file of this name among its weights (so googlenet.onnx is known wherever it lies); see
-- description.lua. A name is that of a description, or of a file of weights that one lists (without folder
-- and extension): the weights are looked for in the folders of SWITCHBACK_MODELS (separated by colons), then
-- in the project's models/. A .safetensors that net:save wrote holds the whole network, and so does a .t7;
-- tensors alone need a description that says of which `network` they are, or a name of the zoo to go with: as
-- `weights`, or because they are called NAME or NAME/NAME in one of those folders.
-- options, which win over descriptions:
--   preprocess  fields as in preprocess.lua, or false for none
--   labels      list of class names or path of a text file with one a line, or false for none
--   models      folders to search instead of SWITCHBACK_MODELS
--   prototxt    of a .caffemodel; default NAME.prototxt or deploy.prototxt beside it
--   weights     of a .prototxt: path of a .caffemodel; default NAME.caffemodel beside it. Of a network that
--               the zoo knows by name: path of a .pth or .safetensors, or { name = tensor } (weights.lua)
--   untrained   true: weights are drawn from `seed` (default 0); of a .prototxt, or of a network that the
--               zoo knows by name (zoo.lua), which may have another number of `classes`; transform nets
--               also another `width`, number of `blocks` and of `styles`, and `scaled` (zoo/johnson.lua)
--   phase, stages  which of a prototxt's include rules hold: "TEST" (default) or "TRAIN"; "a b"
--   half        true: weights of fully connected layers are kept as 16-bit floats (net:half)
--   constants   { [graph input] = tensor or integer array } of a .onnx: inputs that are parameters
-- Raises, naming the file, for files that are missing, damaged or hold what is not supported.
local function load_net(name_or_path, options)
  options = options or {}
  check.options("load", options, OPTIONS)
  local d, about = find(name_or_path or BUNDLED, options)
  d.preprocess = preprocess_of(d.preprocess, about.preprocess, options.preprocess)
  d.labels = labels_of(d.labels, about.labels, options.labels)
  local loaded = net.new(d)
  return options.half and loaded:half() or loaded
end

return { load = load_net, bundled = BUNDLED }
