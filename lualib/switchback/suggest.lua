-- Near-miss suggestions for names that people type.
local edit_distance = require("switchback.core").system.edit_distance

local suggest = {}

-- How unlike a candidate is: its edit distance, or almost nothing if it contains the name.
local function unlikeness(name, candidate)
  if candidate:lower():find(name:lower(), 1, true) then return 0.5 + #candidate / 1000 end
  return edit_distance(name, candidate)
end

-- near(name, candidates [, most = 3]) --> list of the likeliest candidates, best first.
function suggest.near(name, candidates, most)
  local limit, found = math.max(2, #name // 3), {}
  for _, candidate in ipairs(candidates) do
    local d = unlikeness(name, candidate)
    if d <= limit then found[#found + 1] = { candidate, d } end
  end
  table.sort(found, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
  local names = {}
  for i = 1, math.min(most or 3, #found) do names[i] = found[i][1] end
  return names
end

-- hint(name, candidates) --> "; did you mean 'a', 'b'?" or "".
function suggest.hint(name, candidates)
  local near = suggest.near(name, candidates)
  if #near == 0 then return "" end
  return "; did you mean '" .. table.concat(near, "', '") .. "'?"
end

return suggest
