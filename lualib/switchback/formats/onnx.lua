-- ONNX files as network descriptions (https://onnx.ai; operator sets 7 to 18, and what means the
-- same in older ones).
local about = require "switchback.formats.about"
local cjson = require "cjson.safe"
local core = require("switchback.core").onnx
local importer = require "switchback.formats.onnx.importer"

local onnx = {}

local function refusal(path, troubles)
  local lines = {}
  for i, trouble in ipairs(troubles) do
    lines[i] = ("  %s (node '%s') %s"):format(trouble.op, trouble.node, trouble.reason)
  end
  return ("%s: cannot be loaded:\n%s"):format(path, table.concat(lines, "\n"))
end

-- What net:save put beside the graph: labels, preprocessing.
local function read_about(path, text, description)
  if not text then return end
  local told, message = cjson.decode(text)
  local ok
  if type(told) == "table" then ok, message = pcall(about.read, told, description) end
  if not ok then error(("%s: its entry %s is damaged: %s"):format(path, about.ONNX_KEY, message), 0) end
end

--- Reads a model: load(path [, options]) --> the description of a network, for switchback.net.
-- Values keep their ONNX names; a node is named by its first output, and ONNX's own node names are
-- aliases. Floating-point values of all widths are computed as float32.
-- options.constants = { [graph input] = tensor } (or an integer array { dtype = "int64", shape =
-- {...}, ... }) binds graph inputs that are parameters rather than activations.
-- Raises, beginning with the path, if the file cannot be read or has nodes that Switchback has no
-- layers for; then all of them are named.
function onnx.load(path, options)
  local ok, model, message = pcall(core.read, path)
  if not ok then error(model, 0) end
  if not model then error(message, 0) end
  local description, troubles = importer.describe(model, options and options.constants)
  if not description then error(refusal(path, troubles), 0) end
  if #description.outputs == 0 then error(path .. ": computes no activations", 0) end
  read_about(path, model.metadata[about.ONNX_KEY], description)
  description.source = path
  return description
end

return onnx
