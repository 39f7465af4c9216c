-- Makes what a workload reads, once, under build/bench: weights of its network and its tensors.
local core = require "switchback.core"
local sb = require "switchback"
local seed = require "switchback.seed"
local zoo = require "switchback.zoo"

local generate = {}

local function exists(path) return core.files.kind(path) == "file" end

-- Drawn weights as networks start with, but with biases, shifts and statistics that are not trivial.
local function roughen(tensors, rng)
  local names = {}
  for name in pairs(tensors) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local t = tensors[name]
    if name:find "bias$" or name:find "running_mean$" then
      tensors[name] = sb.randn(rng, t:count()) * 0.05
    elseif name:find "running_var$" then
      tensors[name] = sb.rand(rng, t:count()) + 0.5
    end
  end
  return tensors
end

-- weights(folder, net) --> path of a safetensors file with all weights of that network of the zoo.
function generate.weights(folder, name)
  local path = ("%s/%s.safetensors"):format(folder, name)
  if not exists(path) then
    local net = sb.net(zoo.describe(name, { seed = 1 }))
    assert(sb.safetensors.save(path, roughen(zoo.tensors(net), sb.rng(2))))
  end
  return path
end

local extra = {}

-- The strongest activation of the layer and nothing else.
function extra.deconvnet(spec, t)
  local net = sb.net(zoo.describe(spec.net, { tensors = assert(sb.safetensors.load(spec.weights)) }))
  local values = net:forward(t.input, { upto = spec.layer, record = false })[spec.layer]
  t.seed = seed.activation(values, { keep = "max" })
end

function extra.style(spec, t, rng)
  t.style, t.content = sb.randn(rng, table.unpack(spec.shape)), sb.randn(rng, table.unpack(spec.shape))
end

-- One-hot targets.
function extra.training(spec, t, rng)
  t.target = sb.zeros(spec.shape[1], spec.classes)
  for n = 1, spec.shape[1] do t.target[{ n, rng:integer(1, spec.classes) }] = 1 end
end

function extra.transform(_, t) t.input = (t.input * 40 + 128):clamp(0, 255) end

-- tensors(folder, spec) --> path of a safetensors file with the workload's input and what else it needs.
function generate.tensors(folder, spec)
  local path = ("%s/%s.tensors.safetensors"):format(folder, spec.id)
  if not exists(path) then
    local rng = sb.rng(3)
    local t = { input = sb.randn(rng, table.unpack(spec.shape)) }
    if extra[spec.family] then extra[spec.family](spec, t, rng) end
    assert(sb.safetensors.save(path, t))
  end
  return path
end

return generate
