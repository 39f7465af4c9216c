-- maxpool, avgpool, their global forms and unpool, against numbers worked out by hand and a naive loop.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local function plane(rows) return sb.tensor { { rows } } end

-- The definition of max pooling for one plane, as loops; nil where a window lies in the padding alone.
-- The first of equal values wins, and the first NaN over everything.
local function naive_max(x, config)
  local s = config.stride
  local height, width = #x, #x[1]
  return function(oy, ox)
    local best, where
    for i = 0, config.kernel - 1 do
      for j = 0, config.kernel - 1 do
        local r, c = oy * s - config.pad + i * config.dilation, ox * s - config.pad + j * config.dilation
        if r >= 0 and r < height and c >= 0 and c < width then
          local v = x[r + 1][c + 1]
          if not best or v > best or (v ~= v and best == best) then best, where = v, r * width + c + 1 end
        end
      end
    end
    return best, where
  end
end

function T.test_maxpool_against_loops()
  local rng = sb.rng(1)
  for n = 1, 60 do
    local config = { kernel = rng:integer(1, 4), stride = rng:integer(1, 5), dilation = rng:integer(1, 2) }
    config.pad, config.ceil_mode = rng:integer(0, config.kernel - 1), rng:integer(0, 1) == 1
    local x = sb.tensor(rng:permutation(13 * 18)):reshape(1, 1, 13, 18) // 3 -- some values tie
    local y, tape = sb.layer.maxpool(config):forward(x)
    local naive, size = naive_max(x[1][1]:totable(), config), y:size()
    for oy = 1, size[3] do
      for ox = 1, size[4] do
        local best, where = naive(oy - 1, ox - 1)
        local at = { 1, 1, oy, ox }
        lu.assertEquals({ y[at], tape.switches[at] }, { best or -math.huge, where or 0 }, n)
      end
    end
  end
end

