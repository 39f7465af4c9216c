-- What the loop changes, at the sizes of its octaves. A subject has begin(h, w) --> the parameterisation of
-- the next octave; without sizes, at its own.
local image = require "switchback.image"

local subject = {}

-- ---- A picture --------------------------------------------------------------------------------------

local Picture = {}
Picture.__index = Picture

-- What the octaves before have added to the picture is added to it at the next size, so that its own fine
-- detail is not lost by enlarging (Mordvintsev et al. 2015).
function Picture:begin(h, w)
  local sb = require "switchback"
  local original = self.original
  h, w = h or original:size(3), w or original:size(4)
  local base = image.resize(original, h, w)
  local start = base
  if self.p then start = base + image.resize(self.p.values[1] - self.base, h, w) end
  self.base, self.p = base, sb.param.pixels { image = start }
  return self.p
end

-- ---- Parameterisations and inputs ---------------------------------------------------------------------

local Parameters = {}
Parameters.__index = Parameters

function Parameters:begin(h, w)
  local size = self.p:image():size()
  if h and (h ~= size[3] or w ~= size[4]) then self.p = self.p:resize(h, w) end
  return self.p
end

-- A net's input as its own parameterisation.
local Input = { name = "input" }
Input.__index = Input

function Input:image() return self.values[1] end

function Input.backward(_, g) return { g } end

local function is_tensor(t) return type(t) == "userdata" end

-- of(options) --> subject, the shape {N,C,H,W} of its picture. options: image = (3,H,W) or (N,3,H,W),
-- param = parameterisation, or input = (N,C,H,W), one of them. The caller's image and input stay as they are;
-- param is what changes. Raises unless there is exactly one.
function subject.of(o)
  if (o.image and 1 or 0) + (o.param and 1 or 0) + (o.input and 1 or 0) ~= 1 then
    error("optimize: say what to change: one of image =, param =, input =", 0)
  end
  local picture = o.image or o.input
  if picture and not (is_tensor(picture) and (#picture:size() == 4 or o.image and #picture:size() == 3)) then
    error(("optimize: %s must be a tensor (N,C,H,W)"):format(o.image and "image" or "input"), 0)
  end
  if o.image then
    local original = require("switchback").param.pixels { image = picture }.values[1]
    return setmetatable({ original = original }, Picture), original:size()
  end
  local p = o.param or setmetatable({ values = { picture:clone() } }, Input)
  return setmetatable({ p = p }, Parameters), p:image():size()
end

return subject
