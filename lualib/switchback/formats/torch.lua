-- Files of PyTorch (.pth, .pt) and Torch7 (.t7).
local bytes = require("switchback.core").bytes
local containers = require "switchback.formats.torch.containers"
local legacy = require "switchback.formats.torch.legacy"

local torch = {}

--- none: what stands for Python's None in lists.
torch.none = containers.none

local HEAD <const> = 512

-- What the first bytes of a file say: "zip", "legacy", "tar", "t7", or nil. A Torch7 file begins with the
-- type of an object, 3 (a table) or 4 (an instance of a class), and its number, 1.
local function kind(head)
  if head:find "^PK[\3\5]" then return "zip" end
  if head:sub(1, 64):find(legacy.magic, 1, true) then return "legacy" end
  if head:sub(258, 262) == "ustar" then return "tar" end
  if head:find "^[\3\4]%z%z%z\1%z%z%z" then return "t7" end
end

--- kind(head) --> what a file that begins with these bytes may be: "pth" (PyTorch), "t7" (Torch7) or nil.
function torch.kind(head)
  local found = kind(head)
  return (found == "zip" or found == "legacy") and "pth" or found == "t7" and "t7" or nil
end

local readers = {}

function readers.zip(path, mapped) return require("switchback.formats.torch.zip").read(path, mapped) end

function readers.legacy(_, mapped) return legacy.read(mapped) end

function readers.t7(_, mapped) return require("switchback.formats.torch.t7").read(mapped) end

function readers.tar()
  error("PyTorch's tar format, of before version 0.1.10; load and save it with a newer PyTorch", 0)
end

--- Reads a file of PyTorch, in zip format (since 1.6) or the legacy one, or a binary one of Torch7:
-- load(path) --> the object in it, a tensor or a table; or nil, message.
-- Tensors of all number types become float32; float32 ones without gaps look into the memory-mapped file
-- (changes stay in memory), so that tensors which shared a storage still do. Containers are plain tables
-- (torch/containers.lua), objects of Torch7 tables whose class torch.typename tells (torch/t7.lua). Whatever
-- else a pickle asks for is refused by its name, before anything of it is done; memory is bounded by the
-- file's size.
function torch.load(path)
  local mapped, message = bytes.map(path)
  if not mapped then return nil, message end
  local read = readers[kind(mapped:sub(1, HEAD)) or ""]
  if not read then return nil, path .. ": not a file of PyTorch or Torch7, or damaged" end
  local ok, result = pcall(read, path, mapped)
  if not ok then return nil, ("%s: %s"):format(path, result) end
  return result
end

--- typename(object) --> "nn.Linear" of an object of Torch7 that torch.load read; nil of anything else.
function torch.typename(object)
  local meta = type(object) == "table" and getmetatable(object)
  return meta and object ~= torch.none and meta.__name or nil
end

return torch
