-- permute: element by element against the definition, for every order of four dimensions.
local lu = require "luaunit"
local sb = require "switchback"
local h = require "helper"

local T = {}

local function orders(n)
  if n == 0 then return { {} } end
  local out = {}
  for _, shorter in ipairs(orders(n - 1)) do
    for at = 1, n do
      local order = table.move(shorter, 1, #shorter, 1, {})
      table.insert(order, at, n)
      out[#out + 1] = order
    end
  end
  return out
end

-- y[i_1, i_2, ...] = x[j_1, j_2, ...] with j[order[d]] = i[d].
local function naive(x, order)
  local size, to = x:size(), {}
  for d, from in ipairs(order) do to[d] = size[from] end
  local y = sb.zeros(to)
  for k = 0, x:count() - 1 do
    local i, j, rest = {}, {}, k
    for d = #to, 1, -1 do i[d], rest = rest % to[d] + 1, rest // to[d] end
    for d, from in ipairs(order) do j[from] = i[d] end
    y[i] = x[j]
  end
  return y
end

function T.test_every_order_and_its_inverse()
  local x = sb.randn(sb.rng(1), 2, 3, 4, 5)
  for _, order in ipairs(orders(4)) do
    local layer = sb.layer.permute { order = order }
    local y, tape = layer:forward(x)
    h.close(y, naive(x, order), 0)
    h.close(layer:backward(tape, y), x, 0)
  end
end

function T.test_without_an_order_dimensions_are_reversed()
  local x = sb.randn(sb.rng(1), 2, 3, 4)
  h.close(sb.layer.permute {}:forward(x), naive(x, { 3, 2, 1 }), 0)
  h.close(sb.layer.permute { order = { -1, 1, -2 } }:forward(x), naive(x, { 3, 1, 2 }), 0)
end

function T.test_mistakes_are_named()
  local function refuse(text, order)
    h.error_has(function() sb.layer.permute { order = order }:forward(sb.zeros(2, 3)) end, text)
  end
  refuse("permute: order names 3 dimensions, the input is 2x3", { 1, 2, 3 })
  refuse("permute: axis 2 is named twice", { 2, 2 })
  refuse("permute: axis 3 is out of range for the input 2x3", { 3, 1 })
end

function T.test_windows()
  lu.assertEquals(sb.layer.permute { order = { 2, 1, 3, 4 } }:window().extent, { 1, 1 })
  lu.assertNil(sb.layer.permute { order = { 1, 3, 4, 2 } }:window())
end

return T
