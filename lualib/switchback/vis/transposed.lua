-- Transposed convolution, by example: a convolution is a product with a sparse matrix C; its transpose C^T
-- leads back to the shape of what came in, not to the values (Zeiler et al. 2010 call it deconvolution;
-- Dumoulin & Visin 2016, chapter 4).
local check = require "switchback.check"
local core = require "switchback.core"
local image = require "switchback.image"
local primitives = require "switchback.primitives"

local OPTIONS = { signal = { 0, 0, 4, 4, 0, 2, 6, 2, 0 }, kernel = { 1, 2, 1 }, stride = 2, pad = 0,
                  side = 25 }

-- A ring on black (1,side,side), for want of a photo.
local function ring(side)
  local rows, middle = {}, (side + 1) / 2
  for y = 1, side do
    rows[y] = {}
    for x = 1, side do
      local off = math.abs(math.sqrt((y - middle) ^ 2 + (x - middle) ^ 2) / side - 0.3)
      rows[y][x] = math.max(0, math.min(1, (0.13 - off) * side / 2))
    end
  end
  return core.tensor.tensor(rows):unsqueeze(1)
end

-- What the convolution of n values with k of the kernel drops at the end: the transpose needs to be told.
local function dropped(n, k, o) return (n + 2 * o.pad - k) % o.stride end

local function in_one_dimension(o)
  local x, w = core.tensor.tensor(o.signal), core.tensor.tensor(o.kernel)
  local c = primitives.conv_matrix(w, #o.signal, { stride = o.stride, pad = o.pad })
  local y = c:matmul(x)
  return { signal = x, kernel = w, matrix = c, answer = y, back = c:transpose():matmul(y) }
end

-- Rows and columns of zeros between those of y (1,1,h,w).
local function spread_out(y, stride)
  return primitives.conv2d_transpose(y, core.tensor.ones(1, 1, 1, 1), { stride = stride })
end

local function in_two_dimensions(x, o)
  local k = #o.kernel
  local line = core.tensor.tensor(o.kernel):reshape(k, 1)
  local w = line:matmul(line:transpose()):reshape(1, 1, k, k)
  x = x:unsqueeze(1)
  local geometry = { stride = o.stride, pad = o.pad }
  local y = primitives.conv2d(x, w, geometry)
  geometry.output_pad = { dropped(x:size(3), k, o), dropped(x:size(4), k, o) }
  return { picture = x[1][1], kernel = w[1][1], answer = y[1][1], spread = spread_out(y, o.stride)[1][1],
           back = primitives.conv2d_transpose(y, w, geometry)[1][1],
           overlap = primitives.conv2d_transpose(y * 0 + 1, w * 0 + 1, geometry)[1][1] }
end

-- transposed(nil, image (C,H,W) or nil, options) --> { line =, plane = }:
--   line = { signal (n), kernel (k), matrix = C (m,n), answer = y = C x (m), back = C^T y (n) }
--   plane = { picture (h,w), kernel = the outer product of the other with itself (k,k), answer = its
--     convolution, spread = that with rows and columns of zeros between (stride - 1), back = the transposed
--     convolution of the answer (h,w), overlap (h,w) = how many windows cover each pixel }
-- image: made grey and `side` pixels large; without one a ring. options: signal, kernel: lists;
--   stride = 2, pad = 0;  side = 25 pixels.
-- Raises what conv_matrix and the convolution layers do when nothing fits.
return function(_, photo, options)
  local o = check.options("transposed", options, OPTIONS)
  check.integer("transposed", "stride", o.stride, 1)
  check.integer("transposed", "pad", o.pad, 0)
  local x = photo and image.resize(image.square(image.luminance(image.rgb(photo))), o.side, o.side)
  return { line = in_one_dimension(o), plane = in_two_dimensions(x or ring(o.side), o) }
end
