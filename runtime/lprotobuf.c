/* lprotobuf.c: decoding protocol buffers within a budget of memory. */
#include "lprotobuf.h"

#include <lauxlib.h>
#include <stdlib.h>

#define PROTOBUF "switchback.protobuf"

/* A field takes two bytes or more and the decoder keeps 40 bytes of notes on each, so an honest
   file of many small fields unfolds about twentyfold; a list of empty messages unfolds without
   bound. */
enum { UNFOLDING = 32, SPARE = 1 << 16 };

struct sb_protobuf {
  ProtobufCMessage *message; /* NULL before decoding and when freed */
  ProtobufCAllocator allocator;
  size_t budget; /* bytes that may still be allocated */
};

static void *allocate(void *data, size_t n) {
  sb_protobuf *p = data;
  if (n > p->budget) return NULL;
  p->budget -= n;
  return malloc(n);
}

static void release(void *data, void *block) {
  free(block);
}

static int protobuf_gc(lua_State *L) {
  sb_protobuf *p = luaL_checkudata(L, 1, PROTOBUF);
  if (p->message) protobuf_c_message_free_unpacked(p->message, &p->allocator);
  p->message = NULL;
  return 0;
}

sb_protobuf *sb_push_protobuf(lua_State *L) {
  sb_protobuf *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (sb_protobuf){NULL, {allocate, release, p}, SPARE};
  if (luaL_newmetatable(L, PROTOBUF)) {
    lua_pushcfunction(L, protobuf_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, protobuf_gc);
    lua_setfield(L, -2, "__close");
  }
  lua_setmetatable(L, -2);
  return p;
}

const ProtobufCMessage *sb_unpack_protobuf(sb_protobuf *owner,
                                           const ProtobufCMessageDescriptor *type,
                                           const char *bytes, size_t n) {
  owner->budget += n * UNFOLDING;
  owner->message = protobuf_c_message_unpack(type, &owner->allocator, n, (const uint8_t *)bytes);
  return owner->message;
}
