/* lprotobuf.h: decoded protocol buffers as Lua userdata, for the bindings of ONNX and Caffe. */
#ifndef SB_LPROTOBUF_H
#define SB_LPROTOBUF_H

#include <lua.h>
#include <protobuf-c/protobuf-c.h>

/* A userdata that will own one message; a binding may mark it with lua_toclose to free the message
   on return. May raise: the one step of decoding that can. */
typedef struct sb_protobuf sb_protobuf;
sb_protobuf *sb_push_protobuf(lua_State *L);

/* Decodes n bytes as a message of that type, which lives as long as its owner. NULL when the bytes
   are no such message or would unfold to more memory than their number justifies. The decoder
   recurses as deep as the schema allows: keep recursive message types out of the .proto. */
const ProtobufCMessage *sb_unpack_protobuf(sb_protobuf *owner,
                                           const ProtobufCMessageDescriptor *type,
                                           const char *bytes, size_t n);

#endif
