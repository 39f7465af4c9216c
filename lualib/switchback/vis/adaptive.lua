-- A photo taken apart into sparse feature maps by the filters of a layer (Zeiler et al. 2010, 2011).
local adaptive = require "switchback.adaptive"
local check = require "switchback.check"
local image = require "switchback.image"

local OPTIONS = { filters = false, lambdas = { 0.5, 1, 2, 5, 15 }, steps = 60, method = "fista", size = 144,
                  strongest = 8, progress = false }

-- The filters of the net's first convolution, without their means, since contrast has none either.
local function first_filters(net)
  local found = require "switchback.vis.filters"(net)
  if not found.in_color then error("adaptive: the net's first layer does not look at colors", 3) end
  local filters = require("switchback.core").tensor.stack(found.filters, 1)
  return filters - filters:mean(4, true):mean(3, true)
end

-- The maps with the most activity, { index =, share =, map = |z| cut to the picture }.
local function strongest(z, filters, count)
  local size = z:size()
  local sums = z:abs():reshape(size[2], -1):sum(2)
  local values, order = sums:topk(math.min(count, size[2]))
  local top, left, list = (filters:size(3) - 1) // 2 + 1, (filters:size(4) - 1) // 2 + 1, {}
  local h, w = size[3] - filters:size(3) + 1, size[4] - filters:size(4) + 1
  for i, k in ipairs(order:totable()) do
    k = math.tointeger(k)
    list[i] = { index = k, share = values[i] / sums:sum(),
                map = z:select(1, 1):narrow(1, k, 1):narrow(2, top, h):narrow(3, left, w):abs() }
  end
  return list
end

-- adaptive(net, image (C,H,W), options) --> { input (C,h,w): the photo with its contrast normalised,
--   filters (K,C,f,f) of length 1, results = list of { lambda =, reconstruction (C,h,w), history =, error =,
--   active = }, one for each lambda, see adaptive.infer; maps = of the middle lambda the strongest: list of
--   { index =, share = of all activity, map = (1,h,w) } }
-- options: filters (K,C,f,f), with the channels that the photo is wanted in; default those of the net's first
-- convolution, without stride (else the net is not looked at);  lambdas = {0.5, 1, 2, 5, 15};  steps = 60 and
-- method = "fista": see adaptive.infer;  size = 144: the photo's longer side;  strongest = 8 maps;
-- progress: function(what) --> function(done, total, note)
return function(net, photo, options)
  local o = check.options("adaptive", options, OPTIONS)
  local filters = adaptive.unit(o.filters or first_filters(net))
  photo = image.longer_side(image.rgb(photo), o.size)
  if filters:size(2) == 1 then photo = image.luminance(photo) end
  local y, results, maps = adaptive.normalised(photo:unsqueeze(1)), {}, nil
  for i, lambda in ipairs(o.lambdas) do
    local z, fz, history = adaptive.infer(y, filters, { lambda = lambda, steps = o.steps, method = o.method,
      progress = o.progress and o.progress(("lambda %g"):format(lambda)) })
    local last = history[#history]
    results[i] = { lambda = lambda, reconstruction = fz[1], history = history, error = last.error,
                   active = last.active }
    if i == (#o.lambdas + 1) // 2 then maps = strongest(z, filters, o.strongest) end
  end
  return { input = y[1], filters = filters, results = results, maps = maps }
end
