# SPDX-License-Identifier: Apache-2.0
# Every target; nothing else knows how to compile. `make help` lists what there is.
#
#   FLAVOUR=release|debug|asan|fuzz   which build, in build/<flavour>/
#   CC=gcc|clang   both are clean; clang's output goes to build/<flavour>-clang/ (fuzz is clang's
#                  alone and stays where it is)

VERSION := 0.1.0
FLAVOUR ?= release
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
DATADIR ?= $(PREFIX)/share/tillwire
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions

ifeq ($(origin CC),default)
CC := gcc
endif
IS_CLANG := $(findstring clang,$(CC))
OUT := build/$(FLAVOUR)$(if $(IS_CLANG),$(if $(filter-out fuzz,$(FLAVOUR)),-$(notdir $(CC))))

# As many jobs as cores, unless the caller or an outer make has said otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.SECONDARY:
.DELETE_ON_ERROR:

# --- What there is to build ------------------------------------------------------------------

# A folder with a main.c is a process; `common` is what they share.
FOLDERS := common gateway api broker-bridge deploy/tillctl
PROGRAM_gateway := tillwire-gateway
PROGRAM_api := tillwire-api
PROGRAM_broker-bridge := tillwire-bridge
PROGRAM_deploy/tillctl := tillctl

sources = $(wildcard $(1)/*.c $(1)/*/*.c)
headers = $(wildcard $(1)/*.h $(1)/*/*.h)
library_objects = $(patsubst %.c,$(OUT)/obj/%.o,$(filter-out $(1)/main.c,$(call sources,$(1))))

