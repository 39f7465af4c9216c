-- Pictures of unequal sizes in a row or a column.
local image = require "switchback.image"

-- stack(list [, across]) --> (3,H,W): the pictures, grey or in color, above each other, or (across) side by
-- side, on white, from the top left corner on.
return function(list, across)
  local h, w = 0, 0
  for _, t in ipairs(list) do
    h = across and math.max(h, t:size(2)) or h + t:size(2)
    w = across and w + t:size(3) or math.max(w, t:size(3))
  end
  local canvas, y, x = image.canvas(h, w), 1, 1
  for _, t in ipairs(list) do
    image.paste(canvas, y, x, t)
    if across then x = x + t:size(3) else y = y + t:size(2) end
  end
  return canvas
end
