-- Convolution, unpooling and Gram matrices as plain functions of tensors; each also is, or is made of, a
-- layer, which is what to use when a gradient is wanted.
local core = require "switchback.core"
local merged = require "switchback.merged"

local primitives = {}

local function run(name, config, x, indices)
  local layer = core.layer[name](config)
  if indices then return layer:forward(x, indices, { tape = false }) end
  return layer:forward(x, { tape = false })
end

-- The configuration of a convolution with weight w: options' own fields are checked by the layer.
local function with_weight(w, options)
  local config = merged(options)
  config.weight, config.bias = w, config.bias or false
  return config
end

-- y = conv2d(x, w [, options]): cross-correlation, y[n,o] = bias[o] + sum over c of x[n,c] * w[o,c].
-- x (N,C,H,W), w (O,C/groups,kh,kw) --> y (N,O,OH,OW),
-- OH = floor((H + pads - dilation*(kh-1) - 1) / stride) + 1.
-- options: bias = tensor (O); stride = 1, dilation = 1 (k or {h, w}); pad = 0 (k, {h, w} or {top, left,
-- bottom, right}), groups = 1. Raises, with both shapes, when x and w do not go together.
function primitives.conv2d(x, w, options) return run("conv2d", with_weight(w, options), x) end

-- x = conv2d_transpose(y, w [, options]): the adjoint of conv2d in its input (Zeiler et al. 2011;
-- Dumoulin & Visin 2016, chapter 4): what "deconvolution" means in networks.
-- y (N,I,H,W), w (I,O/groups,kh,kw) --> x (N,O,OH,OW),
-- OH = (H-1)*stride - pads + dilation*(kh-1) + 1 + output_pad.
-- options: as conv2d's, bias = tensor (O), and output_pad = 0 (k or {h, w}): rows and columns that the
-- convolution from x to y would have dropped. Raises as conv2d does.
function primitives.conv2d_transpose(y, w, options)
  return run("conv2d_transpose", with_weight(w, options), y)
end

-- x = unpool(y, switches [, size]): zeros of `size`, with each value of y (N,C,H,W) at its switch: the
-- 1-based flat index in its plane that maxpool recorded in tape.switches (Zeiler & Fergus 2013). 0 puts it
-- nowhere; values at the same switch add. size: {h, w}; default: of pooling by 2 without overlap, {2H, 2W}.
-- Raises when shapes differ or a switch lies outside the plane.
function primitives.unpool(y, switches, size)
  return run("unpool", size and { size = size } or { kernel = 2 }, y, switches)
end

-- G = gram(features [, options]): the inner products of channels, G = F F^T with F the (C, H*W) matrix of
-- one image (Gatys et al. 2016, eq. 3). (C,H,W) --> (C,C); (N,C,H,W) --> (N,C,C).
-- options: normalise = false (true: divide by H*W). Raises for other ranks.
function primitives.gram(features, options)
  if features:dim() == 3 then return run("gram", options or {}, features:unsqueeze(1)):select(1, 1) end
  return run("gram", options or {}, features)
end

local CONV_MATRIX_OPTIONS = { stride = 1, pad = 0, dilation = 1 }

local function conv_matrix_options(options)
  local o = {}
  for key, fallback in pairs(CONV_MATRIX_OPTIONS) do o[key] = fallback end
  for key, value in pairs(options or {}) do
    if not CONV_MATRIX_OPTIONS[key] then
      error(("conv_matrix: unknown option '%s' (known: dilation, pad, stride)"):format(tostring(key)), 3)
    elseif math.type(value) ~= "integer" or value < (key == "pad" and 0 or 1) then
      error(("conv_matrix: %s cannot be %s"):format(key, tostring(value)), 3)
    end
    o[key] = value
  end
  return o
end

-- M = conv_matrix(w, n [, options]): the matrix of a 1-D convolution (cross-correlation) with kernel w (k)
-- over a signal of length n: M:matmul(x) is the convolution of x, and M:transpose():matmul(y) the transposed
-- convolution of y (Dumoulin & Visin 2016, section 4.1). M is (out, n), out = floor((n + 2 pad -
-- dilation*(k-1) - 1) / stride) + 1. options: stride = 1, pad = 0 (on both sides), dilation = 1.
-- Raises when w is no vector or nothing fits.
function primitives.conv_matrix(w, n, options)
  local o, size = conv_matrix_options(options), w:size()
  if #size ~= 1 then error("conv_matrix: the kernel must be a vector, got " .. table.concat(size, "x"), 2) end
  local k = size[1]
  local out = (n + 2 * o.pad - o.dilation * (k - 1) - 1) // o.stride + 1
  if out < 1 then error(("conv_matrix: a kernel of %d does not fit a signal of %d"):format(k, n), 2) end
  local m = core.tensor.zeros(out, n)
  for row = 1, out do
    for tap = 1, k do
      local column = (row - 1) * o.stride - o.pad + (tap - 1) * o.dilation + 1
      if column >= 1 and column <= n then m[{ row, column }] = w[tap] end
    end
  end
  return m
end

return primitives
