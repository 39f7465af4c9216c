-- Zip and tar files for tests, written from the formats' descriptions (PKWARE's APPNOTE.TXT; POSIX ustar).
local writer = {}

local crc_table = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = c & 1 == 1 and 0xEDB88320 ~ c >> 1 or c >> 1 end
  crc_table[i] = c
end

-- crc32(bytes) --> the checksum that zip files carry (ISO 3309).
function writer.crc32(bytes)
  local c = 0xFFFFFFFF
  for i = 1, #bytes do c = crc_table[(c ~ bytes:byte(i)) & 255] ~ c >> 8 end
  return c ~ 0xFFFFFFFF
end

-- What the local header and the directory have in common. An entry's fields crc, size, packed and method,
-- where given, say something else than the truth.
local function common(entry)
  local crc, size = entry.crc or writer.crc32(entry[2]), entry.size or #entry[2]
  return string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, entry.method or 0, 0, 33, crc,
    entry.packed or #entry[2], size, #entry[1], entry.extra and #entry.extra or 0)
end

-- zip{ {name, content, [field = lie]}... } --> the bytes of a zip file of stored entries. Content is aligned
-- as in PyTorch's files if an entry has `extra`, bytes of extra field.
function writer.zip(entries)
  local parts, directory, at = {}, {}, 0
  for _, e in ipairs(entries) do
    local header = "PK\3\4" .. common(e) .. e[1] .. (e.extra or "") .. e[2]
    directory[#directory + 1] = "PK\1\2" .. string.pack("<I2", 20) .. common(e) ..
      string.pack("<I2I2I2I4I4", 0, 0, 0, 0, at) .. e[1] .. (e.extra or "")
    parts[#parts + 1], at = header, at + #header
  end
  local index = table.concat(directory)
  return table.concat(parts) .. index .. "PK\5\6" ..
    string.pack("<I2I2I2I2I4I4I2", 0, 0, #entries, #entries, #index, at, 0)
end

local function tar_header(entry)
  local kind, link = entry.kind or "0", entry.link or ""
  local head = string.pack("c100c8c8c8c12c12", entry[1], "0000644\0", "0000000\0", "0000000\0",
    ("%011o\0"):format(entry.size or #entry[2]), "00000000000\0")
  local tail = string.pack("c1c100c8", kind, link, "ustar\00000") .. ("\0"):rep(247)
  local sum = 8 * 32
  for _, part in ipairs { head, tail } do
    for i = 1, #part do sum = sum + part:byte(i) end
  end
  return head .. ("%06o\0 "):format(sum) .. tail
end

-- tar{ {name, content, [size =, kind = "2", link = target]}... } --> the bytes of a tar file.
function writer.tar(entries)
  local parts = {}
  for _, e in ipairs(entries) do
    parts[#parts + 1] = tar_header(e) .. e[2] .. ("\0"):rep(-#e[2] % 512)
  end
  return table.concat(parts) .. ("\0"):rep(1024)
end

return writer
