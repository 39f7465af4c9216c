-- Segment: the object of a class cut out of a photo, from a map of what speaks for the class.
local check = require "switchback.check"
local core = require "switchback.core"
local explain = require "switchback.explain"
local grabcut = require "switchback.grabcut"
local pictures = require "switchback.image"
local preprocess = require "switchback.preprocess"

local OPTIONS = { class = false, map = "combined", front = 0.05, back = false, size = 512, samples = 25,
                  seed = 0, components = 5, gamma = 50, iterations = 10 }

local cuts = core.grabcut

local BACK <const>, LEAST_BACK <const> = 0.3, 0.02 -- shares of the photo that are background at first
local FAINT <const> = 0.2 -- of Grad-CAM's largest value: below it a pixel does not belong to the object
local CELL <const> = 8 -- pixels of the input that the maps of pixels are averaged over

-- ---- The map ---------------------------------------------------------------------------------------------

-- All of the photo in the network's input size, whatever its proportions.
local function squeezed(net, photo)
  local size = preprocess.complete(net.preprocess).size
  if not size then return photo end
  return pictures.resize(photo, size[1], size[2], { method = "bilinear" })
end

-- Single pixels are noisy: means over cells, enlarged to the picture.
local function coarse(map, h, w)
  local rows, columns = math.max(1, map:size(2) // CELL), math.max(1, map:size(3) // CELL)
  return pictures.resize(pictures.resize(map, rows, columns), h, w, { method = "bilinear" })
end

-- Each: function(net, view, class, o, h, w) --> map (1,h,w), not negative.
local maps = {}

function maps.gradient(net, view, class, _, h, w)
  return coarse(require "switchback.vis.saliency"(net, view, { class = class }).map, h, w)
end

function maps.smoothgrad(net, view, class, o, h, w)
  local options = { class = class, samples = o.samples, seed = o.seed }
  return coarse(require "switchback.vis.smoothgrad"(net, view, options).map, h, w)
end

function maps.gradcam(net, view, class, _, h, w)
  local map = require "switchback.vis.gradcam"(net, view, { class = class }).map
  return pictures.resize(map, h, w, { method = "bilinear" })
end

-- Grad-CAM knows the class and not the outline, SmoothGrad the other way round; by its root, Grad-CAM leaves
-- the parts of an object that matter less to the class in the game.
function maps.combined(...) return maps.gradcam(...):sqrt() * maps.smoothgrad(...) end

-- ---- Seeds -----------------------------------------------------------------------------------------------

-- The value that a share of the map's values is not above.
local function quantile(map, share)
  local sorted = map:reshape(-1):sort()
  return sorted[math.floor(share * (sorted:count() - 1)) + 1]
end

-- The share of the photo that may be called background: where the object fills it, what Grad-CAM finds no
-- trace of the class in is little, and the weakest pixels beyond that are the object's own.
local function back_of(net, view, class, o)
  if o.back then return o.back end
  local map = maps.gradcam(net, view, class, o, view:size(2), view:size(3))
  return math.max(LEAST_BACK, math.min(BACK, map:lt(FAINT * map:max()):mean()))
end

-- Simonyan et al. 2014, section 3.2: the strongest pixels are foreground, the weakest background. Both only
-- say what colours to look for, since a map is not to be trusted with single pixels; but the weaker half of
-- the background stays so.
local function seeds_of(map, front, back)
  local high, low = quantile(map, 1 - front), quantile(map, back)
  if high <= low then error("segment: the map does not tell an object from its background", 0) end
  return 0.5 + (map:ge(high) - map:le(low) - map:le(quantile(map, back / 2))) * 0.25
end

-- How likely the colour of each pixel is among the chosen ones, as -log(share of the color * their number).
local function rarity(copy, chosen, k)
  local mixture = cuts.fit(copy, cuts.split(copy, chosen, k), k)
  return (cuts.cost(copy, mixture)) - math.log(chosen:sum())
end

-- A map is blurred, and its strongest pixels reach over the object's edge: those whose color is more frequent
-- among the background's seeds are none.
local function without_doubtful(copy, seeds, k)
  local front = seeds:gt(0.5)
  local kept = front * rarity(copy, front, k):lt(rarity(copy, seeds:lt(0.5), k))
  if kept:sum() == 0 then return seeds end
  return seeds - (front - kept) * 0.25
end

-- ---- The method ------------------------------------------------------------------------------------------

-- The photo in color, its longer side at most `size` pixels.
local function working_copy(photo, size)
  local h, w = photo:size(2), photo:size(3)
  local scale = math.min(1, size / math.max(h, w))
  if scale == 1 then return pictures.rgb(photo) end
  local function scaled(n) return math.max(1, math.floor(n * scale + 0.5)) end
  return pictures.rgb(pictures.resize(photo, scaled(h), scaled(w)))
end

-- segment(net, image (C,H,W) [, options]) --> {
--   mask = (1,H,W): 1 for the object, 0 for the rest; cutout = (3,H,W): the object on white,
--   map = (1,h,w): what speaks for the class; energies =: of GrabCut, a number a round;
--   class = { index =, label =, p = } }
-- The photo as a whole, squeezed to the network's input, gives a map of the class; its strongest and weakest
-- pixels start GrabCut (grabcut.lua), whose largest connected region is the object. options:
--   class    index or label; default the most probable
--   map      "combined" (default): SmoothGrad times the root of Grad-CAM; "gradient", "smoothgrad" or
--            "gradcam" alone
--   front    0.05, the share of pixels that are foreground at first; back: the share that are background
--            (default: 0.3, less where less of Grad-CAM is below a fifth of its largest value)
--   size     512: longest side in pixels of the copy that is cut; the mask is enlarged to the photo
--   samples, seed  of SmoothGrad (25, 0); components, gamma, iterations  of GrabCut (5, 50, 10)
return function(net, photo, options)
  local o = check.options("segment", options, OPTIONS)
  check.choice("segment", "map", o.map, { "combined", "gradient", "smoothgrad", "gradcam" })
  check.integer("segment", "size", o.size, 1)
  local view, copy = squeezed(net, photo), working_copy(photo, o.size)
  local class = explain.class(net, net:forward(net:prepare(view), { record = false }), o.class)
  local map = maps[o.map](net, view, class.index, o, copy:size(2), copy:size(3))
  local back = back_of(net, view, class.index, o)
  local seeds = seeds_of(map, o.front, back):reshape(copy:size(2), copy:size(3))
  seeds = without_doubtful(copy, seeds, o.components)
  local mask, energies = grabcut(copy, seeds,
    { components = o.components, gamma = o.gamma, iterations = o.iterations })
  mask = cuts.largest(mask):unsqueeze(1)
  mask = pictures.resize(mask, photo:size(2), photo:size(3), { method = "bilinear" }):ge(0.5)
  return { mask = mask, cutout = pictures.blend(pictures.canvas(photo:size(2), photo:size(3)), photo, mask),
           map = map, energies = energies, class = class }
end
