-- The ways to convolve that pack their weights, each over random shapes against the definition, summed in
-- double by plain loops ("direct"): forward, as the adjoint that goes back to the input, and with each set of
-- vector instructions. And so the gradient of the weights.
local lu = require "luaunit"
local sb = require "switchback"
local conv = require("switchback.core").conv
local h = require "helper"

local T = {}

-- Relative L2. Sums in double leave the rounding of the result, and here that of the bias. Sums in float32 of
-- some hundred products stay within 1e-6 of the norm. The transforms of F(2x2) only add, which loses about a
-- bit; those of F(4x4) lose two (measured: 1.1e-6).
local TOLERANCE = { panels = 1e-6, shifts = 1e-6, phases = 1e-6, col2im = 1e-6, gradient = 1e-6,
  winograd2 = 1e-6, winograd4 = 3e-6, exact = 1.2e-7 }

local CASES = 150
-- Products of a case at most: the oracle is slow.
local LARGEST = 1.2e6

-- ---- Random shapes -------------------------------------------------------------------------------

local function pick(rng, list) return list[rng:integer(#list)] end

-- {n, in, h, w, out, kernel =, stride =, pad =, dilation =, groups =}; a third each of all shapes, of 3x3 at
-- stride 1 and of 1x1, for which there are ways of their own.
local KINDS = {
  function(rng)
    local k = { rng:integer(7), rng:integer(7) }
    return { kernel = k, stride = { rng:integer(4), rng:integer(4) },
      dilation = { rng:integer(2), rng:integer(2) },
      pad = { rng:integer(0, k[1]), rng:integer(0, k[2]), rng:integer(0, k[1]), rng:integer(0, k[2]) } }
  end,
  function(rng)
    return { kernel = { 3, 3 }, stride = { 1, 1 }, dilation = { 1, 1 },
      pad = { rng:integer(0, 2), rng:integer(0, 2), rng:integer(0, 2), rng:integer(0, 2) } }
  end,
  function() return { kernel = { 1, 1 }, stride = { 1, 1 }, dilation = { 1, 1 }, pad = { 0, 0, 0, 0 } } end,
}

local MAPS = { { 1, 1 }, { 1, 37 }, { 7, 7 }, { 14, 14 }, { 13, 1 }, { 28, 30 } }

local function random_case(rng, kind)
  local case = KINDS[kind](rng)
  local map = rng:uniform() < 0.5 and pick(rng, MAPS) or { rng:integer(40), rng:integer(60) }
  local groups = pick(rng, { 1, 1, 1, 2, 3 })
  local ins, outs = pick(rng, { 1, 2, 3, 8, 17, 33 }), pick(rng, { 1, 3, 4, 8, 9, 20, 66 })
  case.groups = { groups }
  table.move({ rng:integer(3), groups * ins, map[1], map[2], groups * outs }, 1, 5, 1, case)
  return case
end

local function extent(case, axis)
  local window = (case.kernel[axis] - 1) * case.dilation[axis] + 1
  return (case[2 + axis] + case.pad[axis] + case.pad[axis + 2] - window) // case.stride[axis] + 1
end

local function is_small(case)
  local oh, ow = extent(case, 1), extent(case, 2)
  if oh < 1 or ow < 1 then return false end
  local filters = case[2] * case[5] // case.groups[1]
  return case[1] * filters * case.kernel[1] * case.kernel[2] * oh * ow <= LARGEST
end

-- Beyond the sizes at which work is cut (bands of rows, blocks of depth), large kernels and strides.
local CUTS = {
  { 8, 33, 100, 100, 1, kernel = { 1, 2 } },
  { 1, 300, 7, 7, 9, kernel = { 3, 3 }, pad = { 1, 1, 1, 1 } },
  { 1, 300, 7, 7, 20, kernel = { 1, 1 } },
  { 1, 9, 40, 40, 9, kernel = { 7, 7 }, stride = { 4, 4 } },
  { 1, 1, 40, 41, 3, kernel = { 34, 33 } },
  { 1, 2, 90, 85, 3, kernel = { 3, 5 }, stride = { 40, 37 }, pad = { 1, 2, 1, 2 } },
  { 2, 3, 6, 5, 4, kernel = { 2, 3 }, stride = { 1, 1000 } },
}

local function cases()
  local list, rng = {}, sb.rng(3)
  for i, cut in ipairs(CUTS) do
    list[i] = { table.unpack(cut) }
    for key, default in pairs { kernel = {}, stride = { 1, 1 }, pad = { 0, 0, 0, 0 }, dilation = { 1, 1 },
      groups = { 1 } } do list[i][key] = cut[key] or default end
  end
  while #list < CASES do
    local case = random_case(rng, #list % #KINDS + 1)
    if is_small(case) then list[#list + 1] = case end
  end
  return list
end

-- ---- Comparing -----------------------------------------------------------------------------------

local function name_of(way, case)
  local geometry = {}
  for _, key in ipairs { "kernel", "stride", "pad", "dilation", "groups" } do
    geometry[#geometry + 1] = key .. " " .. table.concat(case[key], ",")
  end
  return ("%s over %s (%s)"):format(way, table.concat(case, ","), table.concat(geometry, "; "))
end

-- A random choice of what happens to the result, and the same by tensor arithmetic.
local function random_finish(rng, shape)
  return { bias = rng:uniform() < 0.5 and sb.randn(rng, shape[2]) or nil, relu = rng:uniform() < 0.5,
    mask = rng:uniform() < 0.5 and sb.randn(rng, table.unpack(shape)) or nil }
end

local function finished(y, finish)
  if finish.bias then y = y + finish.bias:reshape(1, -1, 1, 1) end
  if finish.relu then y = y:clamp(0, math.huge) end
  if finish.mask then y = y * finish.mask:gt(0) end
  return y
end

-- What run() answers, alike with 1, 2 and 3 threads; nil if the way cannot go.
local function same_at_any_thread_count(what, run)
  local threads, results = sb.threads(), {}
  for n = 1, 3 do
    sb.threads(n)
    results[n] = run()
  end
  sb.threads(threads)
  if not results[1] then return nil end
  lu.assertTrue(results[1]:close(results[2], 0) and results[1]:close(results[3], 0), what .. ": threads show")
  return results[1]
end

-- Compares all ways with `result` by calling run(way, finish); answers the names of those that went. Errors
-- are relative to the result before it is finished: of one that is mostly negative, little stays.
local function compare(case, rng, result, run, ran)
  local finish = random_finish(rng, result:size())
  local want, norm = finished(result, finish), math.max(result:norm(), 1e-30)
  for _, way in ipairs(conv.fasts()) do
    local what = name_of(way, case)
    local got = same_at_any_thread_count(what, function() return run(way, finish) end)
    if got then
      ran[way] = (ran[way] or 0) + 1
      local miss = (got - want):norm() / norm
      lu.assertTrue(miss <= TOLERANCE[way], ("%s: relative L2 %g"):format(what, miss))
    end
  end
end

-- Numbers around 0, rectified, or far from 0.
local SPREADS = {
  function(t) return t end,
  function(t) return t:clamp(0, math.huge) end,
  function(t) return t + 3 end,
}

local function spread(rng, ...) return pick(rng, SPREADS)(sb.randn(rng, ...)) end

local function tensors(case, rng)
  local x = spread(rng, table.unpack(case, 1, 4))
  return x, sb.randn(rng, case[5], case[2] // case.groups[1], table.unpack(case.kernel))
end

-- Every way ran; only some can go forward.
local function assert_ran(ran, ways)
  for _, way in ipairs(ways) do lu.assertTrue((ran[way] or 0) >= 20, way .. " ran too seldom") end
end

-- ---- The tests -----------------------------------------------------------------------------------

function T.test_forward()
  local ran = {}
  for i, case in ipairs(cases()) do
    local rng = sb.rng(i)
    local x, w = tensors(case, rng)
    compare(case, rng, conv.forward("direct", x, w, nil, case),
      function(way, finish) return conv.fast_forward(way, x, w, case, finish) end, ran)
  end
  assert_ran(ran, { "winograd4", "winograd2", "panels", "shifts" })
end

function T.test_backward_to_the_input()
  local ran = {}
  for i, case in ipairs(cases()) do
    local rng = sb.rng(1000 + i)
    local x, w = tensors(case, rng)
    local dy = spread(rng, case[1], case[5], extent(case, 1), extent(case, 2))
    compare(case, rng, conv.backward_input("direct", dy, w, x, case),
      function(way, finish) return conv.fast_backward_input(way, dy, w, x, case, finish) end, ran)
  end
  assert_ran(ran, conv.fasts())
end

-- As in the gradient of one class: 1x1 convolutions leave out what lies outside the channels that are lit.
function T.test_channels_of_zeros()
  local bare = { stride = { 1, 1 }, pad = { 0, 0, 0, 0 }, dilation = { 1, 1 }, kernel = { 1, 1 } }
  for i, lit in ipairs { {}, { 1 }, { 300 }, { 17 }, { 40, 290 } } do
    local groups = i % 2 + 1
    local case = { 2, groups * 300, 9, 11, groups * 12, groups = { groups } }
    setmetatable(case, { __index = bare })
    local rng, chosen = sb.rng(i), sb.zeros(groups * 300)
    for _, channel in ipairs(lit) do chosen[channel] = 1 end
    local x, w = tensors(case, rng)
    x = x * chosen:reshape(1, -1, 1, 1)
    local want = conv.forward("direct", x, w, nil, case)
    local bias = sb.randn(rng, groups * 12)
    local got = conv.fast_forward("panels", x, w, case, { bias = bias })
    lu.assertTrue(h.rel_l2(got, want + bias:reshape(1, -1, 1, 1)) <= 1e-6, table.concat(lit, ", "))
  end
end

-- The gradient of the weights sums over as many positions as the oracle has products a weight.
function T.test_backward_to_the_weights()
  for i, case in ipairs(cases()) do
    local rng = sb.rng(2000 + i)
    local x = tensors(case, rng)
    local dy = spread(rng, case[1], case[5], extent(case, 1), extent(case, 2))
    local got = same_at_any_thread_count(name_of("gradient", case),
      function() return conv.backward_weights("gradient", dy, x, case) end)
    local miss = h.rel_l2(got, conv.backward_weights("direct", dy, x, case))
    lu.assertTrue(miss <= TOLERANCE.gradient, ("%s: relative L2 %g"):format(name_of("gradient", case), miss))
  end
end

-- The whole file again in a process for each lesser instruction set.
function T.test_lesser_instruction_sets()
  local asked = os.getenv "SWITCHBACK_SIMD"
  if asked then
    lu.skipIf(conv.simd() ~= asked, "this machine has no " .. asked)
    return
  end
  for _, simd in ipairs { "avx2", "portable" } do
    local out, status = h.shell(("SWITCHBACK_SIMD=%s %s %s conv_fast"):format(simd, h.host, arg[0]))
    lu.assertEquals(status, 0, simd .. ": " .. out)
  end
end

function T.test_mistakes_are_explained()
  local x, w = sb.zeros(1, 2, 4, 4), sb.zeros(3, 2, 3, 3)
  local case = { kernel = { 3, 3 } }
  h.error_has(conv.fast_forward, "unknown fast algorithm 'magic'", "magic", x, w, case)
  h.error_has(conv.fast_forward, "expected a tensor 3, got 4", "shifts", x, w, case, { bias = sb.zeros(4) })
  h.error_has(conv.fast_forward, "expected a tensor 1x3x2x2", "shifts", x, w, case, { mask = x })
end

return T
