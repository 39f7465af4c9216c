# Switchback. The two commands are `make deps demo` and `make test-deps test`; see README.md.
VERSION := 0.1.0
PREFIX  ?= /usr/local
BUILD   ?= build
SWITCHBACK_SHARED ?= ../shared
SWITCHBACK_MODELS ?= $(SWITCHBACK_SHARED)/models
export SWITCHBACK_SHARED SWITCHBACK_MODELS

PACKAGES := gcc libc6-dev pkg-config lua5.4 liblua5.4-dev libopenblas-dev libstb-dev libedit-dev \
  libprotobuf-c-dev libdeflate-dev protobuf-c-compiler libkissfft-dev libarchive-dev lua-argparse lua-cjson \
  libcurl4-gnutls-dev nettle-dev ca-certificates liblinear-dev
TEST_PACKAGES := lua-unit lua-check clang-format libonnx-testdata valgrind

CC       := gcc
LIBS     := lua5.4 libprotobuf-c libdeflate libedit kissfft-float
# Loaded when first needed (runtime/library.h): their headers only.
HEADERS  := openblas
CFLAGS   ?= -O3 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
  -Wvla -Wundef -Wno-unused-parameter -Wno-missing-field-initializers
# Recursive on purpose: pkg-config must not run before `make deps` has installed it.
SB_CFLAGS = -std=c11 -D_GNU_SOURCE -DSB_VERSION='"$(VERSION)"' -fPIC -ffp-contract=fast \
  -fno-math-errno -fno-trapping-math -pthread $(WARNINGS) $(CFLAGS) -Iruntime -I$(BUILD)/proto \
  $(shell pkg-config --cflags $(LIBS) $(HEADERS) | sed 's/-I/-isystem /g') -isystem /usr/include/stb
SB_LIBS   = $(shell pkg-config --libs $(LIBS)) -lstb -lm -pthread

