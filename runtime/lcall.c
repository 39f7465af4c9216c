/* lcall.c: protected calls that Ctrl-C can stop. */
#include "lcall.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>

enum { PATIENCE = 3 };

/* What the signal handler needs to know of the innermost call. */
typedef struct call {
  lua_State *L;
  pthread_t thread;
  volatile sig_atomic_t interrupts;
} call;

static call *volatile innermost;
static volatile sig_atomic_t held, waiting; /* calls of sb_uninterrupted; a SIGINT during one */

static void raise_interrupted(lua_State *L, lua_Debug *unused) {
  (void)unused;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted");
}

static void interrupt_soon(lua_State *L) {
  int every_event = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
  lua_sethook(L, raise_interrupted, every_event, 1);
}

/* lua_sethook is the one function of Lua that a handler may call, but only in Lua's own thread:
   the system may hand the signal to a worker. */
static void on_interrupt(int signal_number) {
  call *c = innermost;
  if (!pthread_equal(pthread_self(), c->thread)) {
    pthread_kill(c->thread, signal_number);
    return;
  }
  if (++c->interrupts >= PATIENCE) signal(signal_number, SIG_DFL), raise(signal_number);
  if (held)
    waiting = 1;
  else
    interrupt_soon(c->L);
}

int sb_uninterrupted(lua_State *L) {
  luaL_checkany(L, 1);
  held++;
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  if (--held == 0 && waiting) {
    waiting = 0;
    if (innermost) interrupt_soon(innermost->L);
  }
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* Errors that are not strings keep their own text, as in the lua program. */
static int add_traceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (!message) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, message, 1);
  return 1;
}

int sb_call_interruptibly(lua_State *L, int nargs, int nresults) {
  int base = lua_gettop(L) - nargs;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, base);
  call here = {.L = L, .thread = pthread_self()}, *outer = innermost;
  struct sigaction previous, ours = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
  sigemptyset(&ours.sa_mask);
  innermost = &here;
  sigaction(SIGINT, &ours, &previous);
  int status = lua_pcall(L, nargs, nresults, base);
  sigaction(SIGINT, &previous, NULL);
  innermost = outer;
  if (lua_gethook(L) == raise_interrupted) lua_sethook(L, NULL, 0, 0);
  lua_remove(L, base);
  return status;
}
