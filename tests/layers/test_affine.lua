-- affine against the sampler of sb.image, and at its borders.
local lu = require "luaunit"
local h = require "helper"
local sb = require "switchback"

local T = {}

local MAPS = {
  { 1, 0, 0, 1, 0, 0 }, { 0.8, 0.5, -0.4, 1.1, 1.3, -0.7 }, { 3, 0, 0, 3, 0, 0 }, { 0, 1, 1, 0, 9, 9 },
}

function T.test_equals_the_image_sampler()
  local x = sb.rand(sb.rng(2), 2, 3, 7, 9)
  for _, map in ipairs(MAPS) do
    for _, size in ipairs { { 7, 9 }, { 4, 12 } } do
      local layer = sb.layer.affine { map = map, size = size, value = 0.3 }
      local wanted = sb.image.affine(x, map, { fill = 0.3, size = size })
      h.close(layer:forward(x, { tape = false }), wanted, 1e-6)
    end
  end
end

-- Beyond the border a ramp comes back, or stops.
function T.test_borders()
  local x = sb.arange(1, 4):reshape(1, 1, 1, 4)
  local function shifted(dx, border)
    local layer = sb.layer.affine { map = { 1, 0, 0, 1, 0, dx }, border = border, value = -1 }
    return layer:forward(x, { tape = false }):totable()[1][1][1]
  end
  lu.assertEquals(shifted(2, "reflect"), { 3, 4, 3, 2 })
  lu.assertEquals(shifted(-7, "reflect"), { 2, 1, 2, 3 })
  lu.assertEquals(shifted(2.5, "edge"), { 3.5, 4, 4, 4 })
  lu.assertEquals(shifted(1.5, "constant"), { 2.5, 3.5, 1.5, -1 })
end

function T.test_errors()
  h.error_has(sb.layer.affine, "map takes 6 numbers, got 2", { map = { 1, 2 } })
  h.error_has(sb.layer.affine, "number 3 of the map is", { map = { 1, 2, 0 / 0, 1, 1, 1 } })
  local layer = sb.layer.affine { map = MAPS[1] }
  h.error_has(layer.infer, "input 1x1x0x3 has empty planes", layer, { 1, 1, 0, 3 })
end

return T
