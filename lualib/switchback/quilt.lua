-- sb.quilt: more of a texture, from a sample of it and without a network: every pixel is one of the sample's.
local check = require "switchback.check"

local quilt = {}

local METHODS = { "efros-leung", "wei-levoy", "efros-freeman" }

-- What all methods take; the rest is the method's own (its file in quilt/).
local COMMON = { texture = false, size = false, method = "wei-levoy", seed = 0, progress = false,
                 checkpoint = false, resume = false }

local LARGEST <const> = 1e15 -- values whose squared differences can still be added up

-- check_values(name, t) raises for NaN, infinite and huge values; answers t.
function quilt.check_values(name, t)
  local most, sum = t:abs():max(), t:sum()
  if most > LARGEST or sum ~= sum then
    error(("quilt: the %s holds values that are not finite, or beyond %g"):format(name, LARGEST), 0)
  end
  return t
end

-- check_range(name, value, low, high) raises unless it is a number from low to high.
function quilt.check_range(name, value, low, high)
  if type(value) == "number" and value >= low and value <= high then return end
  error(("quilt: %s must be a number from %g to %g, got %s"):format(name, low, high, tostring(value)), 0)
end

local function check_texture(t)
  local size = type(t) == "userdata" and t:size() or {}
  if #size ~= 3 or size[2] < 3 or size[3] < 3 then
    error(("quilt: the texture must be (C,h,w) and at least 3x3, got %s"):format(
      #size > 0 and table.concat(size, "x") or type(t or nil)), 0)
  end
  return quilt.check_values("texture", t)
end

local function check_size(size)
  local list = type(size) == "table" and size or { size, size }
  for axis = 1, 2 do
    if math.type(list[axis]) ~= "integer" or list[axis] < 1 then
      error(("quilt: size must be pixels or {h, w}, got %s"):format(tostring(list[axis])), 0)
    end
  end
  return list
end

-- Options of the method: the given ones that are not common, over its defaults.
local function own_options(method, given)
  local own = {}
  for key, value in pairs(given) do
    if COMMON[key] == nil then own[key] = value end
  end
  return check.options("quilt", own, method.OPTIONS)
end

-- quilt{ texture = (C,h,w), size = {H, W} or side, method = "wei-levoy", seed = 0, progress =, ... } -->
--   { image = (C,H,W), from = (H,W): the flat index, from 1, of the texture's pixel that each pixel is,
--     interrupted = boolean }
-- method  "efros-leung": Efros & Leung 1999, pixel by pixel from a seed outwards. Options: window, tolerance,
--         limit, image and hole; see quilt/efros_leung.lua.
--         "wei-levoy": Wei & Levoy 2000, level by level of a pyramid. Options: window, levels, leaves; see
--         quilt/wei_levoy.lua.
--         "efros-freeman": Efros & Freeman 2001, block by block. Options: window, overlap, tolerance; see
--         quilt/efros_freeman.lua.
-- progress  function(done, total) of pixels
-- checkpoint, resume  a file that is written about 32 times during a run (Efros & Leung: between two rings),
--         whole or not at all; with resume = true a run goes on from it, if it is there, to the very bytes of
--         a run without a break
-- Equal seeds give equal bytes at any number of threads. Ctrl-C ends it early: pixels that were not reached
-- are 0 in `from`. Raises for textures too small for the window, for unknown options, and where the
-- checkpoint is of another run.
function quilt.run(options)
  local o = { rng = require("switchback").rng(options.seed or COMMON.seed) }
  for key, fallback in pairs(COMMON) do
    o[key] = options[key]
    if o[key] == nil then o[key] = fallback end
  end
  check.choice("quilt", "method", o.method, METHODS)
  o.texture, o.progress = check_texture(o.texture), o.progress or function() end
  local method = require("switchback.quilt." .. o.method:gsub("-", "_"))
  for key, value in pairs(own_options(method, options)) do o[key] = value end
  if not o.image then o.size = check_size(o.size) end
  o.saved = o.resume and require("switchback.quilt.checkpoint").load(o) or nil
  o.keep = o.checkpoint and require("switchback.quilt.checkpoint").keeper(o) or function() end
  return method.run(o)
end

-- half_window(window, texture) --> (window - 1) / 2. Raises unless window is odd and fits the texture.
function quilt.half_window(window, texture)
  local h, w = texture:size(2), texture:size(3)
  if math.type(window) ~= "integer" or window < 3 or window % 2 == 0 then
    error(("quilt: the window must be an odd number of pixels from 3, got %s"):format(tostring(window)), 0)
  elseif window > math.min(h, w) then
    error(("quilt: a window of %d does not fit a texture of %dx%d"):format(window, h, w), 0)
  end
  return window // 2
end

return quilt
