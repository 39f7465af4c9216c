-- What a run of training reads: the net's preprocessing, and loaders of its data.
local setup = {}

-- The (h, w) that pictures get: as asked, as the net declares, as its preprocessing says, or as they are.
local function size_of(o, p)
  local shape = o.net.inputs[1].shape
  local declared = #shape == 4 and shape[3] > 0 and { shape[3], shape[4] }
  if o.size then return type(o.size) == "table" and o.size or { o.size, o.size } end
  if declared then return declared end
  local own = o.data.picture and o.data:picture(1):size()
  return p.size or own and { own[2], own[3] }
end

local function channels_of(o, p)
  if o.net.inputs[1].shape[2] == 1 then return "grey" end
  return p.channels or "RGB"
end

-- Whether the preprocessing says what the mean is; zero and one, which it begins with, do not.
local function is_normalised(p) return p.mean ~= nil or p.std ~= nil end

local function statistics(o, p, channels)
  if is_normalised(p) then return p.mean, p.std end
  local found, deviation = require("switchback.data").statistics(o.data)
  if #found == 3 and channels == "grey" then return 0.5, 0.5 end
  return found, deviation
end

-- net(o) completes the net's preprocessing and labels from the data set; a loader is taken as it comes.
function setup.net(o)
  if o.data.next then return end
  local p = o.net.preprocess or {}
  local channels = channels_of(o, p)
  local mean, std = statistics(o, p, channels)
  o.net.preprocess = require("switchback.preprocess").complete {
    size = size_of(o, p), channels = channels, mean = mean, std = std, scale = p.scale, crop = p.crop }
  if o.classes and o.data.classes then o.net.labels = o.data.classes end
end

local function batches(o, data, options)
  local p = o.net.preprocess
  options.batch, options.size, options.channels = o.batch, p.size, p.channels
  options.mean, options.std, options.scale, options.crop = p.mean, p.std, p.scale, p.crop
  return require("switchback.data").batches(data, options)
end

-- loader(o), validation(o) --> loaders; nil without data to validate with.
function setup.loader(o)
  if o.data.next then return o.data end
  return batches(o, o.data, { shuffle = o.seed, augment = o.augment or nil, drop_last = o.drop_last })
end

function setup.validation(o)
  if not o.validate or type(o.validate) == "function" then return nil end
  if o.validate.next then return o.validate end
  return batches(o, o.validate, { shuffle = false })
end

return setup
