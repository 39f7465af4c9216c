-- Positions of an occlusion sweep that are computed together: their rectangles get one size. Near the edge
-- rectangles are clipped and so cheaper; grouping starts of an axis by size saves what enlarging them to the
-- common size would waste, but small groups use the machine badly.
local classes = {}

-- What a class costs beside its rectangles, as a part of what the largest rectangle costs.
local OVERHEAD = 0.25

-- Rows that are computed for n of them, in tiles of four.
local function computed(n) return (n + 3) // 4 * 4 end

local function size_at(axis, k) return axis.hi[k] - axis.lo[k] + 1 end

-- { weight =, sizes = {..} } of what each step of the head computes along the axis; weight: the cost of a
-- row, up to a factor.
local function profile(plan, axis)
  local list = {}
  for i, item in ipairs(plan.head) do
    local value = item.step.outputs[1]
    local along, across = plan.reach[value][axis], plan.reach[value][3 - axis]
    local weight = item.layer.params.weight
    local row, sizes = 0, {}
    for k = 1, #across.lo do row = math.max(row, size_at(across, k)) end
    for k = 1, #along.lo do sizes[k] = computed(size_at(along, k)) end
    list[i] = { weight = row * (weight and weight:count() or plan.base.shapes[value][2]), sizes = sizes }
  end
  return list
end

-- Those of the starts whose sizes agree throughout, as { members = {k...}, sizes = {..}, cost = } sorted by
-- cost.
local function distinct(list, starts)
  local by_key, out = {}, {}
  for _, k in ipairs(starts) do
    local sizes, cost = {}, 0
    for i, p in ipairs(list) do sizes[i], cost = p.sizes[k], cost + p.weight * p.sizes[k] end
    local key = table.concat(sizes, " ")
    if not by_key[key] then
      by_key[key] = { members = {}, sizes = sizes, cost = cost }
      out[#out + 1] = by_key[key]
    end
    table.insert(by_key[key].members, k)
  end
  table.sort(out, function(a, b) return a.cost < b.cost end)
  return out
end

-- The best cut of the sorted list into runs, by dynamic programming over where the last run begins.
local function best_cuts(list, kinds)
  local best, begins = { [0] = 0 }, {}
  local overhead = OVERHEAD * (#kinds > 0 and kinds[#kinds].cost or 1)
  for last = 1, #kinds do
    local most, members = {}, 0
    best[last] = math.huge
    for first = last, 1, -1 do
      local cost = 0
      members = members + #kinds[first].members
      for i, p in ipairs(list) do
        most[i] = math.max(most[i] or 0, kinds[first].sizes[i])
        cost = cost + p.weight * most[i]
      end
      local total = best[first - 1] + members * cost + overhead
      if total < best[last] then best[last], begins[last] = total, first end
    end
  end
  return begins
end

local function members_of(kinds, first, last)
  local members = {}
  for i = first, last do table.move(kinds[i].members, 1, #kinds[i].members, #members + 1, members) end
  table.sort(members)
  return members
end

-- Where the members' rectangles of each value lie along the axis: { size =, at = {..} } with one entry of
-- `at`, 1-based, for each member. All have one size: the largest any needs.
local function place(plan, axis, members)
  local places = {}
  for value, r in pairs(plan.reach) do
    local along, size, at = r[axis], 1, {}
    for _, k in ipairs(members) do size = math.max(size, size_at(along, k)) end
    for i, k in ipairs(members) do at[i] = math.min(along.lo[k], along.extent - size + 1) end
    places[value] = { size = size, at = at, extent = along.extent }
  end
  return places
end

-- The starts by the size of their patch, which the edge may have clipped: lists, in order of first members.
local function by_patch(along)
  local lists, of = {}, {}
  for k = 1, #along.lo do
    local size = size_at(along, k)
    if not of[size] then
      of[size] = {}
      lists[#lists + 1] = of[size]
    end
    table.insert(of[size], k)
  end
  return lists
end

-- classes.of(plan, axis) --> list of { members = { number of a start... }, places = { [value] = place } }.
-- The patches of a class are of one size: a rectangle may be larger than it need be, but not what is hidden.
function classes.of(plan, axis)
  local list, out = profile(plan, axis), {}
  for _, starts in ipairs(by_patch(plan.reach[plan.input][axis])) do
    local kinds = distinct(list, starts)
    local begins, last = best_cuts(list, kinds), #kinds
    while last > 0 do
      local members = members_of(kinds, begins[last], last)
      out[#out + 1] = { members = members, places = place(plan, axis, members) }
      last = begins[last] - 1
    end
  end
  return out
end

return classes
