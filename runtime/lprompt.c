/* lprompt.c: a line editor with history for the prompt, by libedit. */
#include <errno.h>
#include <histedit.h>
#include <lauxlib.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lmodules.h"

#define PROMPT "switchback.prompt"
enum { HISTORY_SIZE = 1000 };

typedef struct prompt {
  EditLine *editor;
  History *history;
  char text[64]; /* what stands before the line being edited */
  bool interrupted;
  struct sigaction old_interrupt; /* of SIGINT, while the prompt is open */
} prompt;

static prompt *check_prompt(lua_State *L) {
  prompt *p = luaL_checkudata(L, 1, PROMPT);
  luaL_argcheck(L, p->editor, 1, "the prompt is closed");
  return p;
}

static int prompt_close(lua_State *L) {
  prompt *p = luaL_checkudata(L, 1, PROMPT);
  if (p->editor) {
    sigaction(SIGINT, &p->old_interrupt, NULL);
    el_end(p->editor);
  }
  if (p->history) history_end(p->history);
  p->editor = NULL, p->history = NULL;
  return 0;
}

/* ---- What libedit calls -------------------------------------------------------------------- */

static prompt *owner(EditLine *editor) {
  void *p;
  el_get(editor, EL_CLIENTDATA, &p);
  return p;
}

static char *prompt_text(EditLine *editor) {
  return owner(editor)->text;
}

static unsigned char drop_line(EditLine *editor, int unused) {
  (void)unused;
  owner(editor)->interrupted = true;
  return CC_EOF;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static unsigned char suspend(EditLine *editor, int unused) {
  (void)editor, (void)unused;
  raise(SIGTSTP);
  return CC_NORM;
}

/* While a line is edited Ctrl-C and Ctrl-Z are keys like others, not signals. */
static void bind_keys(EditLine *editor) {
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_SETTY, "-d", "-isig", NULL);
  el_set(editor, EL_ADDFN, "drop-line", "Drop the line", drop_line);
  el_set(editor, EL_ADDFN, "suspend", "Stop the process", suspend);
  el_set(editor, EL_BIND, "^C", "drop-line", NULL);
  el_set(editor, EL_BIND, "^Z", "suspend", NULL);
  el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

static bool start_editor(prompt *p) {
  p->history = history_init();
  if (!p->history) return false;
  HistEvent event;
  history(p->history, &event, H_SETSIZE, HISTORY_SIZE);
  history(p->history, &event, H_SETUNIQUE, 1);
  p->editor = el_init("switchback", stdin, stdout, stderr);
  if (!p->editor) return false;
  el_set(p->editor, EL_CLIENTDATA, p);
  el_set(p->editor, EL_PROMPT, prompt_text);
  el_set(p->editor, EL_HIST, history, p->history);
  el_set(p->editor, EL_SIGNAL, 1); /* redraws after a stop or a new window size */
  bind_keys(p->editor);
  el_source(p->editor, NULL);
  return true;
}

/* open() --> prompt on standard input and output; or nil, message. Until it is closed, Ctrl-C does
   not end the process. */
static int prompt_open(lua_State *L) {
  prompt *p = lua_newuserdatauv(L, sizeof *p, 0);
  memset(p, 0, sizeof *p);
  luaL_setmetatable(L, PROMPT);
  setlocale(LC_CTYPE, "");
  if (!start_editor(p)) {
    luaL_pushfail(L);
    lua_pushliteral(L, "cannot start the line editor");
    return 2;
  }
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGINT, &ignore, &p->old_interrupt);
  return 1;
}

/* ---- Using it ------------------------------------------------------------------------------ */

/* read(text) --> the line that was typed, without its end; or nil, "end" or "interrupted". */
static int prompt_read(lua_State *L) {
  prompt *p = check_prompt(L);
  snprintf(p->text, sizeof p->text, "%s", luaL_checkstring(L, 2));
  p->interrupted = false;
  int n = 0;
  const char *line = el_gets(p->editor, &n);
  if (!line || n <= 0 || p->interrupted) {
    el_reset(p->editor);
    fputc('\n', stdout);
    luaL_pushfail(L);
    lua_pushstring(L, p->interrupted ? "interrupted" : "end");
    return 2;
  }
  lua_pushlstring(L, line, line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n);
  return 1;
}

/* remember(line): adds it to the history, unless it is the line before. */
static int prompt_remember(lua_State *L) {
  prompt *p = check_prompt(L);
  HistEvent event;
  history(p->history, &event, H_ENTER, luaL_checkstring(L, 2));
  return 0;
}

static int history_file(lua_State *L, int operation) {
  prompt *p = check_prompt(L);
  const char *path = luaL_checkstring(L, 2);
  HistEvent event;
  errno = EINVAL; /* what libedit sets for trouble of its own: nothing */
  return luaL_fileresult(L, history(p->history, &event, operation, path) >= 0, path);
}

/* load(path), save(path) --> true; or nil, message: the history as a file. */
static int prompt_load(lua_State *L) {
  return history_file(L, H_LOAD);
}

static int prompt_save(lua_State *L) {
  return history_file(L, H_SAVE);
}

static const luaL_Reg methods[] = {{"read", prompt_read},   {"remember", prompt_remember},
                                   {"load", prompt_load},   {"save", prompt_save},
                                   {"close", prompt_close}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__gc", prompt_close}, {"__close", prompt_close}, {"__index", NULL}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"open", prompt_open}, {NULL, NULL}};

int sb_open_prompt(lua_State *L) {
  luaL_newmetatable(L, PROMPT);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