-- Large enough for several strips of rows, with values that beat comparisons: -inf, inf, NaN, both zeros.
local function check_against_loops(rng, config, height, width)
  local x = sb.tensor(rng:permutation(2 * height * width)):reshape(1, 2, height, width) // 3
  local odd = { -math.huge, math.huge, 0 / 0, -0.0, 0.0 }
  for i = 1, 2 * height * width, rng:integer(1, 9) do x:reshape(-1)[i] = odd[rng:integer(1, #odd)] end
  local layer = sb.layer.maxpool(config)
  local y, tape = layer:forward(x)
  local alone = layer:forward(x, { tape = false })
  local rows, switches, plain = y[1][2]:totable(), tape.switches[1][2]:totable(), alone[1][2]:totable()
  local naive = naive_max(x[1][2]:totable(), config)
  for oy, row in ipairs(rows) do
    for ox, got in ipairs(row) do
      local best, where = naive(oy - 1, ox - 1)
      if best ~= best then best, got, plain[oy][ox] = "nan", got ~= got and "nan", "nan" end
      local value = best or -math.huge
      lu.assertEquals({ got, plain[oy][ox], switches[oy][ox] }, { value, value, where or 0 })
    end
  end
end

function T.test_maxpool_of_large_planes_and_odd_values()
  local rng = sb.rng(2)
  for _ = 1, 12 do
    local config = { kernel = rng:integer(1, 5), stride = rng:integer(1, 3), dilation = rng:integer(1, 2),
                     ceil_mode = rng:integer(0, 1) == 1 }
    config.pad = rng:integer(0, config.kernel - 1)
    check_against_loops(rng, config, rng:integer(60, 80), rng:integer(50, 130))
  end
end

-- Windows that reach further than strips allow are pooled by the definition.
function T.test_maxpool_of_wide_windows()
  check_against_loops(sb.rng(3), { kernel = 34, stride = 9, dilation = 2, pad = 5 }, 80, 75)
  check_against_loops(sb.rng(4), { kernel = 2, stride = 1, dilation = 70, pad = 9 }, 80, 75)
end

function T.test_maxpool_of_minus_infinity_and_nan()
  local inf, nan = math.huge, 0 / 0
  local x = plane { { -inf, -inf, 1, nan }, { -inf, -inf, nan, 2 } }
  local y, tape = sb.layer.maxpool { kernel = 2 }:forward(x)
  lu.assertEquals(y[{ 1, 1, 1, 1 }], -inf)
  lu.assertNotEquals(y[{ 1, 1, 1, 2 }], y[{ 1, 1, 1, 2 }])
  h.close(tape.switches:reshape(-1), sb.tensor { 1, 4 }, 0)
end

function T.test_overlapping_windows_sum_or_overwrite()
  local layer = sb.layer.maxpool { kernel = { 1, 2 }, stride = 1 }
  local _, tape = layer:forward(plane { { 1, 9, 2 } })
  local dy = plane { { 3, 4 } }
  h.close(layer:backward(tape, dy):reshape(-1), sb.tensor { 0, 7, 0 }, 0)
  h.close(layer:backward(tape, dy, { overlap = "overwrite" }):reshape(-1), sb.tensor { 0, 4, 0 }, 0)
end

-- Along one axis: extents of 5 and 6 pooled by 3 with step 2; the last window of ceil mode starts inside.
function T.test_output_sizes()
  local function extents(config, n)
    local s = sb.layer.maxpool(config):infer { 1, 1, n, n }
    return s[3]
  end
  lu.assertEquals(extents({ kernel = 3, stride = 2 }, 6), 2)
  lu.assertEquals(extents({ kernel = 3, stride = 2, ceil_mode = true }, 6), 3)
  lu.assertEquals(extents({ kernel = 2, stride = 3, ceil_mode = true }, 6), 2) -- a third would start outside
  lu.assertEquals(extents({ kernel = 3, stride = 2, ceil_mode = true }, 2), 1)
  lu.assertEquals(extents({ kernel = 3, stride = 2, pad = 1, ceil_mode = true }, 112), 57)
  h.error_has(extents, "maxpool: a window of 3x3 does not fit the input 1x1x2x2",
    { kernel = 3, stride = 2 }, 2)
end

function T.test_padding_stays_below_the_window()
  local layer = sb.layer.avgpool { kernel = 2, pad = 2 }
  h.error_has(layer.forward, "avgpool: padding 2,2,2,2 must be smaller than the window of 2x2", layer,
    sb.zeros(1, 1, 5, 5))
end

-- Over ones, a value is the number of cells inside divided by the divisor: declared padding counts, what
-- ceil mode adds beyond it does not.
function T.test_avgpool_divisors()
  local x = sb.ones(1, 1, 1, 4)
  local function pool(config)
    config.kernel = { 1, 3 }
    return sb.layer.avgpool(config):forward(x):reshape(-1)
  end
  h.close(pool { stride = { 1, 2 }, pad = { 0, 1 } }, sb.tensor { 2 / 3, 1 }, 1e-6)
  h.close(pool { stride = { 1, 2 }, pad = { 0, 1 }, count_include_pad = false }, sb.ones(2), 1e-6)
  h.close(pool { stride = { 1, 2 }, ceil_mode = true }, sb.tensor { 1, 1 }, 1e-6)
  local both = pool { stride = { 1, 2 }, pad = { 0, 1 }, ceil_mode = true }
  h.close(both, sb.tensor { 2 / 3, 1, 1 / 2 }, 1e-6)
end

function T.test_global_pools()
  local x = plane { { 1, 7, 2 }, { 7, 0, 1 } }
  lu.assertEquals(sb.layer.global_avgpool():forward(x):totable(), { { { { 3 } } } })
  local layer = sb.layer.global_maxpool()
  local y, tape = layer:forward(x)
  lu.assertEquals({ y:item(), tape.switches:item() }, { 7, 2 })
  h.close(layer:backward(tape, plane { { 5 } }):reshape(-1), sb.tensor { 0, 5, 0, 0, 0, 0 }, 0)
  lu.assertNil(layer:window())
end

function T.test_planes_too_large_for_switches_are_refused()
  local layer = sb.layer.maxpool { kernel = 2 }
  h.error_has(layer.infer, "too large for float32 switches", layer, { 1, 1, 4096, 4096 })
end

function T.test_unpool_overwrites_as_torch()
  local layer = sb.layer.unpool { size = { 1, 3 }, overlap = "overwrite" }
  local y, tape = layer:forward(plane { { 3, 4 } }, plane { { 2, 2 } })
  h.close(y:reshape(-1), sb.tensor { 0, 4, 0 }, 0)
  h.close(layer:backward(tape, plane { { 1, 10, 100 } }):reshape(-1), sb.tensor { 0, 10 }, 0)
  local sum = sb.layer.unpool { size = { 1, 3 } }
  y, tape = sum:forward(plane { { 3, 4 } }, plane { { 2, 2 } })
  h.close(y:reshape(-1), sb.tensor { 0, 7, 0 }, 0)
  h.close(sum:backward(tape, plane { { 1, 10, 100 } }):reshape(-1), sb.tensor { 10, 10 }, 0)
end

function T.test_unpool_finds_the_size_from_the_pooling()
  local function size(config) return (sb.layer.unpool(config):infer({ 1, 1, 4, 5 }, { 1, 1, 4, 5 })) end
  lu.assertEquals(size { kernel = 2 }, { 1, 1, 8, 10 })
  lu.assertEquals(size { kernel = 3, stride = 2, pad = 1 }, { 1, 1, 7, 9 })
  lu.assertEquals(size { size = { 9, 11 }, kernel = 2 }, { 1, 1, 9, 11 })
  h.error_has(size, "unpool: give size, or the pooling's kernel", {})
end

return T
