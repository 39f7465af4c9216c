-- What every objective is, and their sums: a + 2 * b - c / 4 is an objective again.
--
-- An objective has
--   name      short text for a table of losses: "channel conv4:37"
--   layers    list of the layers that it reads; the picture itself is no layer
--   term      function(activations, weight) --> its value, { [layer or "image"] = gradient * weight }.
--             activations[layer] is (N,C,H,W), activations.image the picture (N,3,H,W). The gradients are new
--             tensors: whoever asked may change them.
local Objective = {}
Objective.__index = Objective

local algebra = { Objective = Objective }

-- new(name, layers, term) --> objective; the fields above.
function algebra.new(name, layers, term)
  return setmetatable({ name = name, layers = layers, term = term }, Objective)
end

-- custom([layers,] f) --> the objective of a function f(activations) --> value, { [layer or "image"] =
-- gradient }. layers: names of the layers that f reads (none: it looks at activations.image alone). The
-- gradients must be tensors that f made and keeps no hold of.
function algebra.custom(layers, f)
  if not f then layers, f = {}, layers end
  if type(layers) == "string" then layers = { layers } end
  if type(f) ~= "function" or type(layers) ~= "table" then
    error(("objective: custom takes layers and a function, got %s and %s"):format(type(layers), type(f)), 2)
  end
  return algebra.new("custom", layers, function(activations, weight)
    local value, gradients = f(activations)
    if type(value) ~= "number" or type(gradients) ~= "table" then
      error(("objective: the function must answer a number and a table of gradients, got %s and %s")
        :format(type(value), type(gradients)), 0)
    end
    for _, g in pairs(gradients) do
      if weight ~= 1 then g:mul_(weight) end
    end
    return value, gradients
  end)
end

-- of(x) --> x itself if it is an objective, the objective of x if it is a function. Raises for anything else.
function algebra.of(x)
  if getmetatable(x) == Objective then return x end
  if type(x) == "function" then return algebra.custom(x) end
  error("an objective is made by sb.objective, or is a function of the activations; got a " .. type(x), 0)
end

-- o:terms() --> list of { name =, weight =, objective = }: what o is the weighted sum of.
function Objective:terms() return self.parts or { { name = self.name, weight = 1, objective = self } } end

local function add_gradients(sum, more)
  for layer, g in pairs(more) do
    if sum[layer] then
      sum[layer]:add_(g)
      g:release()
    else
      sum[layer] = g
    end
  end
end

-- o:evaluate(activations) --> value, gradients, values: the weighted sum over the terms, its gradients with
-- respect to what it reads { [layer or "image"] = tensor }, and each term's own value, unweighted, in the
-- order of o:terms(). Raises when a layer is missing.
function Objective:evaluate(activations)
  local total, sum, values = 0, {}, {}
  for i, part in ipairs(self:terms()) do
    for _, layer in ipairs(part.objective.layers) do
      if not activations[layer] then error(("objective: no activations of '%s'"):format(layer), 2) end
    end
    local value, gradients = part.objective.term(activations, part.weight)
    total, values[i] = total + part.weight * value, value
    add_gradients(sum, gradients)
  end
  return total, sum, values
end

-- ---- Algebra -----------------------------------------------------------------------------------

local function layers_of(parts)
  local list, seen = {}, {}
  for _, part in ipairs(parts) do
    for _, layer in ipairs(part.objective.layers) do
      if not seen[layer] then list[#list + 1], seen[layer] = layer, true end
    end
  end
  return list
end

local function name_of(parts)
  local names = {}
  for i, part in ipairs(parts) do
    names[i] = part.weight == 1 and part.name or ("%g %s"):format(part.weight, part.name)
  end
  return table.concat(names, " + ")
end

local function sum_of(parts)
  return setmetatable({ parts = parts, layers = layers_of(parts), name = name_of(parts) }, Objective)
end

-- The parts of scale * o, after those in `list`.
local function append(list, o, scale)
  for _, part in ipairs(algebra.of(o):terms()) do
    list[#list + 1] = { name = part.name, weight = part.weight * scale, objective = part.objective }
  end
  return list
end

local function scaled(o, by)
  if type(by) ~= "number" then error("objective: is scaled by a number, got a " .. type(by), 3) end
  return sum_of(append({}, o, by))
end

-- sum(list) --> the sum of the objectives of a list.
function algebra.sum(list)
  local parts = {}
  for _, o in ipairs(list) do append(parts, o, 1) end
  return sum_of(parts)
end

function Objective.__add(a, b) return sum_of(append(append({}, a, 1), b, 1)) end
function Objective.__sub(a, b) return sum_of(append(append({}, a, 1), b, -1)) end
function Objective.__unm(a) return scaled(a, -1) end
function Objective.__div(a, by) return scaled(a, 1 / by) end
function Objective.__mul(a, b)
  if type(a) == "number" then a, b = b, a end
  return scaled(a, b)
end
function Objective:__tostring() return self.name end

return algebra
