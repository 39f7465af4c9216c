/* lparam.c: layer configurations from and to Lua. */
#include "lparam.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>

#include "ltensor.h"
#include "suggest.h"

static void *field_of(const sb_param *p, const void *config) {
  return (char *)config + p->offset;
}

/* ---- Lua to C: the value is on top of the stack ------------------------------------------------
 */

static lua_Number number_at(lua_State *L, int index, const sb_layer *l, const sb_param *p) {
  if (!lua_isnumber(L, index))
    luaL_error(L, "%s: '%s' must be a number, got %s", l->name, p->name, luaL_typename(L, index));
  lua_Number n = lua_tonumber(L, index);
  if (n < p->minimum)
    luaL_error(L, "%s: '%s' must be at least %f, got %f", l->name, p->name, p->minimum, n);
  return n;
}

static lua_Integer integer_at(lua_State *L, int index, const sb_layer *l, const sb_param *p) {
  lua_Number n = number_at(L, index, l, p);
  int exact;
  lua_Integer i = lua_tointegerx(L, index, &exact);
  if (!exact) luaL_error(L, "%s: '%s' must be an integer, got %f", l->name, p->name, n);
  return i;
}

static int int_at(lua_State *L, int index, const sb_layer *l, const sb_param *p) {
  lua_Integer i = integer_at(L, index, l, p);
  if (i < INT_MIN || i > INT_MAX)
    luaL_error(L, "%s: '%s' is out of range: %I", l->name, p->name, (LUAI_UACINT)i);
  return (int)i;
}

/* A dimension: 1-based in Lua (negative counts from the end), 0-based in C. */
static int axis_at(lua_State *L, int index, const sb_layer *l, const sb_param *p) {
  int axis = int_at(L, index, l, p);
  if (axis == 0 || axis > SB_MAX_RANK || axis < -SB_MAX_RANK)
    luaL_error(L, "%s: '%s' must be 1 to %d, or -%d to -1 from the end, got %d", l->name, p->name,
               SB_MAX_RANK, SB_MAX_RANK, axis);
  return axis > 0 ? axis - 1 : axis;
}

/* Calls read_item(i) for the entries of a list (a lone value is a list of one); answers the length.
 */
static int list_length(lua_State *L, const sb_layer *l, const sb_param *p, int most) {
  if (!lua_istable(L, -1)) return 1;
  lua_Integer n = luaL_len(L, -1);
  if (n > most)
    luaL_error(L, "%s: '%s' takes at most %d values, got %d", l->name, p->name, most, (int)n);
  return (int)n;
}

static void push_item(lua_State *L, int i) {
  if (lua_istable(L, -1))
    lua_geti(L, -1, i + 1);
  else
    lua_pushvalue(L, -1);
}

static void read_small_ints(lua_State *L, const sb_layer *l, const sb_param *p, int *out,
                            int want) {
  int n = list_length(L, l, p, want), v[4] = {0};
  if (n == 0 || n == 3)
    luaL_error(L, "%s: '%s' takes %s values, got %d", l->name, p->name,
               want == 2 ? "1 or 2" : "1, 2 or 4", n);
  for (int i = 0; i < n; i++) {
    push_item(L, i);
    v[i] = int_at(L, -1, l, p);
    lua_pop(L, 1);
  }
  for (int i = 0; i < want; i++) out[i] = v[i % n];
}

static void read_ints(lua_State *L, const sb_layer *l, const sb_param *p, sb_ints *out) {
  out->n = list_length(L, l, p, SB_MAX_LIST);
  for (int i = 0; i < out->n; i++) {
    push_item(L, i);
    out->v[i] = p->type == SB_AXES ? axis_at(L, -1, l, p) : integer_at(L, -1, l, p);
    lua_pop(L, 1);
  }
}

static void read_floats(lua_State *L, const sb_layer *l, const sb_param *p, sb_floats *out) {
  out->n = list_length(L, l, p, SB_MAX_LIST);
  for (int i = 0; i < out->n; i++) {
    push_item(L, i);
    out->v[i] = number_at(L, -1, l, p);
    lua_pop(L, 1);
  }
}

