-- fetch.lua, transfer.c and digest.c against a server on loopback.
local catalog = require "switchback.catalog"
local fetch = require "switchback.fetch"
local http_server = require "http_server"
local lu = require "luaunit"
local pickle_writer = require "pickle_writer"
local sb = require "switchback"
local h = require "helper"

local T = {}

local BODY <const> = ("0123456789abcdef"):rep(20000) -- 320 kB
local FILE <const> = "toy.pth"

local function write(path, content)
  local f = assert(io.open(path, "wb"))
  f:write(content)
  f:close()
end

local function read(path)
  local f <close> = io.open(path, "rb")
  return f and f:read "a"
end

local function digest(content)
  write(h.temporary "digest", content)
  return assert(fetch.sha256(h.temporary "digest"))
end

-- Calls f(folder, run, server) with a server of these files; run(options) fetches the toy from it, whose
-- digest begins with `sha256` (default: that of BODY).
local function with_server(files, f, sha256)
  local folder = h.temporary "fetched"
  h.shell(("rm -rf %s && mkdir -p %s"):format(folder, folder))
  local server = http_server.start(files)
  local address = ("http://127.0.0.1:%d/m"):format(server:port())
  catalog.toy = { file = FILE, url = address .. "/" .. FILE, sha256 = sha256 or digest(BODY):sub(1, 8) }
  local ok, message = pcall(f, folder, function(options)
    local all = { folder = folder }
    for key, value in pairs(options or {}) do all[key] = value end
    return fetch.run("toy", all)
  end, server)
  catalog.toy = nil
  server:stop()
  if not ok then error(message, 0) end
end

local function toy(fields)
  local entry = { path = "/m/" .. FILE, body = BODY }
  for key, value in pairs(fields or {}) do entry[key] = value end
  return { entry }
end

