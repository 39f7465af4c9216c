-- Optimisers against PyTorch's trajectories (reference/optimizers), a hard function, and their own state.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

-- f(x) = x^T A x / 2 - b^T x as a closure over `values`.
local function quadratic(values, a, b)
  return function()
    local ax = a:matmul(values[1])
    return values[1]:dot(ax) / 2 - values[1]:dot(b), { ax - b }
  end
end

-- PyTorch's own float32 run is up to 4e-7 from the stored float64 values, which reach 2.6.
local TRAJECTORY = 1e-6

local CASES = {
  sgd_momentum = { "sgd", { rate = 0.05, momentum = 0.9 } },
  sgd_nesterov = { "sgd", { rate = 0.05, momentum = 0.9, nesterov = true } },
  sgd_weight_decay = { "sgd", { rate = 0.05, momentum = 0.9, weight_decay = 0.01 } },
  adam = { "adam", { rate = 0.1 } },
  adamw = { "adamw", { rate = 0.1, weight_decay = 0.05 } },
}

function T.test_trajectories()
  local reference = sb.safetensors.load(h.shared "reference/optimizers.safetensors")
  for name, case in pairs(CASES) do
    local values = { reference.x0:clone() }
    local closure = quadratic(values, reference.A, reference.b)
    local opt = sb.optim[case[1]](case[2])
    for step = 1, 10 do
      h.close(opt:step(values, closure), reference[name .. "/f_before"][step], TRAJECTORY)
      h.close(values[1], reference[name .. "/x"][step], TRAJECTORY)
    end
  end
end

function T.test_lbfgs_finds_the_solution()
  local reference = sb.safetensors.load(h.shared "reference/optimizers.safetensors")
  local values, opt = { reference.x0:clone() }, sb.optim.lbfgs {}
  local closure = quadratic(values, reference.A, reference.b)
  for step = 1, 20 do opt:step(values, closure, step > 1) end
  h.close(values[1], reference.solution, TRAJECTORY)
end

