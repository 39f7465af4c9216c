-- Optimisers, by name: sb.optim.adam{ rate = 0.05 } --> optimiser. Each is a file of the folder optim/.
--
-- An optimiser minimises; it changes a list of tensors, `values`, in place:
--   opt:step(values, closure [, same]) --> the loss before the step. closure() --> loss, gradients (a list
--     like values, which the optimiser only reads). A line search calls it several times. same = true says
--     that closure is the function of the step before and the values are as that step left them, so that
--     what is known of them need not be computed again.
--   opt:state() --> { tensors = {name = tensor}, numbers = {name = number} };  opt:restore(state) goes on
--     from it exactly. The tensors of a state are the optimiser's own: save them before the next step.
--   opt:reset() forgets all steps: for values of other shapes, or another function.
--   opt.rate may be changed between steps.  opt.converged is true once no step makes the loss smaller.
-- What a step keeps is allocated once, at the first step.
local name, path = ...
return require("switchback.folder").modules(name, path, "optimiser")
