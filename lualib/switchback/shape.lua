-- Shapes: lists of extents.
local shape = {}

-- count(extents) --> elements of a tensor of that shape.
function shape.count(extents)
  local n = 1
  for _, extent in ipairs(extents) do n = n * extent end
  return n
end

return shape
