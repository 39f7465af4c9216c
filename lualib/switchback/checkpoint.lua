-- What all checkpoints share: a safetensors file whose metadata tells its format and the run that it is of.
local safetensors = require "switchback.formats.safetensors"

local checkpoint = {}

-- read(path, format, what) --> { name = tensor }, metadata; nil if there is no such file. Raises for a file
-- that is no checkpoint of `what`.
function checkpoint.read(path, format, what)
  if not require("switchback.core").files.kind(path) then return nil end
  local tensors, metadata = safetensors.load(path)
  if not tensors then error(metadata, 0) end
  if metadata.format ~= format then error(("%s: not a checkpoint of %s"):format(path, what), 0) end
  return tensors, metadata
end

-- check(path, metadata, identity) raises, naming the first field that differs, unless the checkpoint was
-- written by a run of the same identity, { field = text }.
function checkpoint.check(path, metadata, identity)
  for field, here in pairs(identity) do
    if metadata[field] ~= here then
      error(("%s: the checkpoint is of another run: its %s is %s, here it is %s"):format(path, field,
        tostring(metadata[field]), here), 0)
    end
  end
end

-- copy(path, what, from, to) copies a tensor of the checkpoint. Raises if it is missing or of another shape.
function checkpoint.copy(path, what, from, to)
  local want, got = table.concat(to:size(), "x"), from and table.concat(from:size(), "x") or "missing"
  if want ~= got then
    error(("%s: %s of the checkpoint is %s, here it is %s"):format(path, what, got, want), 0)
  end
  to:copy_(from)
end

return checkpoint
