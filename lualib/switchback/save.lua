-- net:save: a network as a file, in the format that the file's name asks for.
local check = require "switchback.check"

local formats = { safetensors = "switchback.formats.saved", onnx = "switchback.formats.onnx.writer" }

local OPTIONS = { half = false, metadata = false, shape = false }

-- save(net, path [, options]) --> net. path ends in .safetensors: the tensors and the whole network, which
-- sb.load rebuilds without any other file (formats/saved.lua); or in .onnx: operator set 13, with labels and
-- preprocessing as a metadata property that other programs pass over (formats/onnx/writer.lua). The file
-- appears whole or not at all. Options:
--   half      false; true: weights of 2 and more dimensions as 16-bit floats, half the size (.safetensors)
--   metadata  { string = string } that is kept in the file (.safetensors)
--   shape     of the first input, for layers whose parameters depend on it (default: as of net:shapes)
-- Raises for other endings, for layers that the format cannot store, and for trouble with the file.
return function(net, path, options)
  local ending = tostring(path):match "%.([^./]*)$"
  local format = formats[(ending or ""):lower()]
  if not format then
    error(("save: '%s' ends in neither .safetensors nor .onnx"):format(tostring(path)), 2)
  end
  local ok, message = require(format).save(path, net, check.options("save", options, OPTIONS))
  if not ok then error(message, 0) end
  return net
end
