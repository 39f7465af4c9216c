-- add, sub, mul, div, pow, maximum, minimum: NumPy broadcasting forward, sums over it on the way back.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local A = sb.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
local ROW = sb.tensor { 10, 20, 40 }
local COLUMN = sb.tensor { { 2 }, { 4 } }

local function run(name, ...) return (sb.layer[name] {}:forward(...)) end

local function gradients(name, dy, ...)
  local layer = sb.layer[name] {}
  local _, tape = layer:forward(...)
  return layer:backward(tape, dy)
end

function T.test_values()
  h.close(run("add", A, ROW), sb.tensor { { 11, 22, 43 }, { 14, 25, 46 } }, 0)
  h.close(run("sub", A, COLUMN), sb.tensor { { -1, 0, 1 }, { 0, 1, 2 } }, 0)
  h.close(run("mul", ROW, COLUMN), sb.tensor { { 20, 40, 80 }, { 40, 80, 160 } }, 0)
  h.close(run("div", ROW, COLUMN), sb.tensor { { 5, 10, 20 }, { 2.5, 5, 10 } }, 0)
  h.close(run("pow", A, sb.tensor { 2 }), sb.tensor { { 1, 4, 9 }, { 16, 25, 36 } }, 0)
  h.close(run("maximum", A, COLUMN), sb.tensor { { 2, 2, 3 }, { 4, 5, 6 } }, 0)
  h.close(run("minimum", A, COLUMN), sb.tensor { { 1, 2, 2 }, { 4, 4, 4 } }, 0)
end

function T.test_backward_sums_over_what_was_stretched()
  local dy = sb.tensor { { 1, 2, 3 }, { 10, 20, 30 } }
  local da, drow = gradients("add", dy, A, ROW)
  h.close(da, dy, 0)
  h.close(drow, sb.tensor { 11, 22, 33 }, 0)
  local drow2, dcolumn = gradients("mul", dy, ROW, COLUMN)
  h.close(drow2, sb.tensor { 2 + 40, 4 + 80, 6 + 120 }, 0)
  h.close(dcolumn, sb.tensor { { 10 + 40 + 120 }, { 100 + 400 + 1200 } }, 0)
  local _, dscalar = gradients("sub", dy, A, sb.tensor { 1 }:reshape {})
  lu.assertEquals(dscalar:size(), {})
  lu.assertEquals(dscalar:sum(), -66)
end

-- Two stretched dimensions that are no neighbours: a bias of channels over a batch of images.
function T.test_a_bias_over_a_batch_of_images()
  local rng = sb.rng(5)
  local x, bias = sb.randn(rng, 3, 4, 5, 6), sb.randn(rng, 4, 1, 1)
  local dy = sb.randn(rng, 3, 4, 5, 6)
  local _, dbias = gradients("add", dy, x, bias)
  lu.assertEquals(dbias:size(), { 4, 1, 1 })
  h.close(dbias:reshape(4), dy:sum { 1, 3, 4 }, 1e-6)
end

function T.test_add_takes_any_number_of_inputs()
  local one, three = sb.tensor { 1, 2 }, sb.tensor { { 1 }, { 2 }, { 3 } }
  h.close(run("add", one), one, 0)
  h.close(run("add", one, one, three, one), sb.tensor { { 4, 7 }, { 5, 8 }, { 6, 9 } }, 0)
  local d1, d2, d3 = gradients("add", sb.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }, one, one, three)
  h.close(d1, sb.tensor { 9, 12 }, 0)
  h.close(d2, d1, 0)
  h.close(d3, sb.tensor { { 3 }, { 7 }, { 11 } }, 0)
  local many = {}
  for i = 1, 65 do many[i] = one end
  h.close(run("add", table.unpack(many, 1, 64)), one * 64, 0)
  h.error_has(run, "add:", "add", table.unpack(many))
end

function T.test_the_same_tensor_twice()
  local layer = sb.layer.mul {}
  local y, tape = layer:forward(A, A)
  h.close(y, A * A, 0)
  local d1, d2 = layer:backward(tape, A)
  h.close(d1 + d2, A * A * 2, 0)
end

function T.test_equal_inputs_of_maximum_share_the_gradient()
  local a, b, c = sb.tensor { 1, 5, 2 }, sb.tensor { 1, 5, 3 }, sb.tensor { 0, 5, 3 }
  local dy = sb.tensor { 2, 6, 4 }
  for name, sign in pairs { maximum = 1, minimum = -1 } do
    local da, db, dc = gradients(name, dy, a * sign, b * sign, c * sign)
    h.close(da, sb.tensor { 1, 2, 0 }, 0)
    h.close(db, sb.tensor { 1, 2, 2 }, 0)
    h.close(dc, sb.tensor { 0, 2, 2 }, 0)
  end
end

function T.test_maximum_shows_a_nan()
  local nan = 0 / 0
  for _, name in ipairs { "maximum", "minimum" } do
    lu.assertEquals(run(name, sb.tensor { nan, 1 }, sb.tensor { 1, nan }):isnan():sum(), 2)
  end
end

-- x^0 is 1 with slope 0 everywhere; 0^2 has slope 0, not 0 * log 0.
function T.test_pow_at_the_corners()
  local x, p = sb.tensor { 0, 0, 3, -2 }, sb.tensor { 0, 2, 0, 3 }
  h.close(run("pow", x, p), sb.tensor { 1, 0, 1, -8 }, 0)
  local dx, dp = gradients("pow", sb.tensor { 1, 1, 1, 1 }, x, p)
  h.close(dx, sb.tensor { 0, 0, 0, 12 }, 1e-6)
  h.close(dp:narrow(1, 1, 3), sb.tensor { 0, 0, math.log(3) }, 1e-6)
end

function T.test_shapes_that_do_not_fit_are_named()
  h.error_has(run, "add: cannot broadcast 2x3 and 4x3", "add", A, sb.zeros(4, 3))
  h.error_has(run, "div: cannot broadcast 2x3 and 2", "div", A, sb.zeros(2))
  h.error_has(run, "maximum: cannot broadcast 4x3 and 2x3", "maximum", sb.zeros(4, 3), ROW, A)
  h.error_has(run, "add: the result 1048576x1048576 is too large", "add", sb.zeros(1048576, 1),
    sb.zeros(1048576))
  h.error_has(run, "mul:", "mul", A)
end

function T.test_broadcasting_into_nothing()
  local layer = sb.layer.mul {}
  local y, tape = layer:forward(sb.zeros(0, 3), ROW)
  lu.assertEquals(y:size(), { 0, 3 })
  local dx, drow = layer:backward(tape, y)
  lu.assertEquals(dx:size(), { 0, 3 })
  h.close(drow, sb.zeros(3), 0)
end

return T
