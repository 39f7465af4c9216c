-- Lists of tensors as one long vector: what optimisers compute with. Lists go together entry for entry.
local zeros = require("switchback.core").tensor.zeros

local lists = {}

-- evaluate(closure, values) --> loss, gradients. Raises unless each value got a gradient of its shape.
function lists.evaluate(closure, values)
  local loss, gradients = closure()
  if type(loss) ~= "number" then error("optim: the loss is a " .. type(loss) .. ", not a number", 0) end
  for i, x in ipairs(values) do
    local g = gradients and gradients[i]
    local want, got = table.concat(x:size(), "x"), g and table.concat(g:size(), "x") or "missing"
    if want ~= got then error(("optim: value %d is %s, its gradient %s"):format(i, want, got), 0) end
  end
  return loss, gradients
end

function lists.zeros_like(list)
  local out = {}
  for i, x in ipairs(list) do out[i] = zeros(x:size()) end
  return out
end

-- copy(to, from) --> to, with the values of from; a new list when `to` is nil.
function lists.copy(to, from)
  if not to then
    to = {}
    for i, x in ipairs(from) do to[i] = x:clone() end
    return to
  end
  for i, x in ipairs(from) do to[i]:copy_(x) end
  return to
end

-- a . b, summed in double.
function lists.dot(a, b)
  local sum = 0
  for i, x in ipairs(a) do sum = sum + x:dot(b[i]) end
  return sum
end

-- y becomes y + alpha * x.
function lists.add(y, alpha, x)
  for i, t in ipairs(y) do t:addmul_(alpha, x[i]) end
  return y
end

function lists.scale(y, alpha)
  for _, t in ipairs(y) do t:mul_(alpha) end
  return y
end

-- The largest magnitude.
function lists.largest(list)
  local most = 0
  for _, x in ipairs(list) do most = math.max(most, x:max(), -x:min()) end
  return most
end

-- The sum of magnitudes of a tensor.
function lists.magnitude(x)
  local a = x:abs()
  local sum = a:sum()
  a:release()
  return sum
end

-- store(tensors, name, list) files the entries of a list (or nothing) under name/1, name/2, ...;
-- fetch(tensors, name) --> copies of them as a list, or nil.
function lists.store(tensors, name, list)
  for i, x in ipairs(list or {}) do tensors[("%s/%d"):format(name, i)] = x end
end

function lists.fetch(tensors, name)
  local list = {}
  while tensors[("%s/%d"):format(name, #list + 1)] do
    list[#list + 1] = tensors[("%s/%d"):format(name, #list + 1)]:clone()
  end
  return #list > 0 and list or nil
end

return lists
