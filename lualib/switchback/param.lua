-- Parameterisations: the variables that a picture is made from, with exact gradients. sb.param.NAME{...} is
-- an object p with
--   p.name             its NAME
--   p.values           list of tensors: the variables. An optimiser changes them in place
--   p:image()          --> picture batch (N,3,H,W), RGB; shares memory with p.values for pixels alone
--   p:backward(dimage) --> list of gradients, one for each of p.values: the adjoint of the last image()
--   p:resize(h, w)     --> a parameterisation of the same kind that shows the same picture at that size
-- Each is a file of the folder param/. They share these options (param/start.lua):
--   size      {h, w} in pixels, or one number for both; by default that of the picture to start from
--   batch     number of pictures, default 1 or that of the picture to start from
--   start     what image() first shows: "noise" (needs rng), "grey", "mean" (the mean of `photos`), or a
--             picture (3,H,W) or (N,3,H,W) in [0,1]
--   image     the same as a picture for `start`
--   photos    list of pictures (3,h,w) of any size, for start = "mean"
--   deviation of the noise; each kind says of what
--   rng       a generator (sb.rng); noise is drawn from it alone
local name, path = ...
return require("switchback.folder").modules(name, path, "parameterisation")
