/* http_server.c: a small HTTP server on loopback for tests, as a Lua module. It answers GET, with
   ranges, from a list of files, one connection after the other in a thread of its own.

   start{ {path =, body =, status = 200, location =, cut = n, whole = true}... } --> server
     location  the answer is a redirect to there
     cut       the first answer stops after n bytes of the body
     whole     ranges are not honoured
   server:port(); server:requests() --> a line "PATH FIRST-BYTE" for each so far; server:stop() */
#include <arpa/inet.h>
#include <lauxlib.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER "switchback.test.server"
enum { MOST_FILES = 16, LOG = 1 << 14 };

typedef struct entry {
  char *path, *body, *location;
  size_t size;
  long status, cut;
  bool whole;
} entry;

typedef struct server {
  entry files[MOST_FILES];
  int count, socket;
  char log[LOG]; /* requests, a line each */
  pthread_mutex_t lock;
  pthread_t thread;
  bool running;
} server;

static void send_all(int to, const char *bytes, size_t n) {
  for (ssize_t sent; n > 0; bytes += sent, n -= (size_t)sent)
    if ((sent = send(to, bytes, n, MSG_NOSIGNAL)) <= 0) return;
}

/* The first byte asked for by "Range: bytes=N-"; 0 without one. */
static size_t range_of(const char *request) {
  const char *range = strstr(request, "Range: bytes=");
  return range ? (size_t)strtoull(range + strlen("Range: bytes="), NULL, 10) : 0;
}

static void answer_file(int to, entry *f, size_t from) {
  char head[512];
  bool part = from > 0 && !f->whole;
  if (part && from >= f->size) {
    snprintf(head, sizeof head,
             "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    send_all(to, head, strlen(head));
    return;
  }
  size_t first = part ? from : 0, n = f->size - first;
  int used = snprintf(head, sizeof head, "HTTP/1.1 %ld Yes\r\nContent-Length: %zu\r\n",
                      part ? 206 : f->status, f->status == 200 ? n : 0);
  if (part)
    used += snprintf(head + used, sizeof head - (size_t)used,
                     "Content-Range: bytes %zu-%zu/%zu\r\n", first, f->size - 1, f->size);
  snprintf(head + used, sizeof head - (size_t)used, "Connection: close\r\n\r\n");
  send_all(to, head, strlen(head));
  if (f->status != 200) return;
  if (f->cut >= 0 && (size_t)f->cut < n) n = (size_t)f->cut;
  f->cut = -1;
  send_all(to, f->body + first, n);
}

static void answer(server *s, int to, const char *path, size_t from) {
  char head[512] = "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  for (int i = 0; i < s->count; i++) {
    entry *f = &s->files[i];
    if (strcmp(f->path, path) != 0) continue;
    if (!f->location) {
      answer_file(to, f, from);
      return;
    }
    snprintf(head, sizeof head,
             "HTTP/1.1 302 There\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             f->location);
  }
  send_all(to, head, strlen(head));
}

static void note(server *s, const char *path, size_t from) {
  pthread_mutex_lock(&s->lock);
  size_t used = strlen(s->log);
  snprintf(s->log + used, sizeof s->log - used, "%s %zu\n", path, from);
  pthread_mutex_unlock(&s->lock);
}

static void serve(server *s, int client) {
  char request[4096] = "", path[256] = "";
  size_t got = 0;
  while (got < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
    ssize_t n = recv(client, request + got, sizeof request - 1 - got, 0);
    if (n <= 0) return;
    got += (size_t)n;
    request[got] = '\0';
  }
  if (sscanf(request, "GET %255s", path) != 1) return;
  note(s, path, range_of(request));
  answer(s, client, path, range_of(request));
}

static void *run(void *context) {
  server *s = context;
  for (int client; (client = accept(s->socket, NULL, NULL)) >= 0;) {
    serve(s, client);
    shutdown(client, SHUT_WR);
    close(client);
  }
  return NULL;
}

static int stop(lua_State *L) {
  server *s = luaL_checkudata(L, 1, SERVER);
  if (!s->running) return 0;
  s->running = false;
  shutdown(s->socket, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->socket);
  for (int i = 0; i < s->count; i++)
    free(s->files[i].path), free(s->files[i].body), free(s->files[i].location);
  return 0;
}

static char *copy_field(lua_State *L, const char *name, size_t *size) {
  char *copy = NULL;
  if (lua_getfield(L, -1, name) == LUA_TSTRING) {
    const char *text = lua_tolstring(L, -1, size);
    copy = malloc(*size + 1);
    memcpy(copy, text, *size + 1);
  }
  lua_pop(L, 1);
  return copy;
}

static long number_field(lua_State *L, const char *name, long otherwise) {
  lua_getfield(L, -1, name);
  long n = (long)luaL_optinteger(L, -1, otherwise);
  lua_pop(L, 1);
  return n;
}

/* Reads the file described by the table on top of the stack. */
static void read_entry(lua_State *L, entry *f) {
  size_t unused;
  f->path = copy_field(L, "path", &unused);
  f->location = copy_field(L, "location", &unused);
  f->body = copy_field(L, "body", &f->size);
  f->status = number_field(L, "status", 200);
  f->cut = number_field(L, "cut", -1);
  lua_getfield(L, -1, "whole");
  f->whole = lua_toboolean(L, -1);
  lua_pop(L, 1);
}

static int listen_on_loopback(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0 || bind(s, (struct sockaddr *)&address, length) != 0 || listen(s, 8) != 0 ||
      getsockname(s, (struct sockaddr *)&address, &length) != 0)
    return -1;
  *port = ntohs(address.sin_port);
  return s;
}

static int start(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  server *s = lua_newuserdatauv(L, sizeof *s, 1);
  *s = (server){.lock = PTHREAD_MUTEX_INITIALIZER};
  luaL_setmetatable(L, SERVER);
  s->count = (int)luaL_len(L, 1);
  if (s->count > MOST_FILES) return luaL_error(L, "at most %d files", MOST_FILES);
  for (int i = 0; i < s->count; i++) {
    lua_geti(L, 1, i + 1);
    read_entry(L, &s->files[i]);
    lua_pop(L, 1);
  }
  int port;
  s->socket = listen_on_loopback(&port);
  if (s->socket < 0 || pthread_create(&s->thread, NULL, run, s) != 0)
    return luaL_error(L, "the server cannot be started");
  s->running = true;
  lua_pushinteger(L, port);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

static int requests(lua_State *L) {
  server *s = luaL_checkudata(L, 1, SERVER);
  pthread_mutex_lock(&s->lock);
  lua_pushstring(L, s->log);
  pthread_mutex_unlock(&s->lock);
  return 1;
}

static int port(lua_State *L) {
  luaL_checkudata(L, 1, SERVER);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static const luaL_Reg methods[] = {
    {"stop", stop}, {"requests", requests}, {"port", port}, {NULL, NULL}};

int luaopen_http_server(lua_State *L);
int luaopen_http_server(lua_State *L) {
  luaL_newmetatable(L, SERVER);
  lua_pushcfunction(L, stop);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_newtable(L);
  lua_pushcfunction(L, start);
  lua_setfield(L, -2, "start");
  return 1;
}
