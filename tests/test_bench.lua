-- Our side of the benchmark's workloads, on a small net: what a change elsewhere breaks shows here, and not
-- only when somebody measures.
local lu = require "luaunit"
local sb = require "switchback"

local T = {}

-- The work of a family of tests/bench/workloads on lenet5.
local function work(family, spec)
  local path = package.path
  package.path = "tests/bench/?.lua;" .. path
  local ok, made = pcall(require, "workloads." .. family)
  package.path = path
  assert(ok, made)
  local net = sb.load("lenet5", { untrained = true, seed = 1 })
  local target = sb.zeros(2, 10)
  target[{ 1, 3 }], target[{ 2, 7 }] = 1, 1
  spec.shape = { 2, 1, 28, 28 }
  return made(net, { input = sb.randn(sb.rng(2), table.unpack(spec.shape)), target = target }, spec), net
end

function T.test_classifier()
  local forward, net = work("classifier", { task = "forward" })
  forward.run()
  lu.assertEquals(forward.output():size(), { 2, 10 })
  lu.assertTrue(forward.flop > 2 * net:parameter_count())
  local saliency = work("classifier", { task = "saliency", class = 4 })
  saliency.run()
  lu.assertEquals(saliency.output():size(), { 2, 1, 28, 28 })
end

function T.test_training()
  local training, net = work("training", { rate = 0.1 })
  local before = net:parameters()[1].value:clone()
  training.run()
  training.run()
  lu.assertEquals(training.output():size(), { net:parameter_count() })
  lu.assertTrue((net:parameters()[1].value - before):norm() > 0)
end

return T
