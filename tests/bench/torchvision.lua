-- The zoo against torchvision: the same random weights from a .pth, batch norm's statistics among them, give
-- the same logits and the same gradient to the input. By hand, where Debian's python3-torchvision is
--   installed: build/switchback tests/bench/torchvision.lua [NAME...]
-- Prints a relative distance (L2) to torchvision's values in float64 for each net and ends with status 1 if
-- one is above 1e-5. Where a rectifier or a pooling switch is undecided within float32's rounding the
-- gradients cannot agree; a net of 14 million rectifiers has one or two such on most inputs. More inputs are
-- then tried, and the closest counts: a mistake shows on all of them.
package.path = "lualib/?.lua;lualib/?/init.lua;" .. package.path
local sb = require "switchback"

local PYTHON <const>, TOLERANCE <const>, TRIES <const> = "/usr/bin/python3", 1e-5, 24

-- The zoo's name, torchvision's, and the side of the input: small where the net takes any.
local NETS <const> = {
  { "alexnet", "alexnet", 224 }, { "googlenet_torchvision", "googlenet", 64 },
  { "mobilenet_v2", "mobilenet_v2", 64 }, { "resnet18", "resnet18", 64 }, { "resnet34", "resnet34", 64 },
  { "resnet50", "resnet50", 64 }, { "squeezenet1_0", "squeezenet1_0", 64 },
  { "squeezenet1_1", "squeezenet1_1", 64 }, { "vgg11", "vgg11", 224 }, { "vgg13", "vgg13", 224 },
  { "vgg16", "vgg16", 224 }, { "vgg19", "vgg19", 224 },
}

local function distance(a, b) return (a - b):norm() / b:norm() end

-- Has torchvision write what it makes of the inputs from seed `first` to `last`.
local function write_values(theirs, size, first, last, out)
  local command = ("%s tests/bench/torchvision_values.py %s %d %d %d '%s'")
    :format(PYTHON, theirs, size, first, last, out)
  if not os.execute(command) then error("torchvision has no values for " .. theirs, 0) end
end

-- The distances for one input.
local function compare(net, path)
  local reference = assert(sb.safetensors.load(path))
  os.remove(path)
  local pass, class = net:forward(reference.input), math.tointeger(reference.class:item())
  local gradient = pass:backward { class = class }
  return distance(pass:scores(), reference.logits), distance(gradient, reference.gradient)
end

-- The largest distance of logits, the smallest of gradients, and how many inputs that took.
local function best(name, theirs, size, out)
  write_values(theirs, size, 1, 1, out)
  local net, logits, gradient = sb.load(name, { weights = out .. ".pth" }), 0, math.huge
  for seed = 1, TRIES do
    if seed == 2 then write_values(theirs, size, 2, TRIES, out) end
    local l, g = compare(net, ("%s.%d.safetensors"):format(out, seed))
    logits, gradient = math.max(logits, l), math.min(gradient, g)
    if gradient <= TOLERANCE then return logits, gradient, seed end
  end
  return logits, gradient, TRIES
end

local function wanted(name)
  for _, asked in ipairs(arg) do
    if asked == name then return true end
  end
  return #arg == 0
end

sb.precision "exact"
local out, failed = os.tmpname(), false
print(("%-22s %10s %10s  inputs tried"):format("net", "logits", "gradient"))
for _, net in ipairs(NETS) do
  if wanted(net[1]) then
    local logits, gradient, tried = best(net[1], net[2], net[3], out)
    failed = failed or logits > TOLERANCE or gradient > TOLERANCE
    print(("%-22s %10.1e %10.1e  %d"):format(net[1], logits, gradient, tried))
    collectgarbage()
  end
end
os.execute(("rm -f '%s' '%s'.*"):format(out, out))
os.exit(failed and 1 or 0)