PROGRAMS := $(foreach f,$(FOLDERS),$(if $(wildcard $(f)/main.c),$(OUT)/$(PROGRAM_$(f))))
OUR_SOURCES := $(foreach f,$(FOLDERS),$(call sources,$(f)))
TEST_SOURCES := $(foreach f,$(FOLDERS),$(call sources,test/unit/$(f)))
TESTS := $(patsubst test/unit/%.c,$(OUT)/test/%,$(filter %_test.c,$(TEST_SOURCES)))
# What unit tests share; linked into each of them.
SUPPORT_SOURCES := $(call sources,test/unit/support)
SUPPORT_OBJECTS := $(SUPPORT_SOURCES:%.c=$(OUT)/obj/%.o)
# The same for the tests of one folder of ours.
folder_support = $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard test/unit/$(1)/support/*.c))
FUZZ_SOURCES := $(call sources,test/fuzz)
FUZZ_TARGETS := $(patsubst test/fuzz/%.c,$(OUT)/target/%,$(FUZZ_SOURCES))
BENCH_SOURCES := $(call sources,test/bench)
BENCH_PROGRAMS := $(patsubst test/bench/%.c,build/bench/%,$(wildcard test/bench/*.c))
BENCH_SUPPORT := $(patsubst %.c,$(OUT)/obj/%.o,$(wildcard test/bench/support/*.c))
ALL_SOURCES := $(OUR_SOURCES) $(TEST_SOURCES) $(SUPPORT_SOURCES) $(FUZZ_SOURCES) \
	$(call sources,test/socketio) $(BENCH_SOURCES)
C_FILES := $(ALL_SOURCES) $(foreach f,$(FOLDERS) $(FOLDERS:%=test/unit/%) test/unit/support \
	test/fuzz test/bench,$(call headers,$(f)))

# --- How it is compiled ----------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla -Wundef -Wformat=2 \
	-Wcast-qual -Wpointer-arith -Wimplicit-fallthrough -Werror

# clang 14 hides the zero-initialisation of locals behind a switch of its own.
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -ftrivial-auto-var-init=zero \
	$(if $(IS_CLANG),-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all

FLAGS_release := -O2 -g $(HARDENING)
FLAGS_debug := -Og -g3
FLAGS_asan := -O1 -g -fno-omit-frame-pointer $(SANITIZERS)
LINK_release :=
LINK_debug :=
LINK_asan := $(SANITIZERS)
# All of our code tells libFuzzer where it goes; the targets alone get its main.
FLAGS_fuzz := $(FLAGS_asan) -fsanitize=fuzzer-no-link
LINK_fuzz := $(SANITIZERS) -fsanitize=fuzzer
ifeq ($(origin FLAGS_$(FLAVOUR)),undefined)
$(error FLAVOUR=$(FLAVOUR) is unknown; there are release, debug, asan and fuzz)
endif

# Asked once, and only when something is compiled: before `make setup` there may be no pkg-config.
PACKAGES := libuv hiredis libpq libcjson zlib
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := \
	$$(shell pkg-config --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS = $(eval PACKAGE_LIBS := \
	$$(shell pkg-config --libs $(PACKAGES)))$(PACKAGE_LIBS)

# llhttp is a package of C sources. Its default is the loose mode, which can be smuggled through.
LLHTTP_SOURCES := /usr/share/llhttp
LLHTTP_CFLAGS := -DLLHTTP_STRICT_MODE=1 -isystem /usr/share/include/llhttp
LLHTTP_OBJECTS := $(patsubst %,$(OUT)/obj/llhttp/%.o,llhttp http api)

# Foreign headers come in as system headers: their warnings are not ours.
INCLUDES = -I. $(patsubst -I%,-isystem %,$(PACKAGE_CFLAGS)) $(LLHTTP_CFLAGS)
DEFINES := -D_GNU_SOURCE -DTILLWIRE_VERSION='"$(VERSION)"'
COMMON_FLAGS := -std=c11 -fPIE -ffile-prefix-map=$(CURDIR)=. $(FLAGS_$(FLAVOUR))
COMPILE = $(CC) $(COMMON_FLAGS) $(WARNINGS) $(DEFINES) $(INCLUDES) $(CFLAGS)
LINK = $(CC) -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LINK_$(FLAVOUR)) $(LDFLAGS)
LIBS = $(PACKAGE_LIBS) -lwslay -lmbedtls -lmbedx509 -lmbedcrypto

$(OUT)/obj/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(COMPILE) -MMD -MP -c $< -o $@

# Which commit it is, is known to one object, so that another commit compiles that one alone.
COMMIT ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
$(OUT)/obj/common/util/process_metrics.o: DEFINES += -DTILLWIRE_COMMIT='"$(COMMIT)"'
$(OUT)/obj/common/util/process_metrics.o: $(OUT)/commit
$(OUT)/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' >$@

$(OUT)/obj/llhttp/%.o: $(LLHTTP_SOURCES)/%.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(COMMON_FLAGS) -w $(LLHTTP_CFLAGS) $(CFLAGS) -c $< -o $@

# The flags of the last build: other flags, or another version, and all is compiled again.
FLAGS_NOW = echo $(foreach w,$(COMPILE) $(LINK),'$(subst ','\'',$(w))')
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@$(FLAGS_NOW) | cmp -s - $@ || $(FLAGS_NOW) >$@

# An archive is made anew each time, so that a deleted source leaves nothing behind.
define folder_rules
$(OUT)/lib/$(1).a: $(call library_objects,$(1)) $(if $(filter common,$(1)),$(LLHTTP_OBJECTS))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcsD $$@ $$^

$(OUT)/test/$(1)/%: $(OUT)/obj/test/unit/$(1)/%.o $(call folder_support,$(1)) $(SUPPORT_OBJECTS) \
		$(OUT)/lib/$(1).a $(OUT)/lib/common.a
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	@$$(LINK) $$^ $$(LIBS) -lcmocka -o $$@
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$(f))))

define program_rule
$(OUT)/$(PROGRAM_$(1)): $(OUT)/obj/$(1)/main.o $(OUT)/lib/$(1).a $(OUT)/lib/common.a
	@echo "  LINK  $$@"
	@$$(LINK) $$^ $$(LIBS) -o $$@
endef
$(foreach f,$(filter-out common,$(FOLDERS)),$(eval $(call program_rule,$(f))))

# What the public suites of Engine.IO and Socket.IO talk to.
FIXTURE := $(OUT)/test/socketio-fixture
$(FIXTURE): $(OUT)/obj/test/socketio/fixture.o $(OUT)/lib/gateway.a $(OUT)/lib/common.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(LINK) $^ $(LIBS) -o $@

$(FUZZ_TARGETS): $(OUT)/target/%: $(OUT)/obj/test/fuzz/%.o $(OUT)/lib/gateway.a \
		$(OUT)/lib/common.a
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(LINK) $^ $(LIBS) -o $@

# The programs of the measurements, for the release build alone.
$(BENCH_PROGRAMS): build/bench/%: $(OUT)/obj/test/bench/%.o $(BENCH_SUPPORT)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(LINK) $^ $(LIBS) -o $@

-include $(patsubst %.c,$(OUT)/obj/%.d,$(ALL_SOURCES))

# --- Targets ---------------------------------------------------------------------------------

.PHONY: help setup setup-test build web run test bench bench-setup bench-charts bench-programs unit \
	unit-programs fixture unit-run fuzz fuzz-run format \
	format-check reference lint lint-boundaries lint-functions lint-imports lint-text lint-tidy lint-clang lint-cppcheck \
	lint-shell install deb setup-package test-model clean FORCE

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## install the packages that building and running need, if any is missing
	@deploy/stack/setup

setup-test: ## the same for what the tests need besides
	@deploy/stack/setup --test

build: $(PROGRAMS) ## the three programs, in build/<flavour>/

web: ## fetch what the browser pages use of others (uPlot, socket.io-client), and make the pages at /docs/, by npm
	@deploy/web/vendor
	@docs/contract/build-pages build/web/docs

run: ## build, then run everything in the foreground until Ctrl-C (PORTS="9010 9011 8080", TLS=1)
	@deploy/stack/setup --web
	@$(MAKE) build web
	@FLAVOUR='$(FLAVOUR)' PORTS='$(PORTS)' TLS='$(TLS)' exec deploy/stack/up

test: ## every test there is (STAGE=name runs one stage, SEED=n repeats a run)
	@STAGE='$(STAGE)' SEED='$(SEED)' test/run

test-faults: ## faults of every kind under load, and whether anything was lost (FORM=short, SEED=n)
	@$(MAKE) build
	@test/faults/run $(or $(FORM),long) $(SEED)

test-model: ## random acts on gift cards, which must agree with a model of them (STEPS=100000, SEED=n)
	@$(MAKE) build
	@STEPS=$(or $(STEPS),100000) SEED=$(SEED) FSYNC=off FILES=promises/card_model.test.mjs test/e2e-run

test-fleet: ## many hosts on this machine, and what can happen to each (FORM=short, SEED=n)
	@$(MAKE) build
	@test/fleet/run $(or $(FORM),long) $(SEED)

test-deployment: ## docs/deployment.md, section 2, followed on empty Debian machines made of namespaces (KEEP=1)
	@test/deployment/run

test-upgrade: ## programs of an earlier release on this schema, replaced under load and back (TAG=ref, SEED=n)
	@$(MAKE) build
	@test/upgrade/run "$(TAG)" $(SEED)

test-package: ## the Debian package and the image: built twice, installed, upgraded, removed on machines made of namespaces (KEEP=1)
	@test/package/run

test-operations: ## docs/operations.md and the runbooks, typed on machines made of namespaces (KEEP=1)
	@test/operations/run

test-mutants: ## planted mistakes, and whether the tests notice them (MUTANTS="group group/name")
	@test/mutants/run $(MUTANTS)

bench-setup: ## install what `make bench` needs besides the tests: peers, by name from Debian and npm
	@test/bench/setup

bench: ## measure beside other programs (BENCH="fanout tenants idle connect tls scale dialects latency rest resume polls growth aged")
	@$(MAKE) FLAVOUR=release build bench-programs
	@test/bench/run $(BENCH)

bench-charts: ## draw docs/images anew from what `make bench` has measured
	@node test/bench/charts.mjs docs/images

bench-programs: $(BENCH_PROGRAMS)

unit: ## the C unit tests, with the sanitizers
	@$(MAKE) FLAVOUR=asan unit-run

unit-programs: $(TESTS)

fixture: $(FIXTURE)

unit-run: $(TESTS)
	@test/unit/run $(TESTS)

fuzz: ## feed made-up bytes to what reads foreign ones (FUZZ_SECONDS=60 for each target, SEED=n)
	@$(MAKE) FLAVOUR=fuzz CC=$(if $(IS_CLANG),$(CC),clang) fuzz-run

fuzz-run: $(FUZZ_TARGETS)
	@FUZZ_SECONDS='$(FUZZ_SECONDS)' SEED='$(SEED)' test/fuzz/run $(FUZZ_TARGETS)

format: ## lay out all C files as .clang-format says
	@clang-format -i $(C_FILES)

format-check: ## fail if `make format` would change something
	@clang-format --dry-run --Werror $(C_FILES)

reference: build ## make the tables of docs/config.md, docs/metrics.md and docs/limits.md, the manual of tillctl, and the contract (docs/openapi.yaml, …) again
	@.ci/reference

lint: lint-boundaries lint-functions lint-imports lint-text lint-tidy lint-clang lint-cppcheck lint-shell ## every static check

lint-boundaries:
	@.ci/check-boundaries

lint-functions:
	@.ci/check-functions

lint-imports:
	@.ci/check-imports

lint-text:
	@.ci/lint

# A checked file leaves a stamp with its dependencies, so a second run looks at changes only. What tests
# do wrong, two compilers and the sanitizers see; looking at them too would take as long again.
LINTED := $(patsubst %.c,build/lint/%.ok,$(OUR_SOURCES))
LINT_FLAGS = -std=c11 $(WARNINGS) $(DEFINES) $(INCLUDES)

lint-tidy: $(LINTED)

build/lint/%.ok: %.c .clang-tidy Makefile
	@mkdir -p $(@D)
	@echo "  TIDY  $<"
	@clang-tidy --quiet $< -- $(LINT_FLAGS) 2>$(@:.ok=.err) || { cat $(@:.ok=.err); exit 1; }
	@$(CC) $(LINT_FLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@

# What clang warns about in the programs of the tests; in our own sources clang-tidy says it, and fuzzing compiles them with clang.
SYNTAX := $(patsubst %.c,build/lint/%.syntax,$(TEST_SOURCES) $(SUPPORT_SOURCES) $(call sources,test/socketio))

lint-clang: $(SYNTAX)

build/lint/%.syntax: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CLANG $<"
	@clang -fsyntax-only -MMD -MP -MT $@ -MF $(@:.syntax=.d) $(LINT_FLAGS) $<
	@touch $@

-include $(LINTED:.ok=.d) $(SYNTAX:.syntax=.d)

lint-cppcheck:
	@mkdir -p build/lint/cppcheck
	@cppcheck --quiet -j$(shell nproc) --cppcheck-build-dir=build/lint/cppcheck --std=c11 -I. \
		-D_GNU_SOURCE --enable=warning,performance,portability --inline-suppr \
		--suppress=missingInclude --error-exitcode=1 $(OUR_SOURCES)

lint-shell:
	@grep -rIlE '^#!.*\bbash' .ci deploy schema test --exclude-dir=node_modules \
		| xargs shellcheck --external-sources --check-sourced

UNITS := $(wildcard $(patsubst %,deploy/systemd/*.%,service socket timer target slice))

install: build ## install programs, pages, units, schema and samples (PREFIX, DESTDIR)
	umask 022 && install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/tillwire $(DESTDIR)$(MANDIR)/man8
	install -m 0755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	umask 022 && for program in $(filter %/tillwire-gateway %/tillwire-api %/tillwire-bridge,$(PROGRAMS)); do \
		deploy/man/page $$program >$(DESTDIR)$(MANDIR)/man8/$${program##*/}.8 || exit 1; \
	done
	install -m 0644 deploy/tillctl/tillctl.8 $(DESTDIR)$(MANDIR)/man8/
	umask 022 && install -D -m 0644 deploy/tillctl/completion.bash $(DESTDIR)$(COMPLETIONDIR)/tillctl
	umask 022 && for unit in $(UNITS); do \
		sed -e 's|/usr/bin/|$(BINDIR)/|' -e 's|/etc/tillwire|$(SYSCONFDIR)/tillwire|' -e 's|/usr/share/tillwire|$(DATADIR)|' $$unit \
			>$(DESTDIR)$(UNITDIR)/$${unit##*/} || exit 1; \
	done
	for sample in deploy/env/*.env; do \
		test -e $(DESTDIR)$(SYSCONFDIR)/tillwire/$${sample##*/} \
			|| install -m 0640 $$sample $(DESTDIR)$(SYSCONFDIR)/tillwire/ || exit 1; \
	done
	umask 022 && install -d $(DESTDIR)$(DATADIR)/nginx
	install -m 0755 deploy/restart $(DESTDIR)$(DATADIR)/
	install -m 0644 deploy/nginx/*.conf $(DESTDIR)$(DATADIR)/nginx/
	umask 022 && for page in console playground docs; do \
		sed -e 's|/usr/share/tillwire|$(DATADIR)|' deploy/nginx/$$page.conf >$(DESTDIR)$(DATADIR)/nginx/$$page.conf || exit 1; \
	done
	install -m 0755 deploy/nginx/upstreams $(DESTDIR)$(DATADIR)/nginx/
	deploy/web/install $(DESTDIR)$(DATADIR)/web
	umask 022 && install -d $(DESTDIR)$(DATADIR)/prometheus $(DESTDIR)$(DATADIR)/grafana $(DESTDIR)$(DATADIR)/runbooks
	install -m 0644 deploy/prometheus/*.yml $(DESTDIR)$(DATADIR)/prometheus/
	install -m 0644 deploy/grafana/*.json $(DESTDIR)$(DATADIR)/grafana/
	install -m 0644 docs/runbooks/*.md $(DESTDIR)$(DATADIR)/runbooks/
	rm -rf $(DESTDIR)$(DATADIR)/schema
	cp -R schema $(DESTDIR)$(DATADIR)/
	chmod -R u=rwX,go=rX $(DESTDIR)$(DATADIR)/schema

setup-package: ## the same for what `make deb` needs besides
	@deploy/stack/setup --package

deb: ## build the Debian package, in build/deb (DEB_DIR)
	@DEB_DIR='$(DEB_DIR)' deploy/debian/build $(VERSION)

clean: ## remove build/
	rm -rf build