-- FIPS 180-4's examples, and "" as everybody knows it.
function T.test_sha256()
  lu.assertEquals(digest "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  lu.assertEquals(digest "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  lu.assertEquals(digest "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
  lu.assertEquals(digest(("a"):rep(1000000)),
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  lu.assertNil((fetch.sha256 "/nowhere"))
end

function T.test_a_file_arrives_whole()
  with_server(toy(), function(folder, run, server)
    local last, most = 0, 0
    local path, there = run { progress = function(done, total) last, most = done, math.max(most, total) end }
    lu.assertEquals({ path, there }, { folder .. "/" .. FILE, false })
    lu.assertEquals(read(path), BODY)
    lu.assertEquals({ last, most }, { #BODY, #BODY })
    lu.assertNil(read(path .. ".part"))
    lu.assertEquals({ run() }, { path, true }) -- nothing is asked for what is there
    lu.assertEquals(server:requests(), "/m/toy.pth 0\n")
  end)
end

function T.test_a_wrong_hash_leaves_nothing()
  with_server(toy(), function(folder, run)
    h.error_has(run, ("has the SHA-256 %s, it should begin with 0123abcd"):format(digest(BODY)))
    lu.assertEquals(h.shell("ls " .. folder), "")
    write(folder .. "/" .. FILE, "something else")
    h.error_has(run, "is there, but its SHA-256 is")
    lu.assertEquals(read(folder .. "/" .. FILE), "something else")
  end, "0123abcd")
end

function T.test_a_cut_connection_is_mended()
  with_server(toy { cut = 100000 }, function(_, run, server)
    lu.assertEquals(read((run())), BODY)
    lu.assertEquals(server:requests(), "/m/toy.pth 0\n/m/toy.pth 100000\n")
  end)
end

function T.test_a_part_is_kept_and_gone_on_with()
  with_server(toy { cut = 0 }, function(folder, run, server)
    write(folder .. "/" .. FILE .. ".part", BODY:sub(1, 5000))
    local message = h.error_has(run, "; 5000 bytes are kept in " .. folder .. "/" .. FILE .. ".part")
    lu.assertStrContains(message, "the same command goes on from there")
    lu.assertEquals(read((run())), BODY)
    lu.assertEquals(server:requests(), "/m/toy.pth 5000\n/m/toy.pth 5000\n")
  end)
end

-- A part of another file, one that is whole already, and a server that knows no ranges.
function T.test_parts_that_do_not_fit()
  for part, requests in pairs { [("x"):rep(5000)] = "/m/toy.pth 5000\n/m/toy.pth 0\n",
      [BODY .. "more"] = ("/m/toy.pth %d\n/m/toy.pth 0\n"):format(#BODY + 4) } do
    with_server(toy(), function(folder, run, server)
      write(folder .. "/" .. FILE .. ".part", part)
      lu.assertEquals(read((run())), BODY)
      lu.assertEquals(server:requests(), requests)
    end)
  end
  with_server(toy { whole = true }, function(folder, run)
    write(folder .. "/" .. FILE .. ".part", BODY:sub(1, 5000))
    lu.assertEquals(read((run())), BODY)
  end)
end

function T.test_redirects_are_followed()
  local files = { { path = "/m/" .. FILE, location = "/elsewhere" }, { path = "/elsewhere", body = BODY },
                  { path = "/circle/" .. FILE, location = "/circle/" .. FILE },
                  { path = "/local/" .. FILE, location = "file:///etc/passwd" } }
  with_server(files, function(folder, run, server)
    lu.assertEquals(read((run())), BODY)
    lu.assertEquals(server:requests(), "/m/toy.pth 0\n/elsewhere 0\n")
    os.remove(folder .. "/" .. FILE)
    local address = ("http://127.0.0.1:%d/"):format(server:port())
    h.error_has(run, "redirects", { mirror = address .. "circle" })
    h.error_has(run, "file", { mirror = address .. "local/" })
    lu.assertEquals(h.shell("ls " .. folder), "")
  end)
end

function T.test_refusals_are_told()
  with_server({ { path = "/other", body = "x" } }, function(folder, run)
    h.error_has(run, "404")
    lu.assertEquals(h.shell("ls " .. folder), "")
  end)
  with_server(toy { status = 503 }, function(_, run) h.error_has(run, "503") end)
  with_server(toy(), function(folder, run, server)
    server:stop()
    h.error_has(run, "http://127.0.0.1")
    lu.assertEquals(h.shell("ls " .. folder), "")
  end)
  h.error_has(fetch.run, "no weights are called 'alexnot'; did you mean 'alexnet'?", "alexnot")
end

-- What progress raises (Ctrl-C is an error in it) stops the transfer; what came is kept.
function T.test_progress_may_stop_it()
  with_server(toy(), function(folder, run)
    h.error_has(run, "enough", { progress = function(done) if done > 0 then error("enough", 0) end end })
    lu.assertTrue(#read(folder .. "/" .. FILE .. ".part") > 0)
    lu.assertEquals(read((run())), BODY)
  end)
end

function T.test_the_recipe()
  local listing = h.shell(h.host .. " fetch --list")
  lu.assertStrContains(listing, "https://download.pytorch.org/models/vgg16-397923af.pth")
  local output, status = h.shell(h.host .. " fetch")
  lu.assertEquals({ output, status }, { "switchback fetch: a name is needed; --list shows them all\n", 1 })
  with_server({ { path = "/" .. catalog.alexnet.file, body = BODY } }, function(folder, _, server)
    output, status = h.shell(("%s fetch alexnet --folder %s --mirror http://127.0.0.1:%d"):format(h.host,
      folder, server:port()))
    lu.assertEquals(status, 1)
    lu.assertStrContains(output, digest(BODY) .. ", it should begin with 7be5be79")
  end)
end

-- The names are of networks in the zoo, and what is fetched is found by name and by path.
function T.test_what_is_fetched_loads()
  local zoo = require "switchback.zoo"
  for _, name in ipairs(fetch.names()) do
    lu.assertTrue(zoo.has(name), name)
    lu.assertStrMatches(fetch.entry(name).sha256, "%x%x%x%x%x%x%x%x")
  end
  local folder = h.temporary "fetched_models"
  local net = sb.load("squeezenet1_0", { untrained = true, seed = 4 })
  h.shell("mkdir -p " .. folder)
  h.error_has(sb.load, "`switchback fetch squeezenet1_0` gets them", "squeezenet1_0", { models = folder })
  local path, x = folder .. "/" .. catalog.squeezenet1_0.file, sb.randn(sb.rng(1), 1, 3, 64, 64)
  write(path, pickle_writer.state_dict(zoo.tensors(net)))
  for _, name in ipairs { "squeezenet1_0", path } do
    local loaded = sb.load(name, { models = folder })
    lu.assertEquals(h.rel_l2(loaded:forward(x):scores(), net:forward(x):scores()), 0)
    lu.assertEquals({ loaded.labels[1], loaded.preprocess.channels }, { "tench, Tinca tinca", "RGB" })
  end
end

return T
