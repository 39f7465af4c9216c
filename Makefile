# Switchback. `make` builds the host program and the loadable module; see README.md.
VERSION := 0.1.0
PREFIX  ?= /usr/local
BUILD   ?= build
CC      ?= gcc
SWITCHBACK_SHARED ?= ../shared
export SWITCHBACK_SHARED

PACKAGES := build-essential pkg-config lua5.4 liblua5.4-dev libopenblas-dev libstb-dev \
  libprotobuf-c-dev protobuf-c-compiler lua-argparse lua-cjson libedit-dev
TEST_PACKAGES := lua-unit lua-check clang-format libonnx-testdata valgrind

LIBS     := lua5.4 openblas libprotobuf-c libedit
CFLAGS   ?= -O3 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
  -Wvla -Wundef -Wno-unused-parameter -Wno-missing-field-initializers
# Recursive on purpose: pkg-config must not run before `make deps` has installed it.
SB_CFLAGS = -std=c11 -D_GNU_SOURCE -DSB_VERSION='"$(VERSION)"' -fPIC -ffp-contract=fast \
  -fno-math-errno -pthread $(WARNINGS) $(CFLAGS) -Iruntime -I$(BUILD)/proto \
  $(shell pkg-config --cflags $(LIBS) | sed 's/-I/-isystem /g') -isystem /usr/include/stb
SB_LIBS   = $(shell pkg-config --libs $(LIBS)) -lstb -lm -pthread

SOURCES := $(filter-out runtime/main.c,$(wildcard runtime/*.c runtime/*/*.c))
PROTOS  := $(wildcard runtime/*.proto)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(PROTOS:runtime/%.proto=$(BUILD)/proto/%.pb-c.o)
HOST    := $(BUILD)/switchback
MODULE  := $(BUILD)/switchback/core.so
RUN     := $(HOST)

.PHONY: all deps test-deps demo test check asan valgrind bench install uninstall clean
.SECONDARY:

all: $(HOST) $(BUILD)/lib/switchback/core.so

$(HOST): $(BUILD)/runtime/main.o $(OBJECTS)
	$(CC) $(SB_CFLAGS) $(LDFLAGS) -Wl,-E -o $@ $^ $(SB_LIBS)

$(BUILD)/lib/switchback/core.so: $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SB_CFLAGS) $(LDFLAGS) -shared -o $@ $^ $(filter-out -llua5.4,$(SB_LIBS))

$(BUILD)/runtime/%.o: runtime/%.c $(PROTOS:runtime/%.proto=$(BUILD)/proto/%.pb-c.h)
	@mkdir -p $(@D)
	$(CC) $(SB_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/proto/%.pb-c.c $(BUILD)/proto/%.pb-c.h: runtime/%.proto
	@mkdir -p $(@D)
	protoc-c --c_out=$(BUILD)/proto -Iruntime $<

$(BUILD)/proto/%.pb-c.o: $(BUILD)/proto/%.pb-c.c
	$(CC) $(SB_CFLAGS) -Wno-shadow -c -o $@ $<

clean:
	rm -rf $(BUILD) out

-include $(wildcard $(BUILD)/runtime/*.d $(BUILD)/runtime/*/*.d)
