-- Backward rules: how a walk back down passes the nodes it meets (design, section 4).
local suggest = require "switchback.suggest"

local rules = {}

-- What each rule asks of the layers that obey one. gradient: the true derivative. guided: Springenberg
-- et al. 2015. deconv: Zeiler & Fergus 2013, whose LRN layers pass the signal unchanged. redirected: the true
-- derivative, but where a ReLU stops all of an image's gradient, what would raise its inputs passes (Lucid's
-- redirected ReLU gradients): for walks that start from the gradient of something to be made smaller.
rules.named = {
  gradient = { rectifier = "gradient", lrn = "true" },
  guided = { rectifier = "guided", lrn = "true" },
  deconv = { rectifier = "deconv", lrn = "identity" },
  redirected = { rectifier = "gradient", lrn = "true", redirect = true },
}

local function look_up(name)
  local rule = rules.named[name]
  if rule then return rule end
  error(("unknown backward rule '%s'%s"):format(tostring(name),
    suggest.hint(tostring(name), { "gradient", "guided", "deconv", "redirected" })), 0)
end

local function with_overrides(rule, options)
  return { rectifier = rule.rectifier, lrn = options.lrn or rule.lrn,
           overlap = options.overlap or "sum", weights = options.weights, redirect = rule.redirect }
end

-- per_node(options) --> function(node) -> options of layer:backward. options.rule is a rule's name, or a
-- function(node) that answers a name for that node (nil: gradient); options.lrn ("true" | "identity") and
-- options.overlap ("sum" | "overwrite") override the rule; the defaults are the rule's lrn, and "sum".
function rules.per_node(options)
  local rule = options.rule or "gradient"
  if type(rule) ~= "function" then
    local fixed = with_overrides(look_up(rule), options)
    return function() return fixed end
  end
  return function(node) return with_overrides(look_up(rule(node) or "gradient"), options) end
end

return rules
