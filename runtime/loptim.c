/* loptim.c: switchback.core.optim, what optimisers do to every number of their values. */
#include <lauxlib.h>

#include "adam.h"
#include "lmodules.h"
#include "ltensor.h"
#include "sgd.h"

static double number_field(lua_State *L, int arg, const char *name) {
  int is_number;
  lua_getfield(L, arg, name);
  double value = lua_tonumberx(L, -1, &is_number);
  if (!is_number) luaL_error(L, "optim: %s must be a number", name);
  lua_pop(L, 1);
  return value;
}

/* The settings in the table at `arg`. */
static sb_adam check_adam(lua_State *L, int arg) {
  luaL_checktype(L, arg, LUA_TTABLE);
  sb_adam s = {.rate = number_field(L, arg, "rate"),
               .beta1 = number_field(L, arg, "beta1"),
               .beta2 = number_field(L, arg, "beta2"),
               .epsilon = number_field(L, arg, "epsilon"),
               .step = (int64_t)number_field(L, arg, "steps"),
               .keep = 1};
  double decay = number_field(L, arg, "weight_decay");
  lua_getfield(L, arg, "decoupled");
  if (lua_toboolean(L, -1))
    s.keep = 1 - s.rate * decay;
  else
    s.decay = decay;
  luaL_argcheck(L, s.step >= 1, arg, "steps must count from 1");
  return s;
}

/* The tensors from argument 1 to `last` are of one shape and share no memory. */
static void check_apart(lua_State *L, int last) {
  const sb_tensor *x = sb_check_tensor(L, 1);
  for (int i = 2; i <= last; i++) {
    const sb_tensor *t = sb_check_tensor(L, i);
    luaL_argcheck(L, sb_shape_equal(&x->shape, &t->shape), i, "differs from x in shape");
    for (int k = 1; k < i; k++)
      luaL_argcheck(L, sb_check_tensor(L, k)->data != t->data, i, "is another's");
  }
}

/* adam(x, g, m, v, settings): a step (adam.h) that overwrites x, m and v; all four are of one shape
   and share no memory. settings: { rate =, beta1 =, beta2 =, epsilon =, weight_decay =, decoupled
   =, steps = of this step, from 1 }. */
static int optim_adam(lua_State *L) {
  sb_tensor *x = sb_check_writable(L, 1), *g = sb_check_tensor(L, 2);
  sb_tensor *m = sb_check_writable(L, 3), *v = sb_check_writable(L, 4);
  check_apart(L, 4);
  sb_adam s = check_adam(L, 5);
  sb_adam_step(&s, sb_count(x), x->data, g->data, m->data, v->data);
  return 0;
}

/* sgd(x, g, v or nil, settings): a step (sgd.h) that overwrites x and v. settings: { rate =,
   momentum =, weight_decay =, nesterov = }; without v there is no momentum. */
static int optim_sgd(lua_State *L) {
  sb_tensor *x = sb_check_writable(L, 1), *g = sb_check_tensor(L, 2);
  sb_tensor *v = lua_isnil(L, 3) ? NULL : sb_check_writable(L, 3);
  check_apart(L, v ? 3 : 2);
  luaL_checktype(L, 4, LUA_TTABLE);
  sb_sgd s = {.rate = number_field(L, 4, "rate"),
              .momentum = number_field(L, 4, "momentum"),
              .decay = number_field(L, 4, "weight_decay")};
  lua_getfield(L, 4, "nesterov");
  s.nesterov = lua_toboolean(L, -1);
  sb_sgd_step(&s, sb_count(x), x->data, g->data, v ? v->data : NULL);
  return 0;
}

static const luaL_Reg functions[] = {{"adam", optim_adam}, {"sgd", optim_sgd}, {NULL, NULL}};

int sb_open_optim(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
