-- Linear classifiers of fixed features, to tell how much of the classes the features hold.
--
-- The features of N pictures enter by their inner products alone (kernel.h), so that neither time nor memory
-- depends on how many they are once the products are known. They are centred on the training pictures' mean
-- and scaled to length 1.
local core = require "switchback.core"
local criterion = require "switchback.criterion"
local optim = require "switchback.optim"
local primitives = require "switchback.primitives"

local classifier = {}

--- products(features (N,D)) --> (N,N): the inner products of pictures' features, from which the mean of all
-- is taken off in place: left in, it would use up the digits.
function classifier.products(features)
  features:sub_(features:mean(1))
  return primitives.gram(features:reshape(features:size(1), features:size(2), 1))
end

--- svm(x (n,d), labels, classes, cost) --> weights (classes,d), bias (classes): support vector machines, each
-- class against the rest, squared hinge loss (liblinear; see runtime/svm.h).
function classifier.svm(x, labels, classes, cost)
  local weights, bias = core.svm.train(x, labels, classes, cost)
  if not weights then error(bias, 0) end
  return weights, bias
end

local STEPS <const>, TOLERANCE <const> = 100, 1e-3

--- softmax(x (n,d), labels, classes, cost) --> weights (classes,d), bias (classes): multinomial logistic
-- regression, min |w|^2/2 + |b|^2/2 + cost * sum of -log p(label), by L-BFGS until no number of the gradient
-- is above 1e-3 (or 100 steps).
function classifier.softmax(x, labels, classes, cost)
  local n, d = x:size(1), x:size(2)
  local loss_of, search = criterion.cross_entropy {}, optim.lbfgs { tolerance = TOLERANCE }
  local w, b = core.tensor.zeros(classes, d), core.tensor.zeros(classes)
  local function closure()
    local loss, gradient = loss_of(x:matmul(w:transpose()) + b, labels)
    gradient:mul_(cost * n) -- the criterion takes means
    local penalty = (w:dot(w) + b:dot(b)) / 2
    return cost * n * loss + penalty, { gradient:transpose():matmul(x):add_(w), gradient:sum(1) + b }
  end
  for step = 1, STEPS do
    search:step({ w, b }, closure, step > 1)
    if search.converged then break end
  end
  return w, b
end

-- The mean over the classes that are tested of the share of their pictures that got their label.
local function mean_of_classes(scores, labels)
  local right, count, sum, tested = {}, {}, 0, 0
  local best = select(2, scores:max(2))
  for i, label in ipairs(labels) do
    count[label] = (count[label] or 0) + 1
    right[label] = (right[label] or 0) + (best[i] == label and 1 or 0)
  end
  for label, n in pairs(count) do sum, tested = sum + right[label] / n, tested + 1 end
  return sum / tested
end

local function pick(list, places)
  local out = {}
  for i, place in ipairs(places) do out[i] = list[place] end
  return out
end

--- accuracy(kind, products, labels, train, test, classes, cost) --> the mean over classes of the share of
-- test pictures that a classifier ("svm" or "softmax") trained on the others gets right. train, test: lists
-- of rows of products (N,N), of which labels are the classes.
function classifier.accuracy(kind, products, labels, train, test, classes, cost)
  local x, z = core.svm.coordinates(products, train, test)
  if not x then error(z, 0) end
  local weights, bias = classifier[kind](x, pick(labels, train), classes, cost)
  return mean_of_classes(z:matmul(weights:transpose()) + bias, pick(labels, test))
end

return classifier
