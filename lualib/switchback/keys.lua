-- keys(t) --> list of the keys of t, all text, sorted: for files of equal bytes and messages of equal words.
return function(t)
  local list = {}
  for key in pairs(t) do list[#list + 1] = key end
  table.sort(list)
  return list
end
