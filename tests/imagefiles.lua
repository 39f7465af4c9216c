-- Image files built byte by byte from their specifications, so that the decoder is tested against something
-- that it did not write.
local files = {}

-- CRC-32 of PNG chunks (ISO/IEC 15948, annex D).
function files.crc(bytes)
  local crc = 0xffffffff
  for i = 1, #bytes do
    crc = crc ~ bytes:byte(i)
    for _ = 1, 8 do crc = crc >> 1 ~ (crc & 1) * 0xedb88320 end
  end
  return crc ~ 0xffffffff
end

local function adler(bytes)
  local a, b = 1, 0
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

-- zlib stream of one stored block.
local function stored(bytes)
  return string.pack("<BBBI2I2", 0x78, 0x01, 1, #bytes, #bytes ~ 0xffff) .. bytes
    .. string.pack(">I4", adler(bytes))
end

function files.chunk(kind, bytes)
  return string.pack(">I4", #bytes) .. kind .. bytes .. string.pack(">I4", files.crc(kind .. bytes))
end

files.png_signature = "\x89PNG\r\n\x1a\n"

-- png(width, height, depth, colour type, {row bytes...} [, chunks before the data])
function files.png(width, height, depth, colour, rows, extra)
  local header = string.pack(">I4I4BBBBB", width, height, depth, colour, 0, 0, 0)
  return files.png_signature .. files.chunk("IHDR", header) .. (extra or "")
    .. files.chunk("IDAT", stored("\0" .. table.concat(rows, "\0"))) .. files.chunk("IEND", "")
end

-- 24-bit bottom-up BMP; pixels are rows of {r, g, b}, the top row first.
function files.bmp(rows)
  local h, w, data = #rows, #rows[1], {}
  for y = h, 1, -1 do
    local line = {}
    for x = 1, w do
      local p = rows[y][x]
      line[x] = string.char(p[3], p[2], p[1])
    end
    data[#data + 1] = table.concat(line) .. ("\0"):rep(-3 * w % 4)
  end
  local bytes = table.concat(data)
  local head = string.pack("<c2I4I4I4", "BM", 54 + #bytes, 0, 54)
  return head .. string.pack("<I4i4i4I2I2I4I4I4I4I4I4", 40, w, h, 1, 24, 0, #bytes, 0, 0, 0, 0) .. bytes
end

-- tga(image type, width, height, bits, descriptor, data)
function files.tga(kind, width, height, bits, descriptor, data)
  local head = string.pack("<BBBI2I2BI2I2I2I2BB", 0, 0, kind, 0, 0, 0, 0, 0, width, height, bits, descriptor)
  return head .. data
end

-- Codes of 9 bits, least significant bit first, in GIF sub-blocks.
local function gif_data(codes)
  local bits, count, out = 0, 0, {}
  for _, code in ipairs(codes) do
    bits, count = bits | code << count, count + 9
    while count >= 8 do
      out[#out + 1] = string.char(bits & 255)
      bits, count = bits >> 8, count - 8
    end
  end
  out[#out + 1] = string.char(bits & 255)
  local bytes, blocks = table.concat(out), {}
  for at = 1, #bytes, 255 do
    local block = bytes:sub(at, at + 254)
    blocks[#blocks + 1] = string.char(#block) .. block
  end
  return table.concat(blocks) .. "\0"
end

-- A GIF whose palette is 256 greys: pixels row by row, uncompressed (a clear code before each).
function files.gif(width, height, pixels)
  local palette, codes = {}, {}
  for i = 0, 255 do palette[#palette + 1] = string.char(i, i, i) end
  for _, v in ipairs(pixels) do
    codes[#codes + 1] = 256
    codes[#codes + 1] = v
  end
  codes[#codes + 1] = 257
  return "GIF89a" .. string.pack("<I2I2BBB", width, height, 0xf7, 0, 0) .. table.concat(palette)
    .. string.pack("<BI2I2I2I2B", 0x2c, 0, 0, width, height, 0) .. "\8" .. gif_data(codes) .. ";"
end

return files
