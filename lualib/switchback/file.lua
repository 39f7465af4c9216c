-- Whole files: read into memory, written so that they appear complete or not at all.
local files = require("switchback.core").files

local file = {}

local CHUNK = 1 << 20

-- file.read(path [, limit]) --> the bytes; or nil, message. Refuses files of more than `limit` bytes (2^31).
function file.read(path, limit)
  limit = limit or 1 << 31
  local f, message = io.open(path, "rb")
  if not f then return nil, message end
  local parts, total, part = {}, 0
  repeat
    part, message = f:read(CHUNK)
    parts[#parts + 1] = part
    total = total + #(part or "")
  until not part or total > limit
  f:close()
  if message then return nil, ("%s: %s"):format(path, message) end
  if total > limit then return nil, ("%s: larger than %d bytes"):format(path, limit) end
  return table.concat(parts)
end

local function write_all(path, content)
  local f, message = io.open(path, "wb")
  if not f then return nil, message end
  if type(content) == "string" then
    local bytes = content
    content = function() return f:write(bytes) end
  end
  local ok, trouble = content(f)
  local closed, late = f:close() -- a full disk may only show here
  return ok and closed, trouble or late
end

-- file.write(path, content) --> true; or nil, message. `content` is the bytes, or a function that writes
-- them to the open file that it gets and returns true, or nil and a message. Writes beside `path` and
-- renames, so that a failure leaves what was there before. The folder must exist.
function file.write(path, content)
  local temporary = path .. ".part"
  local ok, message = write_all(temporary, content)
  if ok then ok, message = os.rename(temporary, path) end
  if ok then return true end
  os.remove(temporary)
  return nil, ("%s: %s"):format(path, (message:gsub("^.*: ", "")))
end

-- file.make_folders(path) --> true; or nil, message. Makes the folder and those above it that are missing.
function file.make_folders(path)
  local above = path:match "^(.+)/[^/]*$"
  if files.kind(path) == "folder" then return true end
  if above then
    local ok, message = file.make_folders(above)
    if not ok then return nil, message end
  end
  return files.make_folder(path)
end

return file
