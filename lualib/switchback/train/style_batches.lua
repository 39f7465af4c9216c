-- Batches for training a transform net: pictures, each with a style, in rounds of as many steps as one
-- likes, however many pictures there are.
local core = require "switchback.core"

local style_batches, StyleBatches = {}, {}
StyleBatches.__index = StyleBatches

-- new(batches, net, round) --> loader for sb.train (train.lua). batches: sb.data.batches of pictures in the
-- net's units, (N,3,H,W), which are gone through again and again; an epoch of the loader is a round of so
-- many steps. For a net with a second input of style weights the styles take turns. next() --> inputs,
-- { pictures = (N,3,H,W), styles = list of N }.
function style_batches.new(batches, net, round)
  return setmetatable({ batches = batches, net = net, round = round, at = 0, ended = 0, count = 0,
    styles = style_batches.count(net) }, StyleBatches)
end

function StyleBatches:steps() return self.round end

-- weights(styles, count) --> (N,count): 1 at each image's style.
local function weights(styles, count)
  local t = core.tensor.zeros(#styles, count)
  for n, s in ipairs(styles) do t[{ n, s }] = 1 end
  return t
end

-- count(net) --> how many styles a transform net has.
function style_batches.count(net) return net.inputs[2] and net.inputs[2].shape[2] or 1 end

-- inputs(net, pictures, styles) --> what the net takes for pictures (N,3,H,W) in a list of N styles.
function style_batches.inputs(net, pictures, styles)
  local second = net.inputs[2]
  if not second then return pictures end
  return { [net.inputs[1].name] = pictures, [second.name] = weights(styles, second.shape[2]) }
end

function StyleBatches:next()
  if self.at % self.round == 0 and self.ended < self.at then
    self.ended = self.at
    return nil
  end
  local x = self.batches:next() or self.batches:next()
  local styles, n = {}, x:size(1)
  for k = 1, n do styles[k] = (self.count + k - 1) % self.styles + 1 end
  self.at, self.count = self.at + 1, self.count + n
  return style_batches.inputs(self.net, x, styles), { pictures = x, styles = styles }
end

-- The place of the pictures, under names of its own.
function StyleBatches:state()
  local inner = self.batches:state()
  return { at = self.at, ended = self.ended, count = self.count, data_epoch = inner.epoch,
           data_at = inner.at }
end

function StyleBatches:restore(state)
  self.at, self.ended, self.count = state.at, state.ended, state.count
  self.batches:restore { epoch = state.data_epoch, at = state.data_at }
end

return style_batches
