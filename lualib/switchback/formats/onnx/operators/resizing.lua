-- Upsample and Resize.
local operators = {}

-- Values for the listed axes (of opset 18) as values for all dimensions, `fill` elsewhere.
local function for_all_axes(values, axes, rank, fill)
  if not axes then return values end
  local all = {}
  for dim = 1, rank do all[dim] = fill(dim) end
  for i, axis in ipairs(axes) do all[axis < 0 and axis + rank + 1 or axis + 1] = values[i] end
  return all
end

-- Extents in the input's proportions that fit into the sizes, or that the sizes fit into.
local function keep_aspect(sizes, axes, shape, policy)
  local better, scale = policy == "not_larger" and math.min or math.max, nil
  local fitted = {}
  for i, size in ipairs(sizes) do
    local extent = shape[axes and (axes[i] < 0 and axes[i] + #shape + 1 or axes[i] + 1) or i]
    fitted[i], scale = extent, better(scale or size / extent, size / extent)
  end
  for i, extent in ipairs(fitted) do fitted[i] = math.floor(scale * extent + 0.5) end
  return fitted
end

-- scales or sizes of the layer; either input may be left out, or be empty.
local function target(node, run)
  local axes, policy = node:attribute "axes", node:attribute("keep_aspect_ratio_policy", "stretch")
  local shape = (axes or policy ~= "stretch") and node:shape(1, run) or {}
  local scales = node:has(3) and node:array(3, run) or {}
  if #scales > 0 then
    return { scales = for_all_axes(scales, axes, #shape, function() return 1 end) }
  end
  local sizes = node:array(4, run)
  if policy ~= "stretch" then sizes = keep_aspect(sizes, axes, shape, policy) end
  return { sizes = for_all_axes(sizes, axes, #shape, function(dim) return shape[dim] end) }
end

-- {start..., end...} for all dimensions.
local function region(node, run)
  local roi, axes = node:array(2, run), node:attribute "axes"
  if not axes then return roi end
  local rank = #node:shape(1, run)
  local all = for_all_axes({ table.unpack(roi, 1, #axes) }, axes, rank, function() return 0 end)
  local last = for_all_axes({ table.unpack(roi, #axes + 1) }, axes, rank, function() return 1 end)
  return table.move(last, 1, rank, rank + 1, all)
end

local function modern_resize(node)
  if node:attribute("antialias", 0) ~= 0 then node:refuse("resizes with antialiasing") end
  local transformation = node:attribute("coordinate_transformation_mode", "half_pixel")
  node:emit("resize", function(run)
    local config = target(node, run)
    config.mode = node:attribute("mode", "nearest")
    config.coordinate_transformation_mode = transformation
    config.nearest_mode = node:attribute("nearest_mode", "round_prefer_floor")
    config.cubic_coeff_a = node:attribute("cubic_coeff_a", -0.75)
    config.exclude_outside = node:attribute("exclude_outside", 0) ~= 0
    config.extrapolation_value = node:attribute("extrapolation_value", 0.0)
    if transformation == "tf_crop_and_resize" then config.roi = region(node, run) end
    return config
  end)
end

-- Up to opset 10 pixel i of the output lies at i / scale of the input, and nearest takes the one before.
local function early_resize(node)
  node:emit("resize", function(run)
    return { scales = node:list("scales", 2, run), mode = node:attribute("mode", "nearest"),
             coordinate_transformation_mode = "asymmetric", nearest_mode = "floor" }
  end)
end

operators.Upsample = early_resize

function operators.Resize(node)
  return (node.opset >= 11 and modern_resize or early_resize)(node)
end

return operators
