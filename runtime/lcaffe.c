/* lcaffe.c: the weights of a .caffemodel as Lua tables of tensors. */
#include <lauxlib.h>

#include "caffe.pb-c.h"
#include "dtype.h"
#include "lmodules.h"
#include "lprotobuf.h"
#include "ltensor.h"

/* Blobs of either form of layer. */
typedef struct blobs {
  const char *layer;
  size_t n;
  Sb__Caffe__Blob **blob;
} blobs;

static sb_shape blob_shape(const Sb__Caffe__Blob *b) {
  if (!b->shape) return sb_shape4(b->num, b->channels, b->height, b->width);
  sb_shape s = {.rank = -1};
  if (b->shape->n_dim > SB_MAX_RANK) return s;
  s.rank = (int)b->shape->n_dim;
  for (int i = 0; i < s.rank; i++) s.dim[i] = b->shape->dim[i];
  return s;
}

static void push_blob(lua_State *L, const blobs *of, size_t index) {
  const Sb__Caffe__Blob *b = of->blob[index];
  sb_shape shape = blob_shape(b);
  size_t n = b->n_data ? b->n_data : b->n_double_data;
  if (shape.rank < 0 || !sb_shape_valid(&shape) || (size_t)sb_shape_count(&shape) != n)
    luaL_error(L, "layer '%s': blob %d has %d numbers, which do not fit its shape", of->layer,
               (int)index + 1, (int)n);
  sb_tensor *t = sb_push_tensor(L, &shape);
  if (b->n_data)
    sb_dtype_convert(SB_DTYPE_F32, b->data, (int64_t)n, t->data);
  else
    sb_dtype_convert(SB_DTYPE_F64, b->double_data, (int64_t)n, t->data);
}

/* Pushes { name =, tensor, ... }. */
static void push_layer(lua_State *L, const blobs *of) {
  lua_createtable(L, (int)of->n, 1);
  lua_pushstring(L, of->layer);
  lua_setfield(L, -2, "name");
  for (size_t i = 0; i < of->n; i++) {
    push_blob(L, of, i);
    lua_seti(L, -2, (lua_Integer)i + 1);
  }
}

/* weights(bytes) -> list of { name =, blob tensors... } of the layers that have blobs; nil if the
   bytes are no such message. Raises if a blob contradicts itself. */
static int caffe_weights(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  const ProtobufCMessage *m =
      sb_unpack_protobuf(sb_push_protobuf(L), &sb__caffe__net__descriptor, bytes, n);
  if (!m) return luaL_pushfail(L), 1;
  lua_toclose(L, -1); /* the collector does not see how large a message is */
  const Sb__Caffe__Net *net = (const Sb__Caffe__Net *)m;
  lua_newtable(L);
  for (size_t i = 0; i < net->n_layer + net->n_layers; i++) {
    blobs of;
    if (i < net->n_layer) {
      const Sb__Caffe__Layer *layer = net->layer[i];
      of = (blobs){layer->name ? layer->name : "", layer->n_blobs, layer->blobs};
    } else {
      const Sb__Caffe__V1Layer *layer = net->layers[i - net->n_layer];
      of = (blobs){layer->name ? layer->name : "", layer->n_blobs, layer->blobs};
    }
    if (of.n == 0) continue;
    push_layer(L, &of);
    lua_seti(L, -2, luaL_len(L, -2) + 1);
  }
  return 1;
}

static const luaL_Reg functions[] = {{"weights", caffe_weights}, {NULL, NULL}};

int sb_open_caffe(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
