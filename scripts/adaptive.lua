-- A photo as the sum of filters that sparse feature maps place.

-- The filters of a file, those learned from photos, or nil: the network's.
local function filters_of(o, photo, report)
  local sb, adaptive = require "switchback", require "switchback.adaptive"
  if o.filters == "network" then return nil end
  if o.filters ~= "learned" then
    local found = assert(sb.safetensors.load(o.filters))
    return found.filters or error(o.filters .. ": has no tensor 'filters'", 0)
  end
  local photos = {}
  for _, path in ipairs(o.photos and require("switchback.frames").list(o.photos) or {}) do
    photos[#photos + 1] = assert(sb.image.load(path))
  end
  for i, t in ipairs(#photos > 0 and photos or { photo }) do
    t = sb.image.longer_side(sb.image.luminance(sb.image.rgb(t)), 300)
    photos[i] = adaptive.normalised(t:unsqueeze(1))[1]
  end
  return (adaptive.learn(photos, { count = o.count, side = o.side, updates = o.updates, seed = o.seed,
    progress = report:progress "filters" }))
end

return {
  summary = "a photo as a sum of filters that sparse feature maps place",
  about = "Zeiler et al. 2010 and 2011, one layer, without pooling. Filters: the network's first, or learned "
    .. "from the photo or --photos. The maps minimise lambda / 2 |F z - y|^2 + |z|_1, by FISTA.",
  options = {
    "model", "image",
    { "filters", default = "network", help = "network, learned, or a file that --keep wrote" },
    { "photos", type = "file", help = "photo or folder to learn filters from (default: --image)" },
    { "count", type = "integer", min = 1, default = 24, help = "how many filters to learn" },
    { "side", type = "integer", min = 2, max = 31, default = 9, help = "their sides in pixels" },
    { "updates", type = "integer", min = 1, default = 150, help = "steps of learning" },
    { "lambda", type = "numbers", default = "0.5,1,2,5,15", help = "weights of the reconstruction" },
    { "method", choices = { "fista", "ista" }, default = "fista", help = "how to infer the maps" },
    { "steps", default = 60, help = "steps of inference" },
    { "size", default = 144, help = "longer side of the photo in pixels" },
    "seed",
    { "keep", type = "string", help = "file to write the filters to, .safetensors" },
    { "out", default = "adaptive.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local photo = assert(sb.image.load(o.image))
    local filters = filters_of(o, photo, report)
    local found = sb.vis.adaptive(not filters and sb.load(o.model) or nil, photo, { filters = filters,
      lambdas = o.lambda, steps = o.steps, method = o.method, size = o.size,
      progress = function(what) return report:progress(what) end })
    if o.keep then assert(sb.safetensors.save(o.keep, { filters = found.filters })) end
    report:save(o.out, require "switchback.adaptive_sheet"(found, ("%s filters, %s, %d steps"):format(
      o.filters, o.method:upper(), o.steps)))
    local results = {}
    for i, r in ipairs(found.results) do
      report:say("lambda %-5g error %.2f %%, %.2f %% active", r.lambda, 100 * r.error, 100 * r.active)
      results[i] = { lambda = r.lambda, error = r.error, active = r.active }
    end
    return { filters = found.filters:size(), results = results }
  end,
}
