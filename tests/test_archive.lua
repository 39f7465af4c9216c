-- archives.c: members of archives.
local archive = require("switchback.core").archive
local lu = require "luaunit"
local writer = require "archive_writer"
local h = require "helper"

local T = {}

local function written(content)
  local path = h.temporary "archive"
  local f = assert(io.open(path, "wb"))
  f:write(content)
  f:close()
  return path
end

-- What is told of all members: list of { name, kind, size, content }; or nil, message.
local function all(content, format)
  local a <close>, message = archive.open(written(content), format)
  if not a then return nil, message end
  local list = {}
  while true do
    local name, kind, size = a:next()
    if name == false then return list end
    if not name then return nil, kind end
    local text, trouble = a:read(1 << 20)
    if not text then return nil, trouble end
    list[#list + 1] = { name, kind, size, text }
  end
end

function T.test_reads_zip_and_tar()
  local entries = { { "a/one", "first" }, { "a/b/two", ("x"):rep(70000) }, { "empty", "" } }
  local want = { { "a/one", "file", 5, "first" }, { "a/b/two", "file", 70000, ("x"):rep(70000) },
                 { "empty", "file", 0, "" } }
  lu.assertEquals(all(writer.zip(entries), "zip"), want)
  lu.assertEquals(all(writer.tar(entries), "tar"), want)
end

function T.test_links_and_folders_are_told()
  local list = all(writer.tar { { "d/", "", kind = "5" }, { "l", "", kind = "2", link = "/etc/passwd" },
                                { "h", "", kind = "1", link = "d/x" } }, "tar")
  lu.assertEquals({ list[1][2], list[2][2], list[3][2] }, { "folder", "link", "link" })
end

-- What is stored can be read in the archive's file.
function T.test_offsets_of_stored_members()
  local zip = writer.zip { { "a", "first" }, { "b", "second", extra = "\0\0\4\0abcd" } }
  for format, bytes in pairs { zip = zip,
                               tar = writer.tar { { "a", "first" }, { "b", "second" } } } do
    local a <close> = assert(archive.open(written(bytes), format))
    for _, want in ipairs { "first", "second" } do
      local _, _, size, offset = a:next()
      lu.assertEquals(bytes:sub(offset + 1, offset + size), want, format)
      lu.assertTrue(a:check())
    end
  end
end

function T.test_unpacked_content_is_limited()
  local path = written(writer.tar { { "a", ("\0"):rep(100000) } })
  h.shell("gzip -f " .. path)
  local a <close> = assert(archive.open(path .. ".gz", "tar"))
  lu.assertEquals({ a:next() }, { "a", "file", 100000 })
  local nothing, message = a:read(99999)
  lu.assertNil(nothing)
  lu.assertStrContains(message, "larger than 99999 bytes")
end

function T.test_refuses_damage()
  local good = writer.zip { { "a", "0123456789" } }
  lu.assertNil((all(good:sub(1, -20), "zip"))) -- without a whole directory
  lu.assertNil((all(writer.zip { { "a", "0123456789", crc = 1 } }, "zip")))
  lu.assertNil((all(writer.zip { { "a", "0123", size = 1 << 31 } }, "zip")))
  lu.assertNil((all(writer.tar({ { "a", "0123456789" } }):sub(1, 515), "tar")))
  lu.assertNil((all(writer.tar { { "a", "0123", size = 1 << 32 } }, "tar")))
  lu.assertNil((all(("\255"):rep(2000), "tar")))
  local a <close> = assert(archive.open(written(writer.zip { { "a", "0123456789", crc = 1 } }), "zip"))
  assert(a:next())
  lu.assertNil((a:check()))
end

function T.test_survives_mutations()
  local whole = { zip = writer.zip { { "a/x", "0123" }, { "b", ("y"):rep(300) } },
                  tar = writer.tar { { "a/x", "0123" }, { "b", ("y"):rep(300) } } }
  local rng = require("switchback").rng(5)
  for format, bytes in pairs(whole) do
    for _ = 1, 300 do
      local at = rng:integer(1, #bytes)
      all(bytes:sub(1, at - 1) .. string.char(rng:integer(0, 255)) .. bytes:sub(at + 1), format)
      all(bytes:sub(1, at), format)
    end
  end
end

function T.test_closed_archives()
  local a = assert(archive.open(written(writer.zip { { "a", "" } }), "zip"))
  a:close()
  a:close()
  h.error_has(a.next, "closed", a)
end

function T.test_survives_failed_allocations()
  local path = written(writer.zip { { "a", "0123" } })
  local n = h.survives_failed_allocations(function()
    local a <close> = archive.open(path, "zip")
    a:next()
    return a:read(10)
  end)
  lu.assertTrue(n > 1)
end

return T
