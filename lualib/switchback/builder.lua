-- Builds the description of a network (net.lua) node by node: a node reads what the last one made unless
-- told otherwise, and the channels of every value and the weights of every layer are kept track of.
local core = require "switchback.core"
local fitting = require "switchback.fitting"
local merged = require "switchback.merged"

local Builder = {}
Builder.__index = Builder

local builder = {}

-- new{ input = "data", channels = 3, size = {0, 0}, seed = 0, tensors = nil, unused = nil } --> builder.
-- Channels and size are those of the network's input (0: any size). Weights are taken from `tensors` by their
-- name in files (finish raises when they do not fit; names that match the pattern `unused` are passed over),
-- or else drawn as He et al. 2015 from `seed`.
function builder.new(options)
  local input, size = options.input or "data", options.size or { 0, 0 }
  local channels = options.channels or 3
  return setmetatable({
    description = { inputs = { { name = input, shape = { 0, channels, size[1], size[2] } } },
                    nodes = {}, aliases = {} },
    at = input, channels_of = { [input] = channels },
    rng = core.rng.new(options.seed or 0), fit = fitting.new(options.tensors, options.unused),
  }, Builder)
end

-- b:add(kind, name [, config]) --> b. Adds the layer sb.layer[kind](config) after the current value.
function Builder:add(kind, name, config) return self:join(kind, name, { self.at }, config) end

-- b:join(kind, name, values [, config]) --> b. Adds a layer that reads the named values.
function Builder:join(kind, name, values, config)
  local layer = self.fit:layer(kind, name, config or {}, self.rng)
  table.insert(self.description.nodes, { name = name, inputs = values, layer = layer })
  local channels = self.channels_of[values[1]]
  if kind == "concat" then
    channels = 0
    for _, value in ipairs(values) do channels = channels + self.channels_of[value] end
  end
  self.at, self.channels_of[name] = name, channels
  return self
end

-- b:conv(name, out_channels, kernel [, config]) --> b
function Builder:conv(name, out_channels, kernel, config)
  local own = { in_channels = self.channels_of[self.at], out_channels = out_channels, kernel = kernel }
  self:add("conv2d", name, merged(own, config))
  self.channels_of[name] = out_channels
  return self
end

-- b:linear(name, out_features [, in_features = channels of the current value]) --> b
function Builder:linear(name, out_features, in_features)
  self:add("linear", name, { in_features = in_features or self.channels_of[self.at],
                             out_features = out_features })
  self.channels_of[name] = out_features
  return self
end

-- Short forms of what most networks consist of.
function Builder:relu(name) return self:add("relu", name) end

function Builder:batchnorm(name, config)
  return self:add("batchnorm", name, merged({ channels = self.channels_of[self.at] }, config))
end

function Builder:maxpool(name, kernel, stride, config)
  return self:add("maxpool", name, merged({ kernel = kernel, stride = stride }, config))
end

-- b:from(value) --> b. What is added next reads this value.
function Builder:from(value)
  self.at = value
  return self
end

-- b:alias(other_name [, value = the current one]) --> b. Another name for a value.
function Builder:alias(other_name, value)
  self.description.aliases[other_name] = value or self.at
  return self
end

-- b:sequence(prefix) --> function that answers PREFIX.0, PREFIX.1, ... as torch.nn.Sequential numbers them.
function Builder.sequence(_, prefix)
  local i = -1
  return function()
    i = i + 1
    return ("%s.%d"):format(prefix, i)
  end
end

-- b:finish([fields]) --> the description, ending with the current value, with more fields (preprocess...).
-- Raises one error that lists all given tensors that are missing, unexpected or of another shape.
function Builder:finish(fields)
  self.fit:check()
  self.description.outputs = { self.at }
  for key, value in pairs(fields or {}) do self.description[key] = value end
  return self.description
end

return builder
