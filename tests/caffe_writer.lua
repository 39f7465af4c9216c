-- Writes .caffemodel files for tests: NetParameter in the wire format of protocol buffers, with the
-- field numbers of Caffe's schema, by means of its documentation alone.
local writer = {}

local VARINT <const>, BYTES <const> = 0, 2

local function varint(n)
  local bytes = {}
  while n > 127 do
    bytes[#bytes + 1] = string.char(n & 127 | 128)
    n = n >> 7
  end
  return table.concat(bytes) .. string.char(n)
end

local function bytes_field(number, bytes)
  return varint(number << 3 | BYTES) .. varint(#bytes) .. bytes
end

local function varint_field(number, n) return varint(number << 3 | VARINT) .. varint(n) end

-- BlobProto: packed float data (5), then shape (7), or in old files num, channels, height, width (1 to 4).
local function blob(t, old)
  local size, parts = t:size(), { bytes_field(5, t:bytes()) }
  if old then
    for i = 1, 4 do parts[#parts + 1] = varint_field(i, size[#size - 4 + i] or 1) end
    return table.concat(parts)
  end
  local dims = {}
  for i, n in ipairs(size) do dims[i] = varint(n) end
  return table.concat(parts) .. bytes_field(7, bytes_field(1, table.concat(dims)))
end

-- LayerParameter: name 1, blobs 7. V1LayerParameter: name 4, blobs 6.
local function layer(l, old)
  local parts = { bytes_field(old and 4 or 1, l.name) }
  for _, t in ipairs(l) do parts[#parts + 1] = bytes_field(old and 6 or 7, blob(t, old)) end
  return table.concat(parts)
end

-- encode(list of { name =, blobs... } [, old]) -> bytes; old: `layers` (2) in place of `layer` (100).
function writer.encode(layers, old)
  local parts = { bytes_field(1, "test") }
  for _, l in ipairs(layers) do parts[#parts + 1] = bytes_field(old and 2 or 100, layer(l, old)) end
  return table.concat(parts)
end

-- write(path, bytes)
function writer.write(path, bytes)
  local f = assert(io.open(path, "wb"))
  f:write(bytes)
  f:close()
end

return writer
