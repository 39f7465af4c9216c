-- What a transposed convolution does.
return {
  summary = "transposed convolution by example, in 1-D and 2-D: what undoes a convolution's shape",
  about = "Dumoulin & Visin 2016, chapter 4. A convolution is a product with a matrix C whose rows hold the "
    .. "kernel;\n\"deconvolution\" in networks is the product with C^T: the shape comes back, values do not.",
  options = {
    { "signal", type = "numbers", default = "0,0,4,4,0,2,6,2,0", help = "what is convolved in 1-D" },
    { "kernel", type = "numbers", default = "1,2,1", help = "kernel; in 2-D its outer product with itself" },
    { "stride", type = "integer", min = 1, default = 2, help = "step of the kernel" },
    { "pad", type = "integer", min = 0, default = 0, help = "zeros before and after" },
    { "image", required = false, help = "photo to be convolved in 2-D (default: a ring)" },
    { "size", default = 25, help = "side that the photo is scaled to, in pixels" },
    { "out", default = "transposed.png" },
  },
  run = function(o, report)
    local sb = require "switchback"
    local photo = o.image and assert(sb.image.load(o.image))
    local found = sb.vis.transposed(nil, photo, { signal = o.signal, kernel = o.kernel, stride = o.stride,
      pad = o.pad, side = o.size })
    local line = found.line
    report:say("C =\n%s", line.matrix)
    report:say("y = C x =\n%s\nC^T y =\n%s", line.answer, line.back)
    report:save(o.out, require("switchback.transposed_sheet").draw(found, o.stride))
    return { matrix = line.matrix:totable(), answer = line.answer:totable(), back = line.back:totable(),
             plane = { input = found.plane.picture:size(), answer = found.plane.answer:size(),
                       back = found.plane.back:size() } }
  end,
}
