-- One step of training: forward, the criterion, back to the weights, and the optimiser's step.
local core = require "switchback.core"
local lists = require "switchback.optimize.lists"

local step = {}

-- Whether a number is one, and finite.
local function finite(x) return x - x == 0 end

-- The first layer of a pass whose values are not all finite.
local function first_broken(net, pass)
  for _, node in ipairs(net.order) do
    for _, value in ipairs(node.outputs) do
      local t = pass.values[value]
      if t and not finite(t:max() - t:min()) then return node.name end
    end
  end
end

local function fail(self, loss, pass)
  local layer = first_broken(self.net, pass)
  local where = layer and ("layer '%s' is the first with values that are not finite"):format(layer) or
    "the layers' values are finite"
  error(("train: the loss is %s at epoch %d, step %d: %s; try a smaller rate"):format(
    loss ~= loss and "not a number" or "infinite", self.epoch, self.at, where), 0)
end

local function zero(gradients)
  for _, g in ipairs(gradients) do g:fill_(0) end
end

-- Scales the gradients so that their norm, all taken as one vector, is at most `most` (Pascanu et al. 2013).
local function clip(gradients, most)
  local norm = math.sqrt(lists.dot(gradients, gradients))
  if norm > most then lists.scale(gradients, most / norm) end
end

-- weights(net) --> the values that are trained, and their gradients, which the layers add to from now on;
-- what is frozen gets none.
function step.weights(net)
  local values, gradients, kept = {}, {}, {}
  local parameters = net:parameters()
  for _, p in ipairs(parameters) do
    for i, layer in ipairs(p.layers) do
      kept[layer] = kept[layer] or {}
      kept[layer][p.keys[i]] = true
    end
  end
  for _, node in ipairs(net.order) do
    if type(node.layer) == "userdata" then
      node.layer:zero_grads()
      for key in pairs(node.layer.grads) do
        if not (kept[node.layer] or {})[key] then node.layer.grads[key] = nil end
      end
    end
  end
  for i, p in ipairs(parameters) do
    -- Layers that share a weight add to one gradient.
    values[i], gradients[i] = p.value, p.layers[1].grads[p.keys[1]]
    for k = 2, #p.layers do p.layers[k].grads[p.keys[k]] = gradients[i] end
  end
  if #values == 0 then error("train: the net has no weights to train, or all are frozen", 0) end
  return values, gradients
end

-- Adds to self.seen what a batch came to. terms: more numbers of the criterion, or nil.
local function note(self, loss, scores, targets, terms)
  local seen, n = self.seen, scores:size(1)
  self.images = self.images + n
  seen.count, seen.loss = seen.count + n, seen.loss + loss * n
  for name, value in pairs(terms or {}) do seen[name] = (seen[name] or 0) + value * n end
  if self.classes then
    local ranks = core.criterion.ranks(scores, targets)
    for i = 1, n do seen.right = seen.right + (ranks[i] == 1 and 1 or 0) end
  end
end

-- Loss of a batch; the weights' gradients are in self.gradients.
local function evaluate(self, x, targets)
  local net = self.net
  local pass = net:forward(x, { training = true, rng = self.rng })
  local value = self.classes and net:logits() or net.outputs[1]
  local scores = self.classes and pass:scores() or pass[value]
  local loss, gradient, terms = self.criterion(scores, targets)
  if not finite(loss) then fail(self, loss, pass) end
  note(self, loss, scores, targets, terms)
  zero(self.gradients)
  pass:backward { seeds = { [value] = gradient:reshape(pass[value]:size()) }, weights = true, to = {} }
  if self.clip then clip(self.gradients, self.clip) end
  return loss
end

-- take(self, x, targets) --> loss of the batch before the step. x: (N,C,H,W), or { [input] = tensor }. self:
-- a run (train.lua).
function step.take(self, x, targets)
  local loss
  self.optimizer:step(self.values, function()
    loss = evaluate(self, x, targets)
    return loss, self.gradients
  end)
  collectgarbage() -- the activations, of which the collector would else keep two steps' worth
  return loss
end

return step