static int choice_at(lua_State *L, const sb_layer *l, const sb_param *p) {
  const char *given = luaL_tolstring(L, -1, NULL);
  luaL_Buffer b;
  for (int i = 0; p->choices[i]; i++)
    if (strcmp(given, p->choices[i]) == 0) {
      lua_pop(L, 1);
      return i;
    }
  luaL_buffinit(L, &b);
  for (int i = 0; p->choices[i]; i++) {
    if (i) luaL_addstring(&b, ", ");
    luaL_addstring(&b, p->choices[i]);
  }
  luaL_pushresult(&b);
  return luaL_error(L, "%s: '%s' must be one of %s; got '%s'", l->name, p->name,
                    lua_tostring(L, -1), given);
}

static void read_value(lua_State *L, const sb_layer *l, const sb_param *p, void *config) {
  void *field = field_of(p, config);
  switch (p->type) {
  case SB_INT: *(int *)field = int_at(L, -1, l, p); break;
  case SB_AXIS: *(int *)field = axis_at(L, -1, l, p); break;
  case SB_FLOAT: *(double *)field = number_at(L, -1, l, p); break;
  case SB_BOOL:
    if (!lua_isboolean(L, -1))
      luaL_error(L, "%s: '%s' must be true or false, got %s", l->name, p->name,
                 luaL_typename(L, -1));
    *(bool *)field = lua_toboolean(L, -1);
    break;
  case SB_CHOICE: *(int *)field = choice_at(L, l, p); break;
  case SB_PAIR: read_small_ints(L, l, p, field, 2); break;
  case SB_PADS: read_small_ints(L, l, p, field, 4); break;
  case SB_INTS:
  case SB_AXES: read_ints(L, l, p, field); break;
  case SB_FLOATS: read_floats(L, l, p, field); break;
  }
}

/* Pushes the default, which is Lua source. */
static void push_fallback(lua_State *L, const sb_param *p) {
  lua_pushfstring(L, "return %s", p->fallback);
  if (luaL_loadstring(L, lua_tostring(L, -1)) != LUA_OK) lua_error(L);
  lua_remove(L, -2);
  lua_call(L, 0, 1);
}

/* ---- Unknown keys ------------------------------------------------------------------------------
 */

static bool is_known(const sb_layer *l, const char *key) {
  for (const sb_param *p = l->params; p && p->name; p++)
    if (strcmp(p->name, key) == 0) return true;
  for (const sb_weight *w = l->weights; w && w->name; w++)
    if (strcmp(w->name, key) == 0) return true;
  return strcmp(key, "rng") == 0;
}

static const char *nearest(const sb_layer *l, const char *key) {
  const char *best = NULL;
  int best_distance = 4;
  for (const sb_param *p = l->params; p && p->name; p++) {
    int d = sb_edit_distance(key, p->name);
    if (d < best_distance) best = p->name, best_distance = d;
  }
  return best;
}

static void refuse_unknown_keys(lua_State *L, int table, const sb_layer *l) {
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      luaL_error(L, "%s: parameters are given by name: %s{name = value}", l->name, l->name);
    const char *key = lua_tostring(L, -2);
    if (is_known(l, key)) continue;
    const char *near = nearest(l, key);
    if (near) luaL_error(L, "%s: unknown parameter '%s'; did you mean '%s'?", l->name, key, near);
    luaL_error(L, "%s: unknown parameter '%s'", l->name, key);
  }
}

void sb_read_config(lua_State *L, int table, const sb_layer *layer, void *config) {
  table = lua_absindex(L, table);
  refuse_unknown_keys(L, table, layer);
  for (const sb_param *p = layer->params; p && p->name; p++) {
    if (lua_getfield(L, table, p->name) == LUA_TNIL) {
      if (!p->fallback) luaL_error(L, "%s: '%s' is required (%s)", layer->name, p->name, p->help);
      lua_pop(L, 1);
      push_fallback(L, p);
    } else if (sb_to_tensor(L, -1)) {
      lua_pop(L, 1); /* a tensor under a shared name such as bias means "present" */
      lua_pushboolean(L, 1);
    }
    read_value(L, layer, p, config);
    lua_pop(L, 1);
  }
}

