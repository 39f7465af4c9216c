/* lonnx_tensor.h: tensors of ONNX files as Lua values. */
#ifndef SB_LONNX_TENSOR_H
#define SB_LONNX_TENSOR_H

#include <lua.h>

#include "onnx.pb-c.h"

/* Pushes the tensor: floating-point elements of any width as a tensor, integers and booleans as a
   table {dtype = "int64", shape = {...}, v1, v2, ...} (false is 0, true is 1), elements of other
   types (strings, complex numbers) as such a table without values. External data is read from the
   folder of the file `path`. Raises with path and name if the stored data do not fit the shape. */
void sb_push_onnx_tensor(lua_State *L, const Sb__Onnx__Tensor *t, const char *path);

/* The name of an element type ("float32", "int64", ...), "unknown" for numbers out of range. */
const char *sb_onnx_dtype(int32_t type);

#endif
