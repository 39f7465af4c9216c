-- Writes small ONNX files for the tests: protocol buffers by hand, from the field numbers of the
-- ONNX standard.
local writer = {}

local function varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7f
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local function int(field, n) return varint(field << 3) .. varint(n) end
local function bytes(field, s) return varint(field << 3 | 2) .. varint(#s) .. s end
local function float(field, x) return varint(field << 3 | 5) .. string.pack("<f", x) end
local function each(list, f)
  local parts = {}
  for i, item in ipairs(list or {}) do parts[i] = f(item) end
  return table.concat(parts)
end

writer.varint, writer.int, writer.bytes = varint, int, bytes

writer.types = { float32 = 1, uint8 = 2, int8 = 3, uint16 = 4, int16 = 5, int32 = 6, int64 = 7, string = 8,
                 bool = 9, float16 = 10, float64 = 11, uint32 = 12, uint64 = 13, bfloat16 = 16 }

--- tensor{ name =, dtype = "float32", dims = {...}, raw = bytes | fields = encoded bytes |
-- external = { {key, value}... } } --> a TensorProto.
function writer.tensor(t)
  return each(t.dims, function(d) return int(1, d) end) .. int(2, writer.types[t.dtype or "float32"])
    .. (t.name and bytes(8, t.name) or "") .. (t.raw and bytes(9, t.raw) or "") .. (t.fields or "")
    .. each(t.external, function(e) return bytes(13, bytes(1, e[1]) .. bytes(2, e[2])) end)
    .. (t.external and int(14, 1) or "")
end

--- A float32 tensor of a list.
function writer.floats(name, dims, list)
  local raw = string.pack("<" .. ("f"):rep(#list), table.unpack(list))
  return writer.tensor { name = name, dims = dims, raw = raw }
end

--- An int64 tensor of a list.
function writer.integers(name, dims, list)
  local raw = string.pack("<" .. ("i8"):rep(#list), table.unpack(list))
  return writer.tensor { name = name, dtype = "int64", dims = dims, raw = raw }
end

-- Attributes by the Lua type: integer, float, string, { tensor = bytes }, lists of these.
local function attribute(name, v)
  local head = bytes(1, name)
  if math.type(v) == "integer" then return head .. int(3, v) .. int(20, 2) end
  if math.type(v) == "float" then return head .. float(2, v) .. int(20, 1) end
  if type(v) == "string" then return head .. bytes(4, v) .. int(20, 3) end
  if v.tensor then return head .. bytes(5, v.tensor) .. int(20, 4) end
  if math.type(v[1]) == "float" then
    return head .. each(v, function(x) return float(7, x) end) .. int(20, 6)
  end
  return head .. each(v, function(n) return int(8, n) end) .. int(20, 7)
end

--- node{ "Conv", inputs = {...}, outputs = {...}, name =, domain =, attribute = value ... } --> a NodeProto.
function writer.node(n)
  local parts = { bytes(3, n.name or ""), bytes(4, n[1]), n.domain and bytes(7, n.domain) or "" }
  parts[#parts + 1] = each(n.inputs, function(s) return bytes(1, s) end)
  parts[#parts + 1] = each(n.outputs, function(s) return bytes(2, s) end)
  for key, value in pairs(n) do
    if key ~= 1 and key ~= "inputs" and key ~= "outputs" and key ~= "name" and key ~= "domain" then
      parts[#parts + 1] = bytes(5, attribute(key, value))
    end
  end
  return table.concat(parts)
end

-- { name, dtype, {dims} }; dims of 0 are symbolic.
local function value_info(v)
  local function dim(d) return bytes(1, d == 0 and bytes(2, "n") or int(1, d)) end
  local shape = v[3] and bytes(2, each(v[3], dim)) or ""
  return bytes(1, v[1]) .. bytes(2, bytes(1, int(1, writer.types[v[2]]) .. shape))
end

--- model{ opset = 13, inputs = { {name, dtype, dims}... }, outputs =, initializers = { tensors },
-- nodes = { node tables } } --> a ModelProto.
function writer.model(m)
  local graph = each(m.nodes, function(n) return bytes(1, writer.node(n)) end) .. bytes(2, "test")
    .. each(m.initializers, function(t) return bytes(5, t) end)
    .. each(m.inputs, function(v) return bytes(11, value_info(v)) end)
    .. each(m.outputs, function(v) return bytes(12, value_info(v)) end)
  return int(1, 8) .. bytes(7, graph) .. bytes(8, bytes(1, "") .. int(2, m.opset or 13))
end

--- Writes a string to a temporary file and answers its path.
function writer.save(text, path)
  path = path or os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

return writer
