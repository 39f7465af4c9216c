-- The methods of visualisation, by name: sb.vis.saliency(net, image, options) --> result. Each is a file of
-- the folder vis/, loaded when it is first asked for.
local name, path = ...
return require("switchback.folder").modules(name, path, "method")