/* ---- C to Lua ----------------------------------------------------------------------------------
 */

static void push_ints(lua_State *L, const int64_t *v, int n, bool is_axis) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushinteger(L, v[i] + (is_axis && v[i] >= 0));
    lua_seti(L, -2, i + 1);
  }
}

static void push_small_ints(lua_State *L, const int *v, int n) {
  int64_t wide[4];
  for (int i = 0; i < n; i++) wide[i] = v[i];
  push_ints(L, wide, n, false);
}

static void push_floats(lua_State *L, const sb_floats *f) {
  lua_createtable(L, f->n, 0);
  for (int i = 0; i < f->n; i++) {
    lua_pushnumber(L, f->v[i]);
    lua_seti(L, -2, i + 1);
  }
}

static void push_value(lua_State *L, const sb_param *p, const void *config) {
  const void *field = field_of(p, config);
  const sb_ints *list = field;
  int axis;
  switch (p->type) {
  case SB_INT: lua_pushinteger(L, *(const int *)field); break;
  case SB_AXIS: axis = *(const int *)field, lua_pushinteger(L, axis + (axis >= 0)); break;
  case SB_FLOAT: lua_pushnumber(L, *(const double *)field); break;
  case SB_BOOL: lua_pushboolean(L, *(const bool *)field); break;
  case SB_CHOICE: lua_pushstring(L, p->choices[*(const int *)field]); break;
  case SB_PAIR: push_small_ints(L, field, 2); break;
  case SB_PADS: push_small_ints(L, field, 4); break;
  case SB_INTS:
  case SB_AXES: push_ints(L, list->v, list->n, p->type == SB_AXES); break;
  case SB_FLOATS: push_floats(L, field); break;
  }
}

void sb_push_config(lua_State *L, const sb_layer *layer, const void *config) {
  lua_newtable(L);
  for (const sb_param *p = layer->params; p && p->name; p++) {
    push_value(L, p, config);
    lua_setfield(L, -2, p->name);
  }
}

/* Replaces the value on top by its text; lists become "{1,2}". */
static void value_to_text(lua_State *L) {
  if (lua_istable(L, -1)) {
    luaL_Buffer b;
    int table = lua_absindex(L, -1), n = (int)luaL_len(L, table);
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
      luaL_addstring(&b, i == 1 ? "{" : ",");
      lua_geti(L, table, i);
      luaL_addvalue(&b);
    }
    luaL_addstring(&b, n ? "}" : "{}");
    luaL_pushresult(&b);
  } else {
    luaL_tolstring(L, -1, NULL);
  }
  lua_remove(L, -2);
}

/* Pushes the text of the default as a config would print it. */
static void push_fallback_text(lua_State *L, const sb_layer *l, const sb_param *p) {
  void *config = lua_newuserdatauv(L, l->config_size, 0);
  push_fallback(L, p);
  read_value(L, l, p, config);
  lua_pop(L, 1);
  push_value(L, p, config);
  value_to_text(L);
  lua_remove(L, -2);
}

void sb_push_config_text(lua_State *L, const sb_layer *layer, const void *config) {
  int items = 0;
  lua_pushfstring(L, "%s{", layer->name);
  for (const sb_param *p = layer->params; p && p->name; p++) {
    push_value(L, p, config);
    value_to_text(L);
    if (p->fallback) {
      push_fallback_text(L, layer, p);
      bool is_default = lua_rawequal(L, -1, -2);
      lua_pop(L, 1);
      if (is_default) {
        lua_pop(L, 1);
        continue;
      }
    }
    lua_pushfstring(L, "%s%s%s=%s", lua_tostring(L, -2), items++ ? ", " : "", p->name,
                    lua_tostring(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
  }
  lua_pushliteral(L, "}");
  lua_concat(L, 2);
}
