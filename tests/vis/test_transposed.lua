-- Transposed convolution by example, against matrices written out by loops.
local cjson = require "cjson"
local h = require "helper"
local lu = require "luaunit"
local sb = require "switchback"
local sheet = require "switchback.transposed_sheet"

local T = {}

-- Each configuration: length of the signal, kernel, stride, pad.
local CASES <const> = { { 9, { 1, 2, 1 }, 2, 0 }, { 7, { 1, -2, 3 }, 1, 0 }, { 8, { 2, 1, 4, -1 }, 3, 2 },
                        { 10, { 1, 3 }, 2, 1 } }

local function signal(n)
  local list = {}
  for i = 1, n do list[i] = (i * 7) % 5 - 1 end
  return list
end

-- C^T C x by the definition: y[i] = sum over k of w[k] x[i stride + k - pad], each spread back the same way.
local function there_and_back(x, w, stride, pad)
  local m, y, back = (#x + 2 * pad - #w) // stride + 1, {}, {}
  for i = 1, #x do back[i] = 0 end
  for i = 1, m do
    y[i] = 0
    for k = 1, #w do y[i] = y[i] + w[k] * (x[(i - 1) * stride + k - pad] or 0) end
  end
  for i = 1, m do
    for k = 1, #w do
      local at = (i - 1) * stride + k - pad
      if back[at] then back[at] = back[at] + w[k] * y[i] end
    end
  end
  return y, back
end

function T.test_the_line_is_the_definition()
  for _, case in ipairs(CASES) do
    local n, w, stride, pad = table.unpack(case)
    local line = sb.vis.transposed(nil, nil, { signal = signal(n), kernel = w, stride = stride,
      pad = pad }).line
    local y, back = there_and_back(signal(n), w, stride, pad)
    h.close(line.answer, sb.tensor(y), 1e-5)
    h.close(line.back, sb.tensor(back), 1e-5)
  end
end

-- The layer's transposed convolution of a signal, as a picture of one row, is the product with C^T.
function T.test_the_layer_is_the_transposed_matrix()
  for _, case in ipairs(CASES) do
    local n, w, stride, pad = table.unpack(case)
    local c = sb.conv_matrix(sb.tensor(w), n, { stride = stride, pad = pad })
    local y = sb.randn(sb.rng(3), c:size(1))
    local left = (n + 2 * pad - #w) % stride
    local back = sb.conv2d_transpose(y:reshape(1, 1, 1, -1), sb.tensor(w):reshape(1, 1, 1, #w),
      { stride = { 1, stride }, pad = { 0, pad }, output_pad = { 0, left } })
    h.close(back:reshape(-1), c:transpose():matmul(y), 1e-5)
  end
end

-- In 2-D by a dense matrix: its columns are the convolutions of pictures with one bright pixel.
function T.test_the_plane_is_a_transposed_matrix_too()
  for _, case in ipairs(CASES) do
    local _, w, stride, pad = table.unpack(case)
    local plane = sb.vis.transposed(nil, nil, { kernel = w, stride = stride, pad = pad, side = 9 }).plane
    local kernel, columns = plane.kernel:unsqueeze(1):unsqueeze(1), {}
    for i = 1, 81 do
      local dot = sb.zeros(81)
      dot[i] = 1
      columns[i] = sb.conv2d(dot:reshape(1, 1, 9, 9), kernel, { stride = stride, pad = pad }):reshape(-1)
    end
    local c = sb.stack(columns, 2)
    h.close(c:matmul(plane.picture:reshape(-1)), plane.answer:reshape(-1), 1e-4)
    h.close(c:transpose():matmul(plane.answer:reshape(-1)), plane.back:reshape(-1), 1e-3)
    lu.assertEquals(plane.back:size(), { 9, 9 })
    lu.assertTrue((plane.back - plane.picture):abs():max() > 0.1) -- the shape, not the values
  end
end

-- The convolution with zeros between, convolved with the turned kernel, is the transposed convolution.
function T.test_zeros_between_and_an_ordinary_convolution_do_the_same()
  local plane = sb.vis.transposed(nil, nil, { kernel = { 1, 2, 4 }, side = 9 }).plane
  local turned = sb.image.rotate(plane.kernel:unsqueeze(1), 180)
  local back = sb.conv2d(plane.spread:unsqueeze(1):unsqueeze(1), turned:unsqueeze(1), { pad = 2 })
  h.close(back[1][1], plane.back, 1e-3)
end

function T.test_windows_over_each_pixel()
  local overlap = sb.vis.transposed(nil, nil, { side = 5 }).plane.overlap
  h.close(overlap, sb.tensor { { 1, 1, 2, 1, 1 }, { 1, 1, 2, 1, 1 }, { 2, 2, 4, 2, 2 }, { 1, 1, 2, 1, 1 },
                               { 1, 1, 2, 1, 1 } }, 1e-6)
end

function T.test_a_photo_and_its_picture()
  local photo = sb.rand(sb.rng(2), 3, 30, 40)
  local found = sb.vis.transposed(nil, photo, { side = 15 })
  lu.assertEquals({ found.plane.picture:size(), found.plane.answer:size() }, { { 15, 15 }, { 7, 7 } })
  lu.assertEquals(sheet.draw(found, 2):size(1), 3)
end

function T.test_mistakes()
  h.error_has(sb.vis.transposed, "a kernel of 3 does not fit a signal of 2", nil, nil, { signal = { 1, 2 } })
  h.error_has(sb.vis.transposed, "stride", nil, nil, { stride = 0 })
  h.error_has(sb.vis.transposed, "unknown option 'strid'", nil, nil, { strid = 2 })
end

function T.test_the_recipe()
  local out = h.temporary "transposed.png"
  local text, status = h.shell(("%s transposed --signal 1,2,3,4,5 --kernel 1,1 --stride 1 --out %s --json")
    :format(h.host, out))
  lu.assertEquals(status, 0, text)
  local result = cjson.decode(text)
  lu.assertEquals(result.answer, { 3, 5, 7, 9 })
  lu.assertEquals(result.back, { 3, 8, 12, 16, 9 })
  lu.assertEquals(assert(sb.image.load(out)):size(1), 3)
end

return T
