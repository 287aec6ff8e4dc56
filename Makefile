# Build, test and install flowcc. `make help` lists the targets.
#
# Everything that is built lies under build/: the release is build/flowcc with its runtime in
# build/lib/flowcc, the other modes (debug asan tsan clang cover) have the same under build/MODE; the modes
# fuzz and afl hold what libFuzzer and AFL++ run.

MODE    ?= release
PREFIX  ?= /usr/local
DESTDIR ?=

ifeq ($(filter $(MODE),release debug asan tsan clang cover fuzz afl),)
$(error MODE=$(MODE): choose one of release debug asan tsan clang cover fuzz afl)
endif

# All cores, unless the caller said how many jobs. A make that was called by make shares its jobs.
ifeq ($(MAKELEVEL)$(filter -j% --jobs% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:

BISON ?= bison
FLEX  ?= flex
ifeq ($(origin CC),default)
CC := $(if $(filter clang tsan fuzz,$(MODE)),clang,$(if $(filter afl,$(MODE)),afl-clang-fast,cc))
endif
ifeq ($(origin AR),default)
AR := ar
endif
OBJCOPY ?= objcopy

FLAGS_release = -O2
FLAGS_clang   = -O2
FLAGS_debug   = -O0 -DFLOW_DEBUG
FLAGS_asan    = -O1 -DFLOW_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan    = -O1 -fsanitize=thread
FLAGS_cover   = -O0 --coverage -DFLOW_DEBUG
FLAGS_fuzz    = $(FLAGS_asan) -fsanitize=fuzzer-no-link
FLAGS_afl     = $(FLAGS_asan)
MODE_FLAGS    = $(FLAGS_$(MODE))

OUT  := $(if $(filter release,$(MODE)),build,build/$(MODE))
WORK := build/$(MODE)
OBJ  := $(WORK)/obj
GEN  := $(WORK)/gen
LIB  := $(OUT)/lib/flowcc

CFLAGS   ?=
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
COMPILE   = $(CC) -std=gnu11 -ffp-contract=off -g $(MODE_FLAGS) $(WARNINGS) -MMD -MP $(CFLAGS)

COMPILER_SOURCES := $(wildcard compiler/*.c compiler/*/*.c)
COMPILER_OBJECTS := $(COMPILER_SOURCES:%.c=$(OBJ)/%.o) $(OBJ)/gen/front/parse.tab.o $(OBJ)/gen/front/lex.yy.o \
                     $(OBJ)/gen/front/library.o $(OBJ)/gen/tools/templates.o $(OBJ)/gen/tools/manual.o
RUNTIME_OBJECTS  := $(patsubst %.c,$(OBJ)/%.o,$(wildcard runtime/*.c))
RUNTIME_HEADERS  := $(patsubst runtime/%,$(LIB)/%,$(wildcard runtime/include/flow/*.h))
UNIT_TESTS       := $(patsubst tests/unit/%.c,$(WORK)/tests/%,$(wildcard tests/unit/test_*.c)) $(WORK)/tests/test_canary
MUTATE           := $(WORK)/tests/mutate
PRELOADED        := $(WORK)/tests/crashpoint.so $(WORK)/tests/trace.so

# Simulation needs a runtime that nobody else watches.
ifneq ($(filter $(MODE),release clang debug),)
SIM := $(WORK)/tests/sim/sim
endif

.PHONY: all test check-all test-programs bless crash sim sim-bugs fuzz cover bench bench-gate bench-peers nexmark tidy format demo install clean help
all: $(OUT)/flowcc $(LIB)/libflow.a $(RUNTIME_HEADERS)

# -- the compiler --------------------------------------------------------------------------------

# libflow is there for `flowcc state`, which reads what programs save.
$(OUT)/flowcc: $(COMPILER_OBJECTS) $(LIB)/libflow.a
	@echo "link    $@"
	@$(CC) $(MODE_FLAGS) $(LDFLAGS) -o $@ $^ -llmdb -lpthread -lm

$(GEN)/front/parse.tab.c $(GEN)/front/parse.tab.h &: compiler/front/parse.y
	@mkdir -p $(@D)
	@echo "bison   $<"
	@$(BISON) -Wall -Wcounterexamples -Werror --header=$(GEN)/front/parse.tab.h -o $(GEN)/front/parse.tab.c $<

$(GEN)/front/lex.yy.c $(GEN)/front/lex.yy.h &: compiler/front/lex.l
	@mkdir -p $(@D)
	@echo "flex    $<"
	@$(FLEX) --header-file=$(GEN)/front/lex.yy.h -o $(GEN)/front/lex.yy.c $<

# The standard library is a part of flowcc: each file becomes a C string.
LIBRARY_FILES := $(sort $(wildcard stdlib/*.flow))
$(GEN)/front/library.c: stdlib/library.awk $(LIBRARY_FILES)
	@mkdir -p $(@D)
	@echo "awk     stdlib"
	@awk -v table=library_files -v header=front/library.h -f stdlib/library.awk $(LIBRARY_FILES) >$@

# So are the templates of `flowcc init`.
TEMPLATE_FILES := $(sort $(wildcard stdlib/templates/*/*))
$(GEN)/tools/templates.c: stdlib/library.awk $(TEMPLATE_FILES)
	@mkdir -p $(@D)
	@echo "awk     templates"
	@awk -v table=template_files -v header=tools/templates.h -f stdlib/library.awk $(TEMPLATE_FILES) >$@

# And the language reference, for `flowcc help`.
$(GEN)/tools/manual.c: stdlib/library.awk docs/language.md
	@mkdir -p $(@D)
	@echo "awk     docs/language.md"
	@awk -v table=manual_files -v header=tools/manual.h -f stdlib/library.awk docs/language.md >$@

COMPILER_INCLUDES := -Icompiler -I$(GEN) -Iruntime/include
$(OBJ)/compiler/%.o: compiler/%.c | $(GEN)/front/parse.tab.h $(GEN)/front/lex.yy.h
	@mkdir -p $(@D)
	@echo "cc      $<"
	@$(COMPILE) $(COMPILER_INCLUDES) -c -o $@ $<

# Bison's own error recovery gives gcc a false alarm about its location stack.
$(OBJ)/gen/%.o: $(GEN)/%.c | $(GEN)/front/parse.tab.h $(GEN)/front/lex.yy.h
	@mkdir -p $(@D)
	@echo "cc      $<"
	@$(COMPILE) -Wno-unknown-warning-option -Wno-maybe-uninitialized $(COMPILER_INCLUDES) -c -o $@ $<

# -- the runtime ---------------------------------------------------------------------------------

$(LIB)/libflow.a: $(RUNTIME_OBJECTS)
	@mkdir -p $(@D)
	@echo "ar      $@"
	@rm -f $@
	@$(AR) rcs $@ $^

$(LIB)/include/flow/%.h: runtime/include/flow/%.h
	@mkdir -p $(@D)
	@cp $< $@

$(OBJ)/runtime/%.o: runtime/%.c
	@mkdir -p $(@D)
	@echo "cc      $<"
	@$(COMPILE) -fvisibility=hidden -ffunction-sections -Iruntime/include -Iruntime -c -o $@ $<

# -- tests ---------------------------------------------------------------------------------------

# Unit tests see the insides of both parts, so they link with everything but main().
$(WORK)/tests/libflowcc.a: $(filter-out $(OBJ)/compiler/main.o,$(COMPILER_OBJECTS))
	@mkdir -p $(@D)
	@rm -f $@
	@$(AR) rcs $@ $^

$(WORK)/tests/test_%: tests/unit/test_%.c $(WORK)/tests/libflowcc.a $(LIB)/libflow.a
	@mkdir -p $(@D)
	@echo "cc      $<"
	@$(COMPILE) $(COMPILER_INCLUDES) -Iruntime -Itests/unit $(LDFLAGS) -o $@ $< \
	  $(WORK)/tests/libflowcc.a $(LIB)/libflow.a -lcmocka -llmdb -lpthread -lm

$(WORK)/tests/test_canary: tests/canary/test_canary.c
	@mkdir -p $(@D)
	@$(COMPILE) $(LDFLAGS) -o $@ $< -lcmocka

$(PRELOADED): $(WORK)/tests/%.so: tests/crash/%.c
	@mkdir -p $(@D)
	@echo "cc      $<"
	@$(CC) -std=gnu11 -g -O1 $(WARNINGS) -shared -fPIC -o $@ $< -ldl

# The front end under mutants of programs: in every build with a driver of our own, and as the target of
# libFuzzer and AFL++, which bring theirs.
$(WORK)/tests/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	@echo "cc      $<"
	@$(COMPILE) $(COMPILER_INCLUDES) -c -o $@ $<

FUZZED := $(WORK)/tests/fuzz/front.o $(WORK)/tests/libflowcc.a $(LIB)/libflow.a
$(MUTATE): $(WORK)/tests/fuzz/mutate.o $(FUZZED)
	@$(CC) $(MODE_FLAGS) $(LDFLAGS) -o $@ $^ -llmdb -lpthread -lm

$(WORK)/tests/fuzzer: $(FUZZED)
	@echo "link    $@"
	@$(CC) $(MODE_FLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ -llmdb -lpthread -lm

# The simulator: small flows, the runtime, and LMDB, whose system calls the linker sends to lmdb_io.c.
SIM_FLOWS    := $(patsubst tests/sim/flows/%.flow,$(WORK)/tests/sim/flow_%.o,$(wildcard tests/sim/flows/*.flow))
SIM_OBJECTS  := $(patsubst %.c,$(WORK)/%.o,$(wildcard tests/sim/*.c)) $(SIM_FLOWS)
SIM_WRAPPED  := open close pread pwrite write writev lseek fcntl __fxstat fstatfs fsync fdatasync \
                ftruncate mmap getpid _exit flow_store_open
SIM_LIBS     := $(LIB)/libflow.a -Wl,-Bstatic -llmdb -Wl,-Bdynamic $(SIM_WRAPPED:%=-Wl,--wrap=%) -lpthread -lm
SIM_INCLUDES := -Iruntime/include -Iruntime -Itests/sim

$(WORK)/tests/sim/%.o: tests/sim/%.c
	@mkdir -p $(@D)
	@echo "cc      $<"
	@$(COMPILE) $(SIM_INCLUDES) -c -o $@ $<

$(WORK)/tests/sim/flow_%.c: tests/sim/flows/%.flow $(OUT)/flowcc
	@mkdir -p $(@D)
	@$(OUT)/flowcc emit $< >$@

.SECONDARY: $(SIM_FLOWS:.o=.c)

# Several programs in one: each main() gets a name of its own, and they meet in sim_flow_main().
$(WORK)/tests/sim/flow_%.o: $(WORK)/tests/sim/flow_%.c
	@echo "cc      $<"
	@$(CC) -std=gnu11 -g -O1 -MMD -MP -Iruntime/include -c -o $@ $<
	@$(OBJCOPY) --localize-symbol=flow_program --redefine-sym main=$*_main \
	  --redefine-sym flow_main=sim_flow_main $@

$(WORK)/tests/sim/sim: $(SIM_OBJECTS) $(LIB)/libflow.a
	@mkdir -p $(@D)
	@echo "link    $@"
	@$(CC) $(MODE_FLAGS) $(LDFLAGS) -o $@ $(SIM_OBJECTS) $(SIM_LIBS)

# The same with a bug: tests/sim/bugs.py has put the changed file of the runtime into bugs/NAME.
$(WORK)/tests/sim/bug-%: $(SIM_OBJECTS) $(LIB)/libflow.a
	@$(CC) -std=gnu11 -g $(MODE_FLAGS) -w $(CFLAGS) -fvisibility=hidden $(SIM_INCLUDES) $(LDFLAGS) -o $@ \
	  $(WORK)/tests/sim/bugs/$*/*.c $(SIM_OBJECTS) $(SIM_LIBS)

test-programs: all $(UNIT_TESTS) $(PRELOADED) $(SIM) $(MUTATE)

# TESTS="-k NAME" and the like go to tests/run.py; see tests/README.md.
TESTS ?=

test:
	@tests/setup.sh test
	@$(MAKE) MODE=$(MODE) test-programs
	@python3 tests/run.py --mode=$(MODE) $(TESTS)

# The full matrix with the release, then the suites with the second compiler and the sanitizers.
check-all:
	@tests/setup.sh all
	@$(MAKE) test TESTS="--full $(TESTS)"
	@$(MAKE) test MODE=clang
	@$(MAKE) test MODE=asan
	@$(MAKE) test MODE=tsan

bless:
	@$(MAKE) MODE=$(MODE) test-programs
	@python3 tests/run.py --mode=$(MODE) --bless $(TESTS)
	@git --no-pager diff --stat -- tests examples

crash:
	@tests/setup.sh test
	@$(MAKE) MODE=$(MODE) test-programs
	@python3 tests/run.py --mode=$(MODE) --suite crash --full $(TESTS)

# make sim: many seeds. make sim SEEDS=N FIRST=M. make sim SEED=N: one, with all that happens.
SEEDS ?= 5000
FIRST ?= 0
SEED  ?=

sim:
	@tests/setup.sh test
	@$(MAKE) MODE=$(MODE) $(WORK)/tests/sim/sim
	@$(WORK)/tests/sim/sim $(if $(SEED),$(SEED) trace,$(FIRST) $(SEEDS))

# make fuzz MINUTES=30: libFuzzer, then AFL++ if it is there, each for so long.
MINUTES ?= 5

fuzz:
	@tests/setup.sh all
	@tests/setup.sh fuzz || echo 'Going on without AFL++.'
	@$(MAKE) MODE=fuzz build/fuzz/tests/fuzzer
	@if command -v afl-clang-fast afl-fuzz >/dev/null; then AFL_QUIET=1 $(MAKE) MODE=afl build/afl/tests/fuzzer; fi
	@python3 tests/fuzz/campaign.py --minutes $(MINUTES)

sim-bugs:
	@tests/setup.sh test
	@$(MAKE) MODE=$(MODE) $(WORK)/tests/sim/sim
	@python3 tests/sim/bugs.py --mode=$(MODE) $(BUGS)

cover:
	@tests/setup.sh test
	@$(MAKE) MODE=cover test-programs
	@find build/cover -name '*.gcda' -delete
	@python3 tests/run.py --mode=cover $(TESTS); status=$$?; python3 tests/cover.py build/cover; exit $$status

# Throughput beside hand-written C; bench-gate counts instructions only, so it says the same each time.
bench: all
	@tests/setup.sh bench
	@python3 tests/bench/bench.py

bench-gate: all
	@tests/setup.sh bench
	@python3 tests/bench/bench.py --gate

# The same work on other systems; installs what pip and mvn can get, and skips what is not there.
bench-peers: all
	@tests/setup.sh bench
	@python3 tests/bench/peers.py --install

# The queries of NEXMark over 100,000 and 1,000,000 events, row by row beside SQLite; `make test` takes fewer.
nexmark: all
	@tests/setup.sh test
	@$(MAKE) test-programs
	@BUILD=$(WORK) python3 tests/oracle/nexmark_oracle.py $(OUT)/flowcc 100000 1000000

tidy: all
	@tests/tidy.sh

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

demo:
	@tests/setup.sh build
	@$(MAKE) all
	@examples/demo.sh

# -- the rest ------------------------------------------------------------------------------------

install: all
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/lib/flowcc/include/flow"
	install -m 755 $(OUT)/flowcc "$(DESTDIR)$(PREFIX)/bin/flowcc"
	install -m 644 $(LIB)/libflow.a "$(DESTDIR)$(PREFIX)/lib/flowcc/libflow.a"
	install -m 644 $(LIB)/include/flow/*.h "$(DESTDIR)$(PREFIX)/lib/flowcc/include/flow/"

clean:
	rm -rf build

help:
	@echo 'make               build/flowcc and its runtime, build/lib/flowcc'
	@echo 'make demo          a flow fails at a bad line, is repaired, and goes on where it stopped'
	@echo 'make test          every test that a change needs; installs missing packages first'
	@echo '                   TESTS="-k NAME" runs the tests with NAME in their name'
	@echo 'make check-all     more points of the matrix, clang as well as gcc, and the sanitizers'
	@echo 'make crash         kills, power losses, failing calls and signals, at length (half an hour)'
	@echo 'make sim           plays thousands of seeds: threads, faults and crashes in a simulated world'
	@echo '                   SEED=N tells what happens in one; make sim-bugs plants bugs, which must be found'
	@echo 'make fuzz          the front end under libFuzzer and AFL++, MINUTES=5 each; tests/fuzz'
	@echo 'make bless         writes the expected outputs anew; read the diff'
	@echo 'make tidy          the house rules that a machine can check'
	@echo 'make cover         line coverage of compiler and runtime'
	@echo 'make nexmark       the queries of NEXMark over a million events, beside SQLite (10 minutes)'
	@echo 'make bench         speed, memory and cost of saving, beside hand-written C (10 minutes)'
	@echo 'make bench-gate    instructions per record, against the goals'
	@echo 'make bench-peers   the same work on Bytewax, Flink, Pathway, Java, Python and others'
	@echo 'make format        clang-format'
	@echo 'make install       to PREFIX (default /usr/local), below DESTDIR if given'
	@echo 'make clean         remove build/'
	@echo 'MODE=debug|asan|tsan|clang|cover selects another build, in build/MODE'

-include $(shell find $(WORK) -name '*.d' 2>/dev/null)
