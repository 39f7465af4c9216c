/* lonnx_write.c: ONNX files from plain Lua tables; formats/onnx/writer.lua makes these of networks.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "lonnx_write.h"
#include "ltensor.h"
#include "onnx.pb-c.h"

enum { ANCHOR = 3 }; /* stack index of the table that keeps what was allocated */

/* n bytes of zeros that live as long as the call. */
static void *take(lua_State *L, size_t n) {
  void *p = lua_newuserdatauv(L, n ? n : 1, 0);
  memset(p, 0, n);
  lua_rawseti(L, ANCHOR, (lua_Integer)lua_rawlen(L, ANCHOR) + 1);
  return p;
}

#define NEW(type, prefix)                                                                          \
  ((type *)memcpy(take(L, sizeof(type)), &(type)prefix##__INIT, sizeof(type)))

/* The string in a field of the table on top, which the model keeps alive; NULL if there is none. */
static char *string_field(lua_State *L, const char *key) {
  lua_getfield(L, -1, key);
  char *s = (char *)lua_tostring(L, -1);
  lua_pop(L, 1);
  return s;
}

/* Calls make() for each entry of the list in a field of the table on top; answers the array. */
static void **list_field(lua_State *L, const char *key, size_t *n, void *(*make)(lua_State *)) {
  lua_getfield(L, -1, key);
  *n = lua_istable(L, -1) ? (size_t)lua_rawlen(L, -1) : 0;
  void **list = take(L, *n * sizeof *list);
  luaL_checkstack(L, 8, NULL);
  for (size_t i = 0; i < *n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    list[i] = make(L);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return list;
}

static void *make_string(lua_State *L) {
  return (char *)luaL_checkstring(L, -1);
}

/* The integers of the list on top. */
static int64_t *take_integers(lua_State *L, size_t *n) {
  *n = (size_t)lua_rawlen(L, -1);
  int64_t *values = take(L, *n * sizeof *values);
  for (size_t i = 0; i < *n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    values[i] = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  return values;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

enum { T_FLOAT = 1, T_INT64 = 7 }; /* TensorProto.DataType */

static void fill_floats(lua_State *L, Sb__Onnx__Tensor *to, const sb_tensor *t) {
  to->data_type = T_FLOAT;
  to->n_dims = (size_t)t->shape.rank;
  to->dims = take(L, to->n_dims * sizeof *to->dims);
  for (size_t i = 0; i < to->n_dims; i++) to->dims[i] = t->shape.dim[i];
  to->raw_data.len = (size_t)sb_count(t) * sizeof(float);
  to->raw_data.data = (uint8_t *)(void *)t->data;
}

static void fill_integers(lua_State *L, Sb__Onnx__Tensor *to) {
  size_t n;
  int64_t *values = take_integers(L, &n);
  to->data_type = T_INT64;
  to->n_dims = 1;
  to->dims = take(L, sizeof *to->dims);
  to->dims[0] = (int64_t)n;
  to->raw_data.len = n * sizeof *values;
  to->raw_data.data = (uint8_t *)(void *)values;
}

/* {name =, value = tensor or list of integers} */
static void *make_tensor(lua_State *L) {
  Sb__Onnx__Tensor *to = NEW(Sb__Onnx__Tensor, SB__ONNX__TENSOR);
  to->name = string_field(L, "name");
  to->has_data_type = to->has_raw_data = true;
  lua_getfield(L, -1, "value");
  const sb_tensor *t = sb_to_tensor(L, -1);
  if (t)
    fill_floats(L, to, t);
  else
    fill_integers(L, to);
  lua_pop(L, 1);
  return to;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

/* AttributeProto.AttributeType */
enum { A_FLOAT = 1, A_INT, A_STRING, A_FLOATS = 6, A_INTS };

static void fill_float_list(lua_State *L, Sb__Onnx__Attribute *a) {
  a->type = A_FLOATS;
  a->n_floats = (size_t)lua_rawlen(L, -1);
  a->floats = take(L, a->n_floats * sizeof *a->floats);
  for (size_t i = 0; i < a->n_floats; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    a->floats[i] = (float)luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
}

static void fill_list(lua_State *L, Sb__Onnx__Attribute *a) {
  lua_rawgeti(L, -1, 1);
  bool floats = lua_type(L, -1) == LUA_TNUMBER && !lua_isinteger(L, -1);
  lua_pop(L, 1);
  if (floats) {
    fill_float_list(L, a);
  } else {
    a->type = A_INTS;
    a->ints = take_integers(L, &a->n_ints);
  }
}

static void fill_text(lua_State *L, Sb__Onnx__Attribute *a) {
  size_t n;
  const char *s = luaL_checklstring(L, -1, &n);
  a->type = A_STRING, a->has_s = true;
  a->s = (ProtobufCBinaryData){n, (uint8_t *)s};
}

/* {name =, value = integer, float, string, or list of integers or floats} */
static void *make_attribute(lua_State *L) {
  Sb__Onnx__Attribute *a = NEW(Sb__Onnx__Attribute, SB__ONNX__ATTRIBUTE);
  a->name = string_field(L, "name");
  a->has_type = true;
  lua_getfield(L, -1, "value");
  if (lua_isinteger(L, -1))
    a->type = A_INT, a->has_i = true, a->i = lua_tointeger(L, -1);
  else if (lua_type(L, -1) == LUA_TNUMBER)
    a->type = A_FLOAT, a->has_f = true, a->f = (float)lua_tonumber(L, -1);
  else if (lua_istable(L, -1))
    fill_list(L, a);
  else
    fill_text(L, a);
  lua_pop(L, 1);
  return a;
}

static void *make_node(lua_State *L) {
  Sb__Onnx__Node *n = NEW(Sb__Onnx__Node, SB__ONNX__NODE);
  n->name = string_field(L, "name");
  n->op_type = string_field(L, "op");
  n->input = (char **)list_field(L, "inputs", &n->n_input, make_string);
  n->output = (char **)list_field(L, "outputs", &n->n_output, make_string);
  n->attribute =
      (Sb__Onnx__Attribute **)list_field(L, "attributes", &n->n_attribute, make_attribute);
  return n;
}

/* ---- Graphs ---------------------------------------------------------------------------------- */

/* An extent; 0: any. */
static void *make_dimension(lua_State *L) {
  Sb__Onnx__Dimension *d = NEW(Sb__Onnx__Dimension, SB__ONNX__DIMENSION);
  d->dim_value = luaL_checkinteger(L, -1);
  d->has_dim_value = d->dim_value > 0;
  return d;
}

/* {name =, dims = {...}}: a float tensor. */
static void *make_value_info(lua_State *L) {
  Sb__Onnx__ValueInfo *v = NEW(Sb__Onnx__ValueInfo, SB__ONNX__VALUE_INFO);
  Sb__Onnx__Type *type = NEW(Sb__Onnx__Type, SB__ONNX__TYPE);
  Sb__Onnx__TensorType *tensor = NEW(Sb__Onnx__TensorType, SB__ONNX__TENSOR_TYPE);
  Sb__Onnx__Shape *shape = NEW(Sb__Onnx__Shape, SB__ONNX__SHAPE);
  shape->dim = (Sb__Onnx__Dimension **)list_field(L, "dims", &shape->n_dim, make_dimension);
  tensor->has_elem_type = true, tensor->elem_type = T_FLOAT, tensor->shape = shape;
  type->tensor_type = tensor;
  v->name = string_field(L, "name"), v->type = type;
  return v;
}

static Sb__Onnx__Graph *make_graph(lua_State *L) {
  Sb__Onnx__Graph *g = NEW(Sb__Onnx__Graph, SB__ONNX__GRAPH);
  g->name = string_field(L, "name");
  g->node = (Sb__Onnx__Node **)list_field(L, "nodes", &g->n_node, make_node);
  g->initializer =
      (Sb__Onnx__Tensor **)list_field(L, "initializers", &g->n_initializer, make_tensor);
  g->input = (Sb__Onnx__ValueInfo **)list_field(L, "inputs", &g->n_input, make_value_info);
  g->output = (Sb__Onnx__ValueInfo **)list_field(L, "outputs", &g->n_output, make_value_info);
  return g;
}

static void *make_entry(lua_State *L) {
  Sb__Onnx__Entry *e = NEW(Sb__Onnx__Entry, SB__ONNX__ENTRY);
  e->key = string_field(L, "key"), e->value = string_field(L, "value");
  return e;
}

/* ---- Files ----------------------------------------------------------------------------------- */

typedef struct sink {
  ProtobufCBuffer base;
  FILE *file;
  bool failed;
} sink;

static void append(ProtobufCBuffer *buffer, size_t n, const uint8_t *bytes) {
  sink *s = (sink *)(void *)buffer;
  s->failed |= !s->failed && fwrite(bytes, 1, n, s->file) != n;
}

int sb_onnx_append(lua_State *L) {
  luaL_Stream *f = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_argcheck(L, f->closef != NULL, 1, "file is closed");
  lua_settop(L, 2);
  lua_newtable(L);
  lua_pushvalue(L, 2);
  Sb__Onnx__Model *m = NEW(Sb__Onnx__Model, SB__ONNX__MODEL);
  Sb__Onnx__OperatorSet *set = NEW(Sb__Onnx__OperatorSet, SB__ONNX__OPERATOR_SET);
  lua_getfield(L, 2, "opset");
  set->domain = (char *)"", set->has_version = true, set->version = luaL_checkinteger(L, -1);
  lua_getfield(L, 2, "ir_version");
  m->has_ir_version = true, m->ir_version = luaL_checkinteger(L, -1);
  lua_pop(L, 2);
  m->producer_name = string_field(L, "producer");
  m->opset_import = &set, m->n_opset_import = 1;
  m->graph = make_graph(L);
  m->metadata_props =
      (Sb__Onnx__Entry **)list_field(L, "metadata", &m->n_metadata_props, make_entry);
  if (protobuf_c_message_get_packed_size(&m->base) > INT32_MAX)
    return luaL_error(L, "an ONNX file holds at most 2 GiB");
  sink s = {{append}, f->f, false};
  protobuf_c_message_pack_to_buffer(&m->base, &s.base);
  return luaL_fileresult(L, !s.failed, NULL);
}