-- Rosenbrock 1960, extended to n dimensions: minimum 0 at (1, ..., 1), along a curved valley. Split into two
-- values, to see that they are taken as one vector.
local function rosenbrock(values)
  return function()
    local x, n1 = values[1]:totable(), values[1]:count()
    for _, number in ipairs(values[2]:totable()) do x[#x + 1] = number end
    local f, g = 0, { 0 }
    for i = 1, #x - 1 do
      local a, b = x[i + 1] - x[i] ^ 2, 1 - x[i]
      f = f + 100 * a * a + b * b
      g[i] = g[i] - 400 * a * x[i] - 2 * b
      g[i + 1] = 200 * a
    end
    local all = sb.tensor(g)
    return f, { all:narrow(1, 1, n1), all:narrow(1, n1 + 1, #x - n1) }
  end
end

local function valley_start()
  local start = {}
  for i = 1, 100 do start[i] = i % 2 == 1 and -1.2 or 1 end
  start = sb.tensor(start)
  return { start:narrow(1, 1, 30):clone(), start:narrow(1, 31, 70):clone() }
end

function T.test_lbfgs_on_rosenbrock()
  local values = valley_start()
  local closure, opt = rosenbrock(values), sb.optim.lbfgs { history = 20 }
  local evaluations = 0
  local function counted()
    evaluations = evaluations + 1
    return closure()
  end
  for step = 1, 600 do
    if opt:step(values, counted, step > 1) < 1e-7 or opt.converged then break end
  end
  lu.assertTrue(closure() < 1e-6)
  h.close(values[2], values[2] * 0 + 1, 2e-3)
  lu.assertTrue(evaluations < 800, evaluations .. " evaluations")
end

function T.test_lbfgs_says_when_it_has_converged()
  local values, opt = { sb.tensor { 3, -2 } }, sb.optim.lbfgs {}
  local function bowl() return values[1]:dot(values[1]), { values[1] * 2 } end
  for step = 1, 5 do opt:step(values, bowl, step > 1) end
  lu.assertTrue(opt.converged)
  h.close(values[1], sb.zeros(2), 1e-6)
  opt:reset()
  lu.assertFalse(opt.converged)
end

-- The function has no minimum along the first direction, then is not finite: the search must come back.
function T.test_lbfgs_survives_what_is_not_finite()
  local values, opt = { sb.tensor { 0.5 } }, sb.optim.lbfgs { rate = 100 }
  local function barrier()
    local x = values[1][1]
    local inside = x > 0 and x < 2
    return inside and x - math.log(x) or 0 / 0, { sb.tensor { inside and 1 - 1 / x or 0 / 0 } }
  end
  for _ = 1, 12 do opt:step(values, barrier) end
  h.close(values[1], sb.tensor { 1 }, 1e-3)
end

-- x - rate * g / mean|g| for each image of a batch.
function T.test_normalised_by_hand()
  local g = sb.randn(sb.rng(1), 2, 3, 4, 5)
  local values = { sb.zeros(2, 3, 4, 5) }
  sb.optim.normalised { rate = 0.5 }:step(values, function() return 0, { g } end)
  for n = 1, 2 do h.close(values[1][n], g[n] * (-0.5 / g[n]:abs():mean()), 1e-6) end
  values = { sb.zeros(2, 3, 4, 5) }
  sb.optim.normalised { rate = 0.5, per = "tensor" }:step(values, function() return 0, { g } end)
  h.close(values[1], g * (-0.5 / g:abs():mean()), 1e-6)
end

function T.test_no_gradient_changes_nothing()
  for _, name in ipairs { "normalised", "sgd", "adam", "lbfgs" } do
    local values = { sb.ones(1, 1, 2, 2) }
    sb.optim[name] {}:step(values, function() return 1, { sb.zeros(1, 1, 2, 2) } end)
    h.close(values[1], sb.ones(1, 1, 2, 2), 0)
  end
end

-- A run of 10 steps, or of 5, its state through a file, and 5 by another optimiser: the same bits.
function T.test_resume_is_exact()
  local path = h.temporary "optimiser.safetensors"
  for name, options in pairs { sgd = { momentum = 0.9, rate = 1e-4 }, adam = { rate = 0.01 },
                               lbfgs = { history = 3 }, normalised = { rate = 0.01 } } do
    local whole, opt = valley_start(), sb.optim[name](options)
    for _ = 1, 10 do opt:step(whole, rosenbrock(whole)) end
    local half = valley_start()
    opt = sb.optim[name](options)
    for _ = 1, 5 do opt:step(half, rosenbrock(half)) end
    local state = opt:state()
    assert(sb.safetensors.save(path, state.tensors))
    opt = sb.optim[name](options)
    opt:restore { tensors = sb.safetensors.load(path), numbers = state.numbers }
    for _ = 1, 5 do opt:step(half, rosenbrock(half)) end
    for i in ipairs(whole) do h.close(half[i], whole[i], 0) end
  end
end

function T.test_values_stay_the_same_tensors()
  for _, name in ipairs { "normalised", "sgd", "adam", "adamw", "lbfgs" } do
    local x = sb.ones(3)
    sb.optim[name] {}:step({ x }, function() return x:dot(x), { x * 2 } end)
    lu.assertTrue(x[1] < 1, name)
  end
end

-- Equal bytes at 1 and 2 threads, over more numbers than one thread takes at a time.
function T.test_threads_do_not_matter()
  local before, results = sb.threads(), {}
  for threads = 1, 2 do
    sb.threads(threads)
    local x = sb.randn(sb.rng(3), 50000)
    local opt = sb.optim.adam { rate = 0.1 }
    for _ = 1, 3 do opt:step({ x }, function() return 0, { x * x } end) end
    results[threads] = x:bytes()
  end
  sb.threads(before)
  lu.assertTrue(results[1] == results[2])
end

function T.test_errors()
  h.error_has(function() return sb.optim.adm end, "no optimiser is called 'adm'; did you mean 'adam'")
  h.error_has(sb.optim.sgd, "unknown option 'momentun'; did you mean 'momentum'?", { momentun = 1 })
  h.error_has(sb.optim.normalised, "unknown per 'pixel'", { per = "pixel" })
  local x = sb.ones(2)
  local opt = sb.optim.sgd {}
  h.error_has(opt.step, "value 1 is 2, its gradient 3", opt, { x }, function() return 0, { sb.ones(3) } end)
  h.error_has(opt.step, "value 1 is 2, its gradient missing", opt, { x }, function() return 0, {} end)
  h.error_has(opt.step, "the loss is a nil", opt, { x }, function() end)
  h.error_has(function() sb.optim.adam { rate = "x" }:step({ x }, function() return 0, { x * 2 } end) end,
    "rate must be a number")
end

function T.test_the_steps_check_their_tensors()
  local core = require("switchback.core").optim
  local settings = { rate = 1, momentum = 0.9, weight_decay = 0, nesterov = false }
  local x, g = sb.ones(3), sb.ones(3)
  h.error_has(core.sgd, "differs from x in shape", x, sb.ones(4), nil, settings)
  h.error_has(core.sgd, "is another's", x, g, x, settings)
  h.error_has(core.sgd, "optim: momentum must be a number", x, g, nil, { rate = 1 })
  h.error_has(core.adam, "is another's", x, g, sb.ones(3), g, {})
  core.sgd(x, g, nil, settings)
  h.close(x, sb.zeros(3), 0)
end

return T
