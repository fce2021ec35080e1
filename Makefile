# A thin front of Meson: every target is a line or two, the work is done by scripts/ and meson.build.
# Variables: B (build folder), J (jobs).
B ?= build
J ?= $(shell nproc)

.DEFAULT_GOAL := help
.PHONY: run run-agents build test test-live torture bench lint format fuzz install clean help setup

run: build ## build, then run the example project's CI workflow with live progress
	cd examples/strlist && ../../$(B)/plue workflow run ci

run-agents: build ## run the example workflows that ask models, from recordings: no key, no cost
	@examples/run-agents $(B)/plue

build: setup
	@test -f $(B)/build.ninja || meson setup $(B)
	@meson compile -C $(B) -j $(J)

setup: ## install what is missing (Debian 12), saying what
	@scripts/setup

test: setup ## build (sanitized, plain, fuzzers) and run every test
	@scripts/setup-npm
	@scripts/test

test-live: build ## ask the real providers whose keys are set (costs a few cents)
	@tests/live/run $(B)/plue

torture: build ## KILLS (default 300) kills, every fault of the disk, SIM_EVENTS (default 50 million) simulated events
	@tests/torture/run $(B)/plue --kills $${KILLS-300}
	@tests/torture/agents $(B)/plue --kills $${KILLS-300}
	@$(B)/tests/unit/store/test-store-disk
	@tests/faults/run $(B)/tests/faults/plue-faulty --all
	@$(B)/tests/sim/simulate $${SIM_EVENTS-50000000} $${SIM_SEED-1}
	@tests/sim/mutants $(B)

bench: build ## measure Plue beside its peers, write docs/benchmarks.md
	@bench/run $(B)

lint: ## formatting, layering, error codes
	@scripts/lint

format: ## reformat the C code
	@scripts/format

fuzz: setup ## run each fuzzer for FUZZ_SECONDS (default 20), then FUZZ_PROGRAMS (default 4000) random programs
	@FUZZ_PROGRAMS=$${FUZZ_PROGRAMS-4000} scripts/fuzz

install: build ## install the program (PREFIX and DESTDIR as meson has them)
	meson install -C $(B)

clean: ## remove the build folders
	rm -rf build build-asan build-fuzz examples/strlist/out

help: ## show this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