SOURCES := $(filter-out runtime/main.c,$(wildcard runtime/*.c runtime/*/*.c))
PROTOS  := $(wildcard runtime/*.proto)
SCHEMAS := $(PROTOS:runtime/%.proto=$(BUILD)/proto/%.pb-c.h)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(SCHEMAS:.h=.o)
HOST    := $(BUILD)/switchback
MODULE  := $(BUILD)/lib/switchback/core.so
TEST_MODULES := $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/*.c))

# All cores, unless the command line says -j; a make inside a make shares its jobs.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
# What `make deps demo` builds must wait for the packages, with -j too.
FIRST := $(filter deps test-deps,$(MAKECMDGOALS))

# make V=1 shows the commands.
Q := $(if $(V),,@)

.PHONY: all deps test-deps demo test bench check asan valgrind install uninstall clean
.SECONDARY:
.DELETE_ON_ERROR:

all: $(HOST) $(MODULE)

$(HOST): $(BUILD)/runtime/main.o $(OBJECTS)
	@echo LINK $@
	$(Q)$(CC) $(SB_CFLAGS) $(LDFLAGS) -Wl,-E -o $@ $^ $(SB_LIBS)

# The worker threads outlive a Lua state, so the module must stay in memory when one is closed.
$(MODULE): $(OBJECTS)
	@mkdir -p $(@D); echo LINK $@
	$(Q)$(CC) $(SB_CFLAGS) $(LDFLAGS) -shared -Wl,-z,nodelete -o $@ $^ $(filter-out -llua5.4,$(SB_LIBS))

$(BUILD)/runtime/%.o: runtime/%.c $(SCHEMAS) Makefile | $(FIRST)
	@mkdir -p $(@D); echo CC $<
	$(Q)$(CC) $(SB_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/proto/%.pb-c.c $(BUILD)/proto/%.pb-c.h: runtime/%.proto | $(FIRST)
	@mkdir -p $(@D); echo PROTOC $<
	$(Q)protoc-c --c_out=$(BUILD)/proto -Iruntime $<

$(BUILD)/proto/%.pb-c.o: $(BUILD)/proto/%.pb-c.c
	@echo CC $<
	$(Q)$(CC) $(SB_CFLAGS) -Wno-shadow -c -o $@ $<

# What only tests need in C.
$(BUILD)/tests/%.so: tests/%.c Makefile | $(FIRST)
	@mkdir -p $(@D); echo CC $<
	$(Q)$(CC) $(SB_CFLAGS) -shared -o $@ $<

# ---- Packages --------------------------------------------------------------------------------

SUDO = $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
# Nothing is asked of apt (nor of root) when all is there; package lists are fetched when needed.
define install-packages
@missing=$$(for p in $(1); do \
  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
test -z "$$missing" || { export DEBIAN_FRONTEND=noninteractive; \
  $(SUDO) apt-get install -y -q --no-install-recommends $$missing || \
  { $(SUDO) apt-get update && $(SUDO) apt-get install -y -q --no-install-recommends $$missing; }; }
endef

deps:
	$(call install-packages,$(PACKAGES))

test-deps: | $(filter deps,$(MAKECMDGOALS))
	$(call install-packages,$(PACKAGES) $(TEST_PACKAGES))

# ---- Trying it ---------------------------------------------------------------------------------

PHOTOS := tests/images

demo: all
	$(HOST) classify --image $(PHOTOS)/chelsea.png
	$(HOST) classify --image $(PHOTOS)/coffee.png
	$(HOST) deconv --image $(PHOTOS)/chelsea.png --layer pool3 --out out/deconv.png
	$(HOST) attribute --image $(PHOTOS)/coffee.png --out out/attribute.png

# All tests in the default mode; make test PRECISION=exact runs them in the other (sb.precision).
test: all $(TEST_MODULES)
	$(if $(PRECISION),SWITCHBACK_PRECISION=$(PRECISION)) $(HOST) tests/run.lua

# Against PyTorch and ONNX Runtime, where they are: make bench [THREADS="1 2"] [ONLY=name] [JSON=out.json]
bench: all
	$(HOST) tests/bench/run.lua "THREADS=$(THREADS)" "ONLY=$(ONLY)" "JSON=$(JSON)"

# ---- Checking it -------------------------------------------------------------------------------

C_FILES := $(wildcard runtime/*.[ch] runtime/*/*.[ch] tests/*.c)

check:
	luacheck -q --no-color lualib scripts tests models
	@echo clang-format; clang-format --dry-run -Werror $(C_FILES)
	@! grep -lE '#include *[<"](lua|lauxlib|lualib)\.h' $(filter runtime/%,$(C_FILES)) | \
	  grep -vE '^runtime/(l[^/]*|main|switchback)\.[ch]$$' || \
	  { echo "only l*.c, l*.h, main.c and switchback.h know Lua's headers"; exit 1; }
	$(MAKE) BUILD=build/strict CFLAGS="-O2 -Werror -Wformat=2 -Wwrite-strings" all

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
asan:
	$(MAKE) BUILD=build/asan CFLAGS="-O2 -g $(SANITIZE)" build/asan/switchback $(TEST_MODULES:build/%=build/asan/%)
	ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 build/asan/switchback tests/run.lua

# The bindings' tests: what they allocate must be found again, and nothing else touched.
VALGRIND := valgrind -q --suppressions=tests/valgrind.supp --leak-check=full --show-leak-kinds=definite,indirect \
  --errors-for-leak-kinds=definite,indirect --error-exitcode=9
valgrind: all $(TEST_MODULES)
	$(VALGRIND) $(HOST) tests/run.lua tensor rng image layer safetensors system bytes archive fetch

# ---- Installing it -----------------------------------------------------------------------------

BIN   = $(DESTDIR)$(PREFIX)/bin
CLIB  = $(DESTDIR)$(PREFIX)/lib/lua/5.4/switchback
LUA   = $(DESTDIR)$(PREFIX)/share/lua/5.4/switchback
SHARE = $(DESTDIR)$(PREFIX)/share/switchback

install: all
	install -D -m 755 $(HOST) $(BIN)/switchback
	install -D -m 644 $(MODULE) $(CLIB)/core.so
	cd lualib/switchback && find . -name '*.lua' -exec install -D -m 644 {} $(abspath $(LUA))/{} \;
	find scripts models -type f -exec install -D -m 644 {} $(SHARE)/{} \;

uninstall:
	rm -rf $(BIN)/switchback $(CLIB) $(LUA) $(SHARE)

clean:
	rm -rf build out

-include $(wildcard $(BUILD)/runtime/*.d $(BUILD)/runtime/*/*.d)
