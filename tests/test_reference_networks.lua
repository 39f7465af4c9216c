-- The classifiers of the shared folder against values that PyTorch computed in float64 from the same
-- weights and inputs (reference/index.json), in both modes of precision.
local lu = require "luaunit"
local cjson = require "cjson"
local h = require "helper"
local sb = require "switchback"

local T = {}

local MODELS = {
  googlenet = "models/googlenet/googlenet.onnx",
  squeezenet1_1 = "models/squeezenet1_1/squeezenet1_1.onnx",
  tinydarknet = "models/tinydarknet/tinydarknet.onnx",
}
local IMAGES = { "chelsea", "astronaut" }

-- Relative L2: what sb.precision promises of logits and of maps that a walk back gives, and that for values
-- in between.
local LOGITS = { exact = 2e-6, fast = 1e-5 }
local VALUES = { exact = 1e-6, fast = 2e-5 }
local MAP = { exact = 1e-5, fast = 5e-3 }

local cases

local function case(model, image)
  if not cases then
    local file = assert(io.open(h.shared "reference/index.json"))
    cases = cjson.decode(file:read "a").cases
    file:close()
  end
  local info = cases[model .. "_" .. image]
  return info, sb.safetensors.load(h.shared("reference/" .. info.file))
end

local nets = {}

local function load_net(model)
  nets[model] = nets[model] or sb.load(h.shared(MODELS[model]))
  return nets[model]
end

-- Runs check{ mode =, name = "model image mode", net =, info =, values =, pass = } for all of them.
local function each_case(check)
  for model in pairs(MODELS) do
    for _, image in ipairs(IMAGES) do
      local info, values = case(model, image)
      for _, mode in ipairs { "exact", "fast" } do
        sb.precision(mode)
        local net = load_net(model)
        check { mode = mode, name = ("%s %s %s"):format(model, image, mode), net = net, info = info,
                values = values, pass = net:forward(values.input) }
      end
    end
  end
end

function T.tearDown() h.usual_precision() end

local function miss(what, got, want, limit)
  local rel = h.rel_l2(got:reshape(-1), want:reshape(-1))
  lu.assertTrue(rel <= limit, ("%s: relative L2 %.2e, allowed %.0e"):format(what, rel, limit))
end

local function check_map(c, what, got, want) miss(c.name .. " " .. what, got, want, MAP[c.mode]) end

function T.test_logits_and_probabilities()
  each_case(function(c)
    miss(c.name .. " logits", c.pass:scores(), c.values.logits, LOGITS[c.mode])
    lu.assertTrue((c.pass:probabilities() - c.values.probs):abs():max() <= 1e-5, c.name .. " probabilities")
  end)
end

function T.test_intermediate_values()
  each_case(function(c)
    for key, tensor in pairs(c.info.tensors) do
      local name = key:match "^act/(.*)"
      if name then
        local got = c.pass[name]:narrow(2, 1, tensor.shape[2])
        miss(c.name .. " " .. key, got, c.values[key], VALUES[c.mode])
      end
      name = key:match "^stat/(.*)"
      if name then
        local maps = c.pass[name]:reshape(tensor.shape[1], -1)
        local got = sb.stack({ maps:mean(2), (maps:max(2)) }, 2)
        miss(c.name .. " " .. key, got, c.values[key], VALUES[c.mode])
      end
    end
  end)
end

local function last_features(info)
  for key in pairs(info.tensors) do
    if key == "gradcam/weights" then return info.tensors[key].what:match 'd "([^"]+)"$' end
  end
end

-- Selvaraju et al. 2017, equations 1 and 2.
function T.test_grad_cam()
  each_case(function(c)
    local name = last_features(c.info)
    local gradient = c.pass:backward { class = c.info.top1.index + 1, to = name }
    local features = c.pass[name]
    local weights = gradient:mean({ 3, 4 }):reshape(-1)
    local map = (features * weights:reshape(1, -1, 1, 1)):sum(2):clamp(0, math.huge)
    check_map(c, "gradcam/weights", weights, c.values["gradcam/weights"])
    check_map(c, "gradcam/map", map, c.values["gradcam/map"])
  end)
end

