-- The losses of a run: history[i] is the value before step i, in the user's sense (what is maximised rises);
-- history.terms lists { name =, weight =, values = } for each term, values[i] unweighted; history.octaves[i]
-- is the octave of step i. history.ended tells why the run ended: "steps", "converged", "patience" or
-- "interrupted". tostring gives a table.
local History = {}

local ROWS <const>, WIDTH <const> = 10, 26

local history = {}

-- new(objective, sign) --> empty history; sign: -1 where the objective is the negative of what is maximised.
function history.new(objective, sign)
  local self = setmetatable({ terms = {}, octaves = {} }, History)
  for i, term in ipairs(objective:terms()) do
    self.terms[i] = { name = term.name, weight = sign * term.weight, values = {} }
  end
  return self
end

-- add(self, value, values, octave) notes a step.
function history.add(self, value, values, octave)
  local step = #self + 1
  self[step], self.octaves[step] = value, octave
  for i, term in ipairs(self.terms) do term.values[step] = values[i] end
end

local function heading(term)
  local name = term.weight == 1 and term.name or ("%.3g %s"):format(term.weight, term.name)
  return #name > WIDTH and name:sub(1, WIDTH - 3) .. "..." or name
end

-- The steps to show: about ROWS, evenly spaced, and the last.
local function chosen(count)
  local list, every = {}, math.max(1, math.ceil(count / ROWS))
  for step = 1, count, every do list[#list + 1] = step end
  if list[#list] ~= count and count > 0 then list[#list + 1] = count end
  return list
end

function History:__tostring()
  local titles, lines = { "  step", "octave", "       total" }, {}
  for _, term in ipairs(self.terms) do titles[#titles + 1] = ("%12s"):format(heading(term)) end
  lines[1] = table.concat(titles, "  ")
  for _, step in ipairs(chosen(#self)) do
    local cells = { ("%6d"):format(step), ("%6d"):format(self.octaves[step]), ("%12.6g"):format(self[step]) }
    for i, term in ipairs(self.terms) do
      cells[#cells + 1] = ("%" .. math.max(12, #titles[i + 3]) .. ".6g"):format(term.values[step])
    end
    lines[#lines + 1] = table.concat(cells, "  ")
  end
  return table.concat(lines, "\n")
end

return history
