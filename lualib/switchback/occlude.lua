-- sb.occlude: slide a patch over the input and watch what changes (Zeiler & Fergus 2013, section 4.2).
-- Each position is computed exactly, but of each layer only the rectangle that the patch can change, many
-- positions at a time. From where a layer looks at the whole map (fully connected, global pooling, instance
-- normalisation) the rest of the net runs on whole maps.
local check = require "switchback.check"
local interrupt = require "switchback.interrupt"

local occlude = {}

local LARGEST = 64 << 20 -- floats that are held at once

local OPTIONS = { net = false, input = false, size = 32, stride = 8, overhang = false, fill = "grey",
                  seed = 0, watch = false, progress = false }

local function pair(name, value)
  local list = type(value) == "table" and value or { value, value }
  for axis = 1, 2 do
    if math.type(list[axis]) ~= "integer" or list[axis] < 1 then
      error(("occlude: %s must be a positive whole number of pixels, or {h, w}"):format(name), 0)
    end
  end
  return list
end

-- Top left corners (1-based): every stride pixels while the patch fits; one if it never does.
local function inner_starts(extent, size, stride)
  local list = {}
  for at = 1, math.max(extent - size, 0) + 1, stride do list[#list + 1] = at end
  return list
end

-- Corners that put the patch's middle into the middle of each of the squares of a stride that tile the input.
local function all_starts(extent, size, stride)
  local count, list = math.max(1, extent // stride), {}
  local first = 1 + (extent - count * stride) // 2 - (size - stride) // 2
  for k = 1, count do list[k] = first + (k - 1) * stride end
  return list
end

-- ---- The order of work --------------------------------------------------------------------------

-- How many positions the head takes at a time when their starts are in these classes.
local function head_room(plan, y, x)
  local floats = plan:head_floats(function(value) return y.places[value].size * x.places[value].size end)
  return math.max(1, LARGEST // math.max(floats, 1))
end

-- Members i of class y and j of class x, cut into lists of at most `room`.
local function cut(y, x, room)
  local lists = {}
  for i in ipairs(y.members) do
    for j in ipairs(x.members) do
      if not lists[1] or #lists[#lists] == room then lists[#lists + 1] = {} end
      table.insert(lists[#lists], { i, j })
    end
  end
  return lists
end

-- The jobs of the sweep, each a batch for the head, in rounds: lists that the tail takes at once.
local function rounds_of(plan, room)
  local classes = require "switchback.occlude.classes"
  local rounds, held = { {} }, 0
  for _, y in ipairs(classes.of(plan, 1)) do
    for _, x in ipairs(classes.of(plan, 2)) do
      for _, members in ipairs(cut(y, x, math.min(room, head_room(plan, y, x)))) do
        if held + #members > room then rounds[#rounds + 1], held = {}, 0 end
        table.insert(rounds[#rounds], { y = y, x = x, members = members })
        held = held + #members
      end
    end
  end
  return rounds
end

-- ---- The sweep ----------------------------------------------------------------------------------

local Sweep = {}
Sweep.__index = Sweep

-- The numbers, row by row, of the job's positions.
local function positions_of(self, job)
  local list = {}
  for k, member in ipairs(job.members) do
    list[k] = (job.y.members[member[1]] - 1) * self.columns + job.x.members[member[2]]
  end
  return list
end

-- Runs a job's rectangles; whole maps go into self.maps behind those of the `done` positions before.
local function run_job(self, job, done)
  local positions = positions_of(self, job)
  local batch = require("switchback.occlude.batch").new(self.plan, job.y, job.x, job.members)
  batch:run(self.filling, function(_, value)
    if self.maps[value] then batch:whole(value, self.maps[value]:narrow(1, done + 1, #positions)) end
    self.watches:see_rectangles(batch, value, positions)
  end)
  return positions
end

local function run_tail(self, positions)
  local wanted = self.watches:whole(self.plan)
  if #wanted == 0 or #positions == 0 then return end
  local maps = {}
  for value, t in pairs(self.maps) do maps[value] = t:narrow(1, 1, #positions) end
  self.watches:see_whole(self.plan:run_tail(maps, wanted), positions)
end

local function tell(self, more)
  if self.progress then self.progress(self.done + more, self.total) end
end

-- The heads of a round, then the tail. When interrupted, the tail of what has come so far.
local function run_round(self, jobs)
  local positions = {}
  local ok, trouble = pcall(function()
    for k, job in ipairs(jobs) do
      local new = run_job(self, job, #positions)
      table.move(new, 1, #new, #positions + 1, positions)
      if k < #jobs then tell(self, #positions) end
    end
  end)
  if not ok and not interrupt.is(trouble) then error(trouble, 0) end
  run_tail(self, positions)
  self.done = self.done + #positions
  if not ok then error(trouble, 0) end
  tell(self, 0)
end

local function frontier_maps(plan, room)
  local maps = {}
  for _, value in ipairs(plan.frontier) do
    local shape = plan.base.shapes[value]
    maps[value] = require("switchback").zeros(room, shape[2], shape[3], shape[4])
  end
  return maps
end

local function run_all(self)
  local room = math.max(1, math.min(self.total, LARGEST // math.max(self.plan:tail_floats(), 1)))
  self.maps = frontier_maps(self.plan, room)
  for _, jobs in ipairs(rounds_of(self.plan, room)) do run_round(self, jobs) end
end

local function check_input(input)
  local shape = type(input) == "userdata" and input:size() or {}
  if #shape == 4 and shape[1] == 1 then return input end
  error(("occlude: input must be (1,C,H,W), got %s"):format(
    #shape > 0 and table.concat(shape, "x") or type(input)), 0)
end

-- What the input does without a patch, and what follows for each step.
local function new_plan(net, input, ys, xs, size, watches)
  local reach = require "switchback.occlude.reach"
  local base = net:forward(input, { upto = watches:values() })
  base.tapes = {}
  local r = reach.patches({ ys, xs }, size, { input:size(3), input:size(4) })
  local plan = require "switchback.occlude.plan"
  local first = plan.new(net, base, net.inputs[1].name, r, {})
  return plan.new(net, base, net.inputs[1].name, r, watches:whole(first))
end

-- occlude{ net =, input = (1,C,H,W), size = 32, stride = 8, overhang = false, fill = "grey", seed = 0,
--   watch = { watch... }, progress = function(done, total) } --> one tensor (rows, columns) for each watch
--   [, "interrupted"].
-- Entry (i, j) is what was read with the patch's corner at row 1 + (i-1) stride, column 1 + (j-1) stride;
-- there are as many as fit. size and stride are pixels, a number or {h, w}; a patch larger than the input is
-- clipped.
-- overhang = true: patches stand out over the edge, where they are clipped, so that their middles go over all
--         of the input: floor(H / stride) x floor(W / stride) of them, in the middles of squares of a stride
--         that tile it. The corner of the first is then occlude.first(extent, size, stride), 1 or less.
-- fill    what the patch shows: "grey" (mid-grey pixels), "mean" (the input's mean pixel), "blur" (the input,
--         blurred beyond recognition), "noise" (normal, as the input's channels are, from `seed`), a number
--         or a tensor like the input, in the network's units.
-- watch   { class = index or label } reads the class's probability, with logit = true its logit;
--         { top = true } the number of the most probable class;
--         { layer = name, channel = c } the sum of that channel's map; { layer = name } the sum of all.
-- Equal to recomputing the whole net for each position, up to rounding. Holds about 256 MiB besides the
-- layers of one run. Ctrl-C ends it early: what was not reached is NaN, and "interrupted" is answered too.
-- Raises for unknown options, layers, channels and classes.
function occlude.run(options)
  local o = check.options("occlude", options, OPTIONS)
  local net, input = o.net or error("occlude: say which net", 0), check_input(o.input)
  local size, stride = pair("size", o.size), pair("stride", o.stride)
  local starts = o.overhang and all_starts or inner_starts
  local ys = starts(input:size(3), size[1], stride[1])
  local xs = starts(input:size(4), size[2], stride[2])
  local watches = require("switchback.occlude.watch").new(net, o.watch, #ys * #xs)
  local plan = new_plan(net, input, ys, xs, size, watches)
  local filling = require("switchback.occlude.fill").make(net, input, o.fill, size, o.seed)
  watches:start(plan)
  local sweep = setmetatable({ plan = plan, watches = watches, filling = filling, columns = #xs, done = 0,
                               total = #ys * #xs, progress = o.progress }, Sweep)
  local interrupted = interrupt.caught(run_all, sweep)
  for i, map in ipairs(watches.maps) do watches.maps[i] = map:reshape(#ys, #xs) end
  return watches.maps, interrupted and "interrupted" or nil
end

-- first(extent, size, stride) --> along an axis the corner of the first of the patches that overhang.
function occlude.first(extent, size, stride) return all_starts(extent, size, stride)[1] end

return occlude
