/* lcall.h: protected calls that Ctrl-C can stop. */
#ifndef SB_LCALL_H
#define SB_LCALL_H

#include <lua.h>

/* lua_pcall for the function below its nargs arguments, with a traceback in the message when it
   fails. While it runs, SIGINT raises the error "interrupted" at Lua's next instruction; the third
   one ends the process, for C code that does not come back. Calls may nest. */
int sb_call_interruptibly(lua_State *L, int nargs, int nresults);

/* uninterrupted(f, ...) --> f(...), a function for Lua: a SIGINT that arrives meanwhile raises
   "interrupted" once f is over. For what must not be left half done; the third SIGINT still ends
   the process. */
int sb_uninterrupted(lua_State *L);

#endif
