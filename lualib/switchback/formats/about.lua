-- What a saved network tells besides its graph: { preprocess = {...} (preprocess.lua), labels = [text],
-- styles = [text] }. Part of the JSON in a .safetensors file (saved.lua); JSON of its own in an .onnx file.
local preprocess = require "switchback.preprocess"

local about = { ONNX_KEY = "switchback.about" } -- among the metadata properties of an .onnx file

-- of(net) --> those fields of the net.
function about.of(net) return { preprocess = net.preprocess, labels = net.labels, styles = net.styles } end

-- is_list(t, kind) --> whether t is a list of values of that type.
function about.is_list(t, kind)
  if type(t) ~= "table" then return false end
  for key, value in pairs(t) do
    if math.type(key) ~= "integer" or key < 1 or key > #t or type(value) ~= kind then return false end
  end
  return true
end

-- JSON has one kind of number: those that are whole are integers here.
local function read_preprocess(p)
  if type(p) ~= "table" then return nil end
  if about.is_list(p.size, "number") then
    for i, n in ipairs(p.size) do p.size[i] = math.tointeger(n) or n end
  end
  return preprocess.complete(p)
end

-- read(t, into) sets these fields of `into`, a description for switchback.net, from a decoded table. Raises
-- for what they cannot be.
function about.read(t, into)
  for _, field in ipairs { "labels", "styles" } do
    if t[field] and not about.is_list(t[field], "string") then
      error(("%s are no list of text"):format(field), 0)
    end
    into[field] = t[field]
  end
  into.preprocess = read_preprocess(t.preprocess)
end

return about
