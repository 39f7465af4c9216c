-- The contract that every registered layer keeps, checked from the samples in its own file: gradients
-- against finite differences, every allocation failed in turn, wrong shapes and keys explained.
local lu = require "luaunit"
local sb = require "switchback"
local fail_alloc = require "fail_alloc"

local T = {}

local function samples_of(name)
  local source = "return {" .. (sb.layer.about(name).samples or "") .. "}"
  return assert(load(source, "=" .. name .. ".samples", "t", {}))()
end

-- Runs check(layer name, sample, number) for every sample of every layer.
local function each_sample(check)
  for _, name in ipairs(sb.layer.list()) do
    local samples = samples_of(name)
    lu.assertTrue(#samples > 0, name .. " has no samples")
    for i, sample in ipairs(samples) do check(name, sample, i) end
  end
end

local function element_count(shape)
  local n = 1
  for _, d in ipairs(shape) do n = n * d end
  return n
end

-- Values no two of which are closer than 0.05, and none nearer than 0.0125 to a multiple of 0.05: finite
-- differences then do not cross the kinks of piecewise functions.
local function distinct_values(rng, n)
  local order, values = rng:permutation(n), {}
  for i = 1, n do values[i] = (order[i] - n // 2) * 0.05 + 0.0125 end
  return values
end

local function make_input(rng, sample, shape, i)
  local n = element_count(shape)
  local values = {}
  if sample.index and i == 2 then
    local order = rng:permutation(sample.index[1])
    for k = 1, n do values[k] = order[(k - 1) % #order + 1] end
  elseif sample.distinct then
    values = distinct_values(rng, n)
  else
    for k = 1, n do values[k] = sample.positive and 0.5 + rng:uniform() or rng:normal() end
  end
  return sb.tensor(values):reshape(shape)
end

local function make_inputs(rng, sample)
  local inputs = {}
  for i, shape in ipairs(sample.input) do inputs[i] = make_input(rng, sample, shape, i) end
  return inputs
end

-- A layer whose every weight is away from its initial 0 or 1.
local function make_layer(rng, name, sample)
  local layer = sb.layer[name](sample[1])
  for _, weight in ipairs(sb.layer.about(name).weights) do
    local t = layer.params[weight.name]
    if t and weight.is_buffer then t:copy_(sb.rand(rng, t:size()) + 0.5) end
    if t and not weight.is_buffer then t:copy_(sb.randn(rng, t:size()) * 0.5 + 0.1) end
  end
  return layer
end

local function forward(layer, inputs, sample)
  local args = table.move(inputs, 1, #inputs, 1, {})
  args[#args + 1] = { training = sample.training, rng = sb.rng(7) }
  return { layer:forward(table.unpack(args)) }
end

local function random_gradients(rng, outputs)
  local dy = {}
  for i, y in ipairs(outputs) do dy[i] = sb.randn(rng, y:size()) end
  return dy
end

local function backward(layer, tape, dy, options)
  local args = table.move(dy, 1, #dy, 2, { tape })
  args[#args + 1] = options
  return table.pack(layer:backward(table.unpack(args)))
end

local function split_tape(results)
  local tape = table.remove(results)
  return results, tape
end

-- sum(y * dy) in double precision.
local function loss(layer, inputs, sample, dy)
  local outputs = split_tape(forward(layer, inputs, sample))
  local total = 0
  for i, y in ipairs(outputs) do
    local a, b = y:reshape(-1):totable(), dy[i]:reshape(-1):totable()
    for k = 1, #a do total = total + a[k] * b[k] end
  end
  return total
end

-- Central differences of f() with respect to the elements of t.
local function numerical(t, f, step)
  local flat, values = t:reshape(-1), {}
  for k = 1, t:count() do
    local v = flat[k]
    flat[k] = v + step
    local above, high = f(), flat[k]
    flat[k] = v - step
    local below, low = f(), flat[k]
    flat[k] = v
    values[k] = (above - below) / (high - low)
  end
  return sb.tensor(values)
end

-- Finite differences in float32 are good to about 1e-3: rounding of the output (1e-7) over the step (4e-3)
-- and the third derivative times the step squared.
local TOLERANCE, STEP = 6e-3, 4e-3

local function assert_gradient(what, analytic, t, f)
  local want, got = numerical(t, f, STEP), analytic:reshape(-1)
  local scale = math.max(want:norm(), got:norm(), 1e-2)
  local miss = (want - got):norm() / scale
  lu.assertTrue(miss < TOLERANCE, ("%s: finite differences differ by %g"):format(what, miss))
end

function T.test_gradients_match_finite_differences()
  each_sample(function(name, sample, i)
    local rng = sb.rng(100 + i)
    local layer, inputs = make_layer(rng, name, sample), make_inputs(rng, sample)
    local outputs, tape = split_tape(forward(layer, inputs, sample))
    local dy = random_gradients(rng, outputs)
    local dx = backward(layer, tape, dy, { weights = true })
    local function f() return loss(layer, inputs, sample, dy) end
    for k, x in ipairs(inputs) do
      if dx[k] then assert_gradient(("%s #%d input %d"):format(name, i, k), dx[k], x, f) end
    end
    for key, g in pairs(layer.grads or {}) do
      assert_gradient(("%s #%d weight %s"):format(name, i, key), g, layer.params[key], f)
    end
  end)
end

function T.test_backward_overwrites_input_and_accumulates_weight_gradients()
  each_sample(function(name, sample, i)
    local rng = sb.rng(200 + i)
    local layer, inputs = make_layer(rng, name, sample), make_inputs(rng, sample)
    local outputs, tape = split_tape(forward(layer, inputs, sample))
    local dy = random_gradients(rng, outputs)
    backward(layer, tape, dy)
    lu.assertNil(layer.grads, name .. ": weight gradients were made unasked")
    local first = backward(layer, tape, dy, { weights = true })
    local once = {}
    for key, g in pairs(layer.grads) do once[key] = g:clone() end
    local second = backward(layer, tape, dy, { weights = true })
    for k in ipairs(inputs) do
      if first[k] then lu.assertTrue(first[k]:close(second[k], 0), name) end
    end
    for key, g in pairs(layer.grads) do
      lu.assertTrue(g:close(once[key] * 2, 1e-4), name .. ": grads." .. key .. " do not accumulate")
    end
  end)
end

function T.test_weight_gradients_without_input_gradients()
  each_sample(function(name, sample, i)
    local rng = sb.rng(200 + i)
    local layer, inputs = make_layer(rng, name, sample), make_inputs(rng, sample)
    local outputs, tape = split_tape(forward(layer, inputs, sample))
    local dy = random_gradients(rng, outputs)
    backward(layer, tape, dy, { weights = true })
    local once = {}
    for key, g in pairs(layer.grads) do once[key] = g:clone() end
    layer:zero_grads()
    local dx = backward(layer, tape, dy, { weights = true, inputs = false })
    lu.assertEquals(dx, { n = #inputs }, name)
    for key, g in pairs(layer.grads) do lu.assertTrue(g:close(once[key], 0), name .. ": grads." .. key) end
  end)
end

function T.test_a_run_leaves_its_inputs_alone_and_repeats()
  each_sample(function(name, sample, i)
    local rng = sb.rng(300 + i)
    local layer, inputs = make_layer(rng, name, sample), make_inputs(rng, sample)
    local before = {}
    for k, x in ipairs(inputs) do before[k] = x:clone() end
    local a = split_tape(forward(layer, inputs, sample))
    local b = split_tape(forward(layer, inputs, sample))
    for k, x in ipairs(inputs) do lu.assertTrue(x:close(before[k], 0), name .. " changed its input") end
    for k, y in ipairs(a) do lu.assertTrue(y:close(b[k], 0), name .. " does not repeat") end
  end)
end

function T.test_same_bytes_at_any_thread_count()
  local threads = sb.threads()
  each_sample(function(name, sample, i)
    local results = {}
    for n = 1, 3 do
      sb.threads(n)
      local rng = sb.rng(400 + i)
      local layer, inputs = make_layer(rng, name, sample), make_inputs(rng, sample)
      local outputs, tape = split_tape(forward(layer, inputs, sample))
      local dx = backward(layer, tape, random_gradients(rng, outputs), { weights = true })
      results[n] = { outputs[1], dx[1] }
    end
    sb.threads(threads)
    for k = 1, 2 do
      lu.assertTrue(results[1][k]:close(results[2][k], 0), name)
      lu.assertTrue(results[1][k]:close(results[3][k], 0), name)
    end
  end)
end

function T.test_infer_agrees_with_forward()
  each_sample(function(name, sample, i)
    local rng = sb.rng(500 + i)
    local layer, inputs = make_layer(rng, name, sample), make_inputs(rng, sample)
    local outputs = split_tape(forward(layer, inputs, sample))
    local shapes = { layer:infer(table.unpack(sample.input)) }
    lu.assertEquals(#shapes, #outputs, name)
    for k, y in ipairs(outputs) do lu.assertEquals(shapes[k], y:size(), name) end
  end)
end

-- Fails every allocation of f in turn; f must answer "not enough memory" until it gets through.
local function sweep(what, f)
  for n = 1, 2000 do
    local triggered, ok, message = fail_alloc.run(n, f)
    if not triggered then
      lu.assertTrue(n > 1, what .. ": allocates nothing, so nothing was tested")
      lu.assertTrue(ok, what .. ": " .. tostring(message))
      return
    end
    lu.assertFalse(ok, what .. ": went on without memory")
    lu.assertStrContains(tostring(message), "not enough memory", false, what)
  end
  lu.fail(what .. ": more than 2000 allocations")
end

function T.test_every_allocation_may_fail()
  collectgarbage()
  each_sample(function(name, sample, i)
    local rng = sb.rng(600 + i)
    local layer, inputs = make_layer(rng, name, sample), make_inputs(rng, sample)
    local outputs, tape = split_tape(forward(layer, inputs, sample))
    local dy = random_gradients(rng, outputs)
    sweep(name .. " constructor", function() sb.layer[name](sample[1]) end)
    sweep(name .. " forward", function() forward(layer, inputs, sample) end)
    sweep(name .. " backward", function() backward(layer, tape, dy, { weights = true }) end)
  end)
end

local function random_shape(rng)
  local shape = {}
  for k = 1, rng:integer(0, 6) do shape[k] = rng:integer(0, 7) end
  return shape
end

-- Any shape either works or is refused in words that begin with the layer's name.
function T.test_random_shapes_work_or_are_explained()
  each_sample(function(name, sample, i)
    local rng = sb.rng(700 + i)
    local layer = make_layer(rng, name, sample)
    for _ = 1, 60 do
      local inputs = {}
      for k in ipairs(sample.input) do inputs[k] = sb.zeros(random_shape(rng)) end
      local ok, message = pcall(forward, layer, inputs, sample)
      if not ok then lu.assertStrContains(message, name .. ":") end
    end
  end)
end

function T.test_one_wrong_extent_works_or_is_explained()
  each_sample(function(name, sample, i)
    local rng = sb.rng(800 + i)
    local layer = make_layer(rng, name, sample)
    for k, shape in ipairs(sample.input) do
      for axis = 1, #shape do
        for _, extent in ipairs { 0, 1, shape[axis] + 1 } do
          local inputs = {}
          for m, s in ipairs(sample.input) do inputs[m] = sb.zeros(s) end
          local wrong = table.move(shape, 1, #shape, 1, {})
          wrong[axis] = extent
          inputs[k] = sb.zeros(wrong)
          local ok, result = pcall(forward, layer, inputs, sample)
          if ok then
            local outputs, tape = split_tape(result)
            backward(layer, tape, random_gradients(rng, outputs), { weights = true })
          else
            lu.assertStrContains(result, name .. ":")
          end
        end
      end
    end
  end)
end

function T.test_unknown_keys_and_wrong_types_are_named()
  each_sample(function(name, sample)
    local config = {}
    for k, v in pairs(sample[1]) do config[k] = v end
    config.kernal_sise = 3
    local ok, message = pcall(sb.layer[name], config)
    lu.assertFalse(ok, name)
    lu.assertStrContains(message, name .. ": unknown parameter 'kernal_sise'")
    for _, param in ipairs(sb.layer.about(name).params) do
      config.kernal_sise, config[param.name] = nil, print
      ok, message = pcall(sb.layer[name], config)
      lu.assertFalse(ok, name)
      lu.assertStrContains(message, name .. ": '" .. param.name .. "'")
      config[param.name] = sample[1][param.name]
    end
  end)
end

function T.test_layers_refuse_what_is_not_a_tensor()
  each_sample(function(name, sample)
    local layer = sb.layer[name](sample[1])
    lu.assertErrorMsgContains(name .. ":", layer.forward, layer)
    lu.assertErrorMsgContains(name .. ":", layer.forward, layer, "cat.png")
  end)
end

function T.test_text_and_config_rebuild_the_layer()
  each_sample(function(name, sample)
    local layer = sb.layer[name](sample[1])
    local config = layer.config
    for key, t in pairs(layer.params) do config[key] = t end
    local again = sb.layer[name](config)
    lu.assertEquals(tostring(again), tostring(layer))
    lu.assertStrContains(tostring(layer), name .. "{")
  end)
end

return T
