-- The classifiers of the shared folder against values that PyTorch computed in float64 from the same
-- weights and inputs (reference/index.json), in exact mode.
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

-- Relative L2. A map may differ more where one switch flips within rounding error: then PyTorch's own
-- float32 run (f32_rel_l2) does as well, or the cosine still is at least 0.9999.
local FORWARD, MAP, FLIPPED = 1e-4, 1e-4, 1e-2

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

local function run(model, image)
  local info, values = case(model, image)
  nets[model] = nets[model] or sb.load(h.shared(MODELS[model]))
  sb.precision "exact"
  local pass = nets[model]:forward(values.input)
  return info, values, pass
end

local function each_case(check)
  for model in pairs(MODELS) do
    for _, image in ipairs { "chelsea", "astronaut" } do check(model, image, run(model, image)) end
  end
  sb.precision "fast"
end

local function miss(what, got, want, limit)
  local rel = h.rel_l2(got:reshape(-1), want:reshape(-1))
  lu.assertTrue(rel <= limit, ("%s: relative L2 %.2e, allowed %.0e"):format(what, rel, limit))
end

local function cosine(a, b)
  a, b = a:reshape(-1), b:reshape(-1)
  return a:dot(b) / (a:norm() * b:norm())
end

local function check_map(what, got, want)
  local rel = h.rel_l2(got:reshape(-1), want:reshape(-1))
  if rel <= MAP then return end
  local c = cosine(got, want)
  print(("  %s: one switch flipped: relative L2 %.1e, cosine %.7f"):format(what, rel, c))
  lu.assertTrue(rel <= FLIPPED and c >= 0.9999, ("%s: relative L2 %.2e, cosine %.6f"):format(what, rel, c))
end

function T.test_logits_and_probabilities()
  each_case(function(model, image, _, values, pass)
    miss(model .. " " .. image .. " logits", pass:scores(), values.logits, FORWARD)
    lu.assertTrue((pass:probabilities() - values.probs):abs():max() <= 1e-5, model .. " probabilities")
  end)
end

function T.test_intermediate_values()
  each_case(function(model, image, info, values, pass)
    for key, tensor in pairs(info.tensors) do
      local name = key:match "^act/(.*)"
      if name then
        local got = pass[name]:narrow(2, 1, tensor.shape[2])
        miss(("%s %s %s"):format(model, image, key), got, values[key], FORWARD)
      end
      name = key:match "^stat/(.*)"
      if name then
        local maps = pass[name]:reshape(tensor.shape[1], -1)
        local got = sb.stack({ maps:mean(2), (maps:max(2)) }, 2)
        miss(("%s %s %s"):format(model, image, key), got, values[key], FORWARD)
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
  each_case(function(model, image, info, values, pass)
    local name = last_features(info)
    local gradient = pass:backward { class = info.top1.index + 1, to = name }
    local features = pass[name]
    local weights = gradient:mean({ 3, 4 }):reshape(-1)
    local map = (features * weights:reshape(1, -1, 1, 1)):sum(2):clamp(0, math.huge)
    miss(model .. " " .. image .. " gradcam/weights", weights, values["gradcam/weights"], MAP)
    miss(model .. " " .. image .. " gradcam/map", map, values["gradcam/map"], MAP)
  end)
end

function T.test_saliency_and_guided_backpropagation()
  each_case(function(model, image, info, values, pass)
    local class = info.top1.index + 1
    check_map(model .. " " .. image .. " saliency", pass:backward { class = class }, values.saliency)
    check_map(model .. " " .. image .. " guided", pass:backward { class = class, rule = "guided" },
      values.guided)
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
  each_case(function(model, image, info, values, pass)
    for key in pairs(info.tensors) do
      if key:find "^deconv/" then
        check_map(("%s %s %s"):format(model, image, key), pass:backward(deconv_options(key, info.seed)),
          values[key])
      end
    end
  end)
end

-- keep = "max" finds the same position by itself.
function T.test_the_strongest_position_is_found()
  local info, values, pass = run("googlenet", "chelsea")
  local got = pass:backward { from = info.seed.value, channel = info.seed.channel + 1, keep = "max",
                              rule = "deconv" }
  check_map("googlenet keep = max", got, values["deconv/single/lrn_identity"])
  sb.precision "fast"
end

-- Fast mode is within 1e-5 at the logits, and its saliency within a flipped switch.
function T.test_fast_mode_stays_close()
  for model in pairs(MODELS) do
    local info, values = case(model, "chelsea")
    nets[model] = nets[model] or sb.load(h.shared(MODELS[model]))
    sb.precision "fast"
    local pass = nets[model]:forward(values.input)
    miss(model .. " fast logits", pass:scores(), values.logits, 1e-5)
    local saliency = pass:backward { class = info.top1.index + 1 }
    lu.assertTrue(cosine(saliency, values.saliency) > 0.999, model .. " fast saliency")
  end
end

return T
