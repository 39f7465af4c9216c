-- Inversion: the picture that a layer's answer to a photo still tells (Mahendran & Vedaldi 2015).
local check = require "switchback.check"
local merged = require "switchback.merged"

local OPTIONS = { layer = false, optimizer = "adam", rate = false, steps = 200, tv = 30, beta = 2,
                  jitter = false, start = "noise", seed = 0, loop = {} }

local RATES = { lbfgs = 1, adam = 0.02 }
local DEEP <const>, DEEPEST <const> = 16, 32 -- strides in pixels
local NOISE <const> = 0.05 -- deviation of the start, around the mean pixel

-- |F(x) - F(photo)|^2 / |F(photo)|^2 + tv / (H W) sum (dx^2 + dy^2)^(beta/2).
local function goal(photo, o, target)
  local obj = require "switchback.objective"
  local miss = 2 * obj.content(o.layer, target, { normalise = "energy" })
  if o.tv == 0 then return miss end
  return miss + o.tv / (photo:size(3) * photo:size(4)) * obj.tv { beta = o.beta }
end

local function start(photo, o)
  local sb = require "switchback"
  local grey = sb.full(0.5, table.unpack(photo:size()))
  if o.start == "grey" then return grey end
  return grey + sb.randn(sb.rng(o.seed), table.unpack(photo:size())) * NOISE
end

-- Random shifts by about a quarter of the layer's stride: without them deep layers are met by fine noise
-- (Mahendran & Vedaldi 2016, section 3.4.2). They cost shallow ones their sharpness, and a line search its
-- footing.
local function jitter_of(photo, target, o)
  if o.jitter then return o.jitter end
  local has_maps = target:dim() == 4 and target:size(3) > 1
  local stride = has_maps and photo:size(3) / target:size(3) or DEEPEST
  return stride >= DEEP and o.optimizer == "adam" and math.floor(stride / 4) or 0
end

-- Peak signal-to-noise ratio in decibels, of pictures in [0,1].
local function psnr(a, b)
  local d = a - b
  return -10 * math.log(d:dot(d) / d:count(), 10)
end

-- invert(net, image, { layer =, optimizer = "adam" | "lbfgs", rate = 0.02 | 1, steps = 200, tv = 30,
--   beta = 2, jitter =, start = "noise" | "grey", seed = 0, loop = more options of sb.optimize }) -->
-- { picture = (3,H,W), photo = what the net saw, psnr = in dB between the two, miss = |F(x) - F(photo)|^2 /
-- |F(photo)|^2 at the last step, history }. Minimises that miss + tv times the mean over pixels of
-- (dx^2 + dy^2)^(beta/2), from noise around mid-grey or from grey. jitter: random shifts before each look, in
-- pixels (default: a quarter of the layer's stride where that is 16 or more; 0 for other layers and L-BFGS).
return function(net, image, options)
  local o = check.options("invert", options, OPTIONS)
  if not o.layer then error("invert: say which layer", 0) end
  check.choice("invert", "optimizer", o.optimizer, { "adam", "lbfgs" })
  check.choice("invert", "start", o.start, { "noise", "grey" })
  local sb = require "switchback"
  local photo = net:to_image(net:prepare(image)):unsqueeze(1)
  local target = sb.objective.targets(net, photo, o.layer)[o.layer]
  local own = { net = net, image = start(photo, o), minimize = goal(photo, o, target), steps = o.steps,
                seed = o.seed, jitter = jitter_of(photo, target, o),
                optimizer = sb.optim[o.optimizer] { rate = o.rate or RATES[o.optimizer] }, keep = "best" }
  local picture, history = sb.optimize(merged(own, o.loop))
  return { picture = picture[1], photo = photo[1], psnr = psnr(picture, photo), history = history,
           miss = 2 * history.terms[1].values[#history] }
end
