/* ltensor_parts.h: what the files of the tensor binding share. Each sb_tensor_NAME adds its
   functions to the table on top of the stack; they serve as methods and as functions of the
   library. */
#ifndef SB_LTENSOR_PARTS_H
#define SB_LTENSOR_PARTS_H

#include <lua.h>

#include "ltensor.h"

/* Positions are answered in float32 tensors, which count exactly this far. */
enum { SB_EXACT_POSITIONS = 1 << 24 };

void sb_tensor_new(lua_State *L); /* constructors: not methods */
void sb_tensor_views(lua_State *L);
void sb_tensor_math(lua_State *L);
void sb_tensor_reductions(lua_State *L);
void sb_tensor_orders(lua_State *L);
void sb_tensor_arranging(lua_State *L);
void sb_tensor_products(lua_State *L);

/* Metamethods. */
int sb_tensor_tostring(lua_State *L);
int sb_tensor_eq(lua_State *L);
int sb_tensor_len(lua_State *L);
int sb_tensor_pairs(lua_State *L);
int sb_tensor_newindex(lua_State *L);
int sb_tensor_release(lua_State *L);
/* The value of t[key] where t is argument 1 and key, an integer or a table, argument 2. */
int sb_tensor_index(lua_State *L);

/* An operand that may be a number: then it is a scalar tensor that looks at `value`. */
typedef struct sb_operand {
  sb_tensor t;
  float value;
} sb_operand;
void sb_check_operand(lua_State *L, int arg, sb_operand *o);
/* If o shares memory with z other than element for element, makes it look at a pushed copy. */
void sb_separate(lua_State *L, sb_operand *o, const sb_tensor *z);
/* The shape that a and b broadcast to, or an error that names the function and both. */
sb_shape sb_check_broadcast(lua_State *L, const char *name, const sb_shape *a, const sb_shape *b);
/* Raises unless `from` broadcasts to `to`. */
void sb_check_fits(lua_State *L, const char *name, const sb_shape *from, const sb_shape *to);

/* A dimension, counted from 0, that a person wrote in argument arg: 1 to rank, or -1 (the last) to
   -rank. sb_check_dim takes the integer at arg. */
int sb_to_dim(lua_State *L, int arg, lua_Integer dim, int rank);
int sb_check_dim(lua_State *L, int arg, int rank);
/* The same for the optional argument that means `fallback` when absent. */
int sb_opt_dim(lua_State *L, int arg, int rank, int fallback);
/* Pops an entry of a list that must be an integer. */
lua_Integer sb_pop_integer(lua_State *L, const char *name);
/* A position, counted from 0, of the integer i that a person wrote: 1 to n, or -1 to -n. */
int64_t sb_check_position(lua_State *L, const char *name, lua_Integer i, int64_t n);

#endif