function T.test_saliency_and_guided_backpropagation()
  each_case(function(c)
    local class = c.info.top1.index + 1
    check_map(c, "saliency", c.pass:backward { class = class }, c.values.saliency)
    check_map(c, "guided", c.pass:backward { class = class, rule = "guided" }, c.values.guided)
  end)
end

-- The reference's key says what it is: deconv/(single|channel)[/lrn_(identity|gradient)|/leaky_own].
local function deconv_options(key, seed)
  local options = { from = seed.value, channel = seed.channel + 1, rule = "deconv" }
  options.keep = key:find "/single" and { seed.y + 1, seed.x + 1 } or "map"
  if key:find "lrn_gradient" then options.lrn = "true" end
  if key:find "leaky_own" then options.rule = function() return "gradient" end end
  return options
end

function T.test_deconvnet_maps()
  each_case(function(c)
    for key in pairs(c.info.tensors) do
      if key:find "^deconv/" then
        check_map(c, key, c.pass:backward(deconv_options(key, c.info.seed)), c.values[key])
      end
    end
  end)
end

-- keep = "max" finds the same position by itself.
function T.test_the_strongest_position_is_found()
  local info, values = case("googlenet", "chelsea")
  local pass = load_net("googlenet"):forward(values.input)
  local got = pass:backward { from = info.seed.value, channel = info.seed.channel + 1, keep = "max",
                              rule = "deconv" }
  check_map({ mode = sb.precision(), name = "googlenet" }, "keep = max", got,
    values["deconv/single/lrn_identity"])
end

-- ---- Where the modes differ: ties alone ----------------------------------------------------------

-- Over the same switches and signs, both modes' walks back agree.
function T.test_the_walk_back_itself_is_close()
  each_case(function(c)
    local class, other = c.info.top1.index + 1, c.mode == "fast" and "exact" or "fast"
    local here = c.pass:backward { class = class }
    sb.precision(other)
    miss(c.name .. " walked back in the other mode", c.pass:backward { class = class }, here, 1e-5)
  end)
end

-- The largest |value| at which two maps differ in sign.
local function largest_flip(a, b)
  return ((a:gt(0) - b:gt(0)):abs() * a:abs()):max()
end

-- The largest difference, in the maps x (1,C,H,W), of the two values that two sets of switches point to.
local function largest_gap(x, a, b)
  local channels, gap = a:size(2), 0
  local maps = x:reshape(channels, -1)
  a, b = a:reshape(channels, -1), b:reshape(channels, -1)
  local differs = (a - b):abs():max(2):totable()
  for i = 1, channels do
    local row, s, t = maps[i], a[i]:totable(), differs[i] ~= 0 and b[i]:totable() or {}
    for k in ipairs(t) do
      if s[k] ~= t[k] then gap = math.max(gap, math.abs(row[s[k] // 1] - row[t[k] // 1])) end
    end
  end
  return gap
end

-- Both passes take the same steps, since every value is asked for.
local function check_step(what, exact, fast, i)
  local step, margin = exact.steps[i], 0
  local value = step.outputs[1]
  if exact.layers[step].is_rectifier then
    margin = largest_flip(exact[value], fast[value])
  elseif exact.layers[step].kind == "maxpool" then
    local switches = fast.tapes[fast.steps[i]].switches
    margin = largest_gap(exact[step.inputs[1]], exact.tapes[step].switches, switches)
  end
  local rms = exact[value]:norm() / math.sqrt(exact[value]:count())
  lu.assertTrue(margin <= 5e-5 * rms, ("%s %s: %g decided otherwise, of %g"):format(what, value, margin, rms))
end

-- Every rectifier and switch that fast mode decides otherwise than exact mode was nearly tied.
function T.test_only_ties_fall_the_other_way()
  for model in pairs(MODELS) do
    local net = load_net(model)
    for _, image in ipairs(IMAGES) do
      local _, values = case(model, image)
      sb.precision "exact"
      local exact = net:forward(values.input, { keep = net:names() })
      sb.precision "fast"
      local fast = net:forward(values.input, { keep = net:names() })
      for i in ipairs(exact.steps) do check_step(model .. " " .. image, exact, fast, i) end
    end
  end
end

return T
