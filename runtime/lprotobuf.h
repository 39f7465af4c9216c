/* lprotobuf.h: decoded protocol buffers as Lua userdata, for the bindings of ONNX and Caffe. */
#ifndef SB_LPROTOBUF_H
#define SB_LPROTOBUF_H

#include <lua.h>
#include <protobuf-c/protobuf-c.h>

/* Decodes n bytes as a message of that type and pushes a userdata that owns it; the message lives
   as long as the userdata, which a binding may mark with lua_toclose to free it on return. Returns
   NULL, with nothing pushed, when the bytes are no such message or would unfold to more memory
   than their number justifies. The decoder recurses as deep as the schema allows: keep recursive
   message types out of the .proto. */
const ProtobufCMessage *sb_push_protobuf(lua_State *L, const ProtobufCMessageDescriptor *type,
                                         const char *bytes, size_t n);

#endif
