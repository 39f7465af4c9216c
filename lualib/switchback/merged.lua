-- merged(a, b, ...) --> a new table with the entries of all of these (nil has none); those of later ones win.
return function(...)
  local all = {}
  for i = 1, select("#", ...) do
    for key, value in pairs((select(i, ...)) or {}) do all[key] = value end
  end
  return all
end
