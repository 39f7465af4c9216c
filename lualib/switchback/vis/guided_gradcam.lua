-- Guided Grad-CAM: guided backpropagation where Grad-CAM finds the class.
local check = require "switchback.check"
local pictures = require "switchback.image"

local gradcam = require "switchback.vis.gradcam"
local saliency = require "switchback.vis.saliency"

local OPTIONS = { layer = false, class = false, weights = "mean" }

-- guided_gradcam(net, image (C,H,W) [, options]) --> { map = (C,h,w) in RGB, signed,
--   cam = (1,h',w') not negative, input = (C,h,w) what the network saw, layer =,
--   class = { index =, label =, p = } }
-- Selvaraju et al. 2017, section 3.1: the map of guided backpropagation times the Grad-CAM map, enlarged
-- bilinearly. options: class, layer, weights, as for gradcam.
return function(net, image, options)
  local o = check.options("guided_gradcam", options, OPTIONS)
  local cam = gradcam(net, image, { layer = o.layer, class = o.class, weights = o.weights })
  local guided = saliency(net, image, { class = cam.class.index, rule = "guided", form = "signed" }).map
  local where = pictures.resize(cam.map, guided:size(2), guided:size(3), { method = "bilinear" })
  return { map = guided * where, cam = cam.map, input = cam.input, layer = cam.layer, class = cam.class }
end
