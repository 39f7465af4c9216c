/* lonnx.c: ONNX files as plain Lua tables; formats/onnx.lua makes networks of them. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmodules.h"
#include "lonnx_tensor.h"
#include "lonnx_write.h"
#include "lprotobuf.h"
#include "ltensor.h"

/* ---- Files ----------------------------------------------------------------------------------- */

/* Reads n bytes from the start; NULL or the reason. */
static const char *read_bytes(int fd, char *to, size_t n) {
  while (n > 0) {
    ssize_t got = read(fd, to, n);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got ? strerror(errno) : "changed while it was read";
    to += got, n -= (size_t)got;
  }
  return NULL;
}

static const char *check_file(const char *path, size_t *size) {
  struct stat s;
  if (stat(path, &s) != 0) return strerror(errno);
  if (!S_ISREG(s.st_mode)) return "not a regular file";
  *size = (size_t)s.st_size;
  return NULL;
}

/* Decodes the file; NULL and the reason. Its bytes are gone on return, so that the tensors of the
   message are later copied to where they were. */
static const ProtobufCMessage *unpack_file(sb_protobuf *owner, const char *path,
                                           const ProtobufCMessageDescriptor *type,
                                           const char **trouble) {
  size_t size = 0;
  *trouble = check_file(path, &size);
  if (*trouble) return NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* never wait for a FIFO */
  char *bytes = malloc(size + 1);
  *trouble = fd < 0 || !bytes ? strerror(errno) : read_bytes(fd, bytes, size);
  if (fd >= 0) close(fd);
  const ProtobufCMessage *m = *trouble ? NULL : sb_unpack_protobuf(owner, type, bytes, size);
  free(bytes);
  return m;
}

/* Pushes the message in the file, which is freed when the calling function returns. NULL: pushes
   fail and the reason instead. */
static const ProtobufCMessage *push_message(lua_State *L, const char *path,
                                            const ProtobufCMessageDescriptor *type) {
  const char *trouble;
  const ProtobufCMessage *m = unpack_file(sb_push_protobuf(L), path, type, &trouble);
  if (m) {
    lua_toclose(L, -1);
    return m;
  }
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, trouble ? trouble : "not an ONNX file, or damaged");
  return NULL;
}

/* ---- Graphs as tables ------------------------------------------------------------------------ */

