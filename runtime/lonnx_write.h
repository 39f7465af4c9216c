/* lonnx_write.h: ONNX files from plain Lua tables. */
#ifndef SB_LONNX_WRITE_H
#define SB_LONNX_WRITE_H

#include <lua.h>

/* append(file, model) -> true, or nil, message, code: writes to a Lua file the ONNX model
   {ir_version =, opset =, producer =, name =, metadata = {{key =, value =}, ...}, inputs =, outputs
   = {{name =, dims = {extents, 0: any}}, ...}, initializers = {{name =, value = tensor or list of
   integers (int64)}, ...}, nodes = {{op =, name =, inputs =, outputs = {names}, attributes =
   {{name =, value = integer, float, string or list of numbers}, ...}}, ...}}. Tensors are float32
   and are not copied. Raises for more than 2 GiB. */
int sb_onnx_append(lua_State *L);

#endif