static void set_string(lua_State *L, const char *key, const char *value) {
  lua_pushstring(L, value ? value : "");
  lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

static void set_strings(lua_State *L, const char *key, char **values, size_t n) {
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_pushstring(L, values[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, key);
}

static void push_bytes(lua_State *L, const ProtobufCBinaryData *b) {
  lua_pushlstring(L, b->len ? (const char *)b->data : "", b->len);
}

/* AttributeProto.AttributeType; old files leave it out, where one field alone is filled. */
enum { A_UNKNOWN, A_FLOAT, A_INT, A_STRING, A_TENSOR, A_FLOATS = 6, A_INTS = 7, A_STRINGS = 8 };

static int attribute_type(const Sb__Onnx__Attribute *a) {
  if (a->has_type && a->type != A_UNKNOWN) return a->type;
  if (a->has_f) return A_FLOAT;
  if (a->has_i) return A_INT;
  if (a->has_s) return A_STRING;
  if (a->t) return A_TENSOR;
  if (a->n_floats) return A_FLOATS;
  return a->n_strings ? A_STRINGS : A_INTS;
}

/* Fills the table on top with element i of the list by `push`. */
#define PUSH_LIST(n, push)                                                                         \
  lua_createtable(L, (int)(n), 0);                                                                 \
  for (size_t i = 0; i < (n); i++) {                                                               \
    push;                                                                                          \
    lua_rawseti(L, -2, (lua_Integer)i + 1);                                                        \
  }                                                                                                \
  break

/* Pushes nil for the kinds that no supported operator has (subgraphs, sparse tensors, types). */
static void push_attribute(lua_State *L, const Sb__Onnx__Attribute *a, const char *path) {
  switch (attribute_type(a)) {
  case A_FLOAT: lua_pushnumber(L, a->f); break;
  case A_INT: lua_pushinteger(L, a->i); break;
  case A_STRING: push_bytes(L, &a->s); break;
  case A_FLOATS: PUSH_LIST(a->n_floats, lua_pushnumber(L, a->floats[i]));
  case A_INTS: PUSH_LIST(a->n_ints, lua_pushinteger(L, a->ints[i]));
  case A_STRINGS: PUSH_LIST(a->n_strings, push_bytes(L, &a->strings[i]));
  case A_TENSOR:
    if (a->t) {
      sb_push_onnx_tensor(L, a->t, path);
      break;
    } /* fall through */
  default: lua_pushnil(L);
  }
}

static void push_node(lua_State *L, const Sb__Onnx__Node *n, const char *path) {
  lua_createtable(L, 0, 6);
  set_string(L, "name", n->name);
  set_string(L, "op", n->op_type);
  set_string(L, "domain", n->domain);
  set_strings(L, "inputs", n->input, n->n_input);
  set_strings(L, "outputs", n->output, n->n_output);
  lua_createtable(L, 0, (int)n->n_attribute);
  for (size_t i = 0; i < n->n_attribute; i++) {
    const Sb__Onnx__Attribute *a = n->attribute[i];
    push_attribute(L, a, path);
    lua_setfield(L, -2, a->name ? a->name : "");
  }
  lua_setfield(L, -2, "attributes");
}

/* Sets the extents, 0 where one is symbolic; no field if the file does not tell the rank. */
static void set_dims(lua_State *L, const Sb__Onnx__Shape *shape) {
  if (!shape) return;
  lua_createtable(L, (int)shape->n_dim, 0);
  for (size_t i = 0; i < shape->n_dim; i++) {
    int64_t extent = shape->dim[i]->has_dim_value ? shape->dim[i]->dim_value : 0;
    lua_pushinteger(L, extent < 0 ? 0 : extent);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "dims");
}

/* {name=, dtype=, dims=}; dtype is "unknown" for what is no tensor (sequences, maps). */
static void push_value_info(lua_State *L, const Sb__Onnx__ValueInfo *v) {
  const Sb__Onnx__TensorType *type = v->type ? v->type->tensor_type : NULL;
  lua_createtable(L, 0, 3);
  set_string(L, "name", v->name);
  set_string(L, "dtype", type ? sb_onnx_dtype(type->elem_type) : "unknown");
  if (type) set_dims(L, type->shape);
}

static void set_values(lua_State *L, const char *key, Sb__Onnx__ValueInfo **values, size_t n) {
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    push_value_info(L, values[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, key);
}

static void set_graph(lua_State *L, const Sb__Onnx__Graph *g, const char *path) {
  set_string(L, "name", g->name);
  set_values(L, "inputs", g->input, g->n_input);
  set_values(L, "outputs", g->output, g->n_output);
  lua_createtable(L, 0, (int)g->n_initializer);
  for (size_t i = 0; i < g->n_initializer; i++) {
    const Sb__Onnx__Tensor *t = g->initializer[i];
    sb_push_onnx_tensor(L, t, path);
    lua_setfield(L, -2, t->name ? t->name : "");
  }
  lua_setfield(L, -2, "initializers");
  lua_createtable(L, (int)g->n_node, 0);
  for (size_t i = 0; i < g->n_node; i++) {
    push_node(L, g->node[i], path);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "nodes");
}

static void set_opsets(lua_State *L, const Sb__Onnx__Model *m) {
  lua_createtable(L, 0, (int)m->n_opset_import);
  for (size_t i = 0; i < m->n_opset_import; i++) {
    const Sb__Onnx__OperatorSet *set = m->opset_import[i];
    const char *domain = set->domain ? set->domain : "";
    set_integer(L, strcmp(domain, "ai.onnx") == 0 ? "" : domain, set->version);
  }
  lua_setfield(L, -2, "opsets");
}

static void set_metadata(lua_State *L, const Sb__Onnx__Model *m) {
  lua_createtable(L, 0, (int)m->n_metadata_props);
  for (size_t i = 0; i < m->n_metadata_props; i++) {
    const Sb__Onnx__Entry *entry = m->metadata_props[i];
    if (entry->key) set_string(L, entry->key, entry->value);
  }
  lua_setfield(L, -2, "metadata");
}

/* ---- The binding ----------------------------------------------------------------------------- */

/* read(path) -> {ir_version =, producer =, name =, opsets = {[domain] = version}, metadata =
   {[key] = text}, inputs =, outputs = {{name =, dtype =, dims =}, ...}, initializers = {[name] =
   value}, nodes = {{name =, op =, domain =, inputs =, outputs = {names}, attributes = {[name] =
   value}}, ...}}, or nil, message. The default domain is "". Values of tensors: see lonnx_tensor.h.
   Raises if the file is an ONNX file whose tensors contradict their shapes. */
static int onnx_read(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const Sb__Onnx__Model *m = (const void *)push_message(L, path, &sb__onnx__model__descriptor);
  if (!m) return 2;
  if (!m->graph) {
    luaL_pushfail(L);
    lua_pushfstring(L, "%s: not an ONNX model: it has no graph", path);
    return 2;
  }
  lua_createtable(L, 0, 8);
  set_integer(L, "ir_version", m->ir_version);
  set_string(L, "producer", m->producer_name);
  set_opsets(L, m);
  set_metadata(L, m);
  set_graph(L, m->graph, path);
  return 1;
}

/* read_tensor(path) -> the value of a file that holds one TensorProto, or nil, message. */
static int onnx_read_tensor(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  const Sb__Onnx__Tensor *t = (const void *)push_message(L, path, &sb__onnx__tensor__descriptor);
  if (!t) return 2;
  sb_push_onnx_tensor(L, t, path);
  return 1;
}

static const luaL_Reg functions[] = {{"read", onnx_read},
                                     {"read_tensor", onnx_read_tensor},
                                     {"append", sb_onnx_append},
                                     {NULL, NULL}};

int sb_open_onnx(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
