# What there is to do with this repository: `make` lists it. Cargo decides what has to be built again.

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help build plugins demo test crash lint bench ci clean toolchain tools scim2-server smtp-server
SHELL := /bin/sh

# Cargo brings its own job server; make's would only make it warn.
unexport MAKEFLAGS MFLAGS

# One place for all that is built. Tests look for the binaries beside their own executable.
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
export CARGO_TARGET_DIR := $(TARGET)

WASM := wasm32-unknown-unknown
PLUGINS := $(filter-out plugins/sdk/,$(dir $(wildcard plugins/*/Cargo.toml)))
# Connectors that only the tests run: they attack their host.
GUESTS := $(dir $(wildcard tests/guests/*/Cargo.toml))
# The oldest compiler that will do.
OLDEST := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
# Seconds for a download that may never answer.
PATIENCE := 60
# What the distribution's own WebAssembly toolchain consists of.
PACKAGES := rustc-web cargo-web rust-web-src lld-22

# $(call connectors,MUSTER) and $(call guests,MUSTER): every crate becomes a component.
connectors = @set -e; for plugin in $(PLUGINS); do $(1) build "$$plugin" -o "$(TARGET)/connectors/"; done
guests = @set -e; for guest in $(GUESTS); do $(1) build "$$guest" -o "$(TARGET)/connectors/"; done

# Shell functions: with_apt installs where it may; refuse says what to do, in one sentence.
define shell_functions
refuse() { echo "error: $$*" >&2; exit 2; }; \
with_apt() { \
  command -v apt-get >/dev/null || return 1; \
  if [ "$$(id -u)" = 0 ]; then root="env"; elif sudo -n true 2>/dev/null; then root="sudo -n env"; else return 1; fi; \
  echo "installing $$*"; \
  $$root apt-get -qq -o Acquire::http::Timeout=20 -o Acquire::Retries=1 update </dev/null >/dev/null \
    && $$root DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$$@" </dev/null >/dev/null; \
}; \
patiently() { if command -v timeout >/dev/null; then timeout $(PATIENCE) "$$@"; else "$$@"; fi; }
endef

help: ## Lists these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: tools ## Builds the host, optimised: target/release/muster
	@cargo build --release --package muster --bin muster

plugins: build toolchain ## Builds every connector in plugins/ into target/connectors/
	$(call connectors,"$(TARGET)/release/muster")

demo: plugins ## Reads a Chatwoot that comes with the project, and shows who is in it
	@cargo build --release --package muster-tests --bin fake-chatwoot
	@tests/demo.sh

test: tools toolchain scim2-server smtp-server ## Runs every test, on connectors built for the purpose
	@cargo build --workspace --bins
	$(call connectors,"$(TARGET)/debug/muster")
	$(call guests,"$(TARGET)/debug/muster")
	@set -e; if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --workspace; cargo test --doc --workspace; \
	else cargo test --workspace; fi

crash: tools toolchain ## Kills 200 runs at random instants, and goes on with them
	@cargo build --workspace --bins
	$(call connectors,"$(TARGET)/debug/muster")
	@MUSTER_CRASHES=200 cargo test --workspace --test e2e -- crash:: --nocapture --test-threads 1

lint: tools ## Checks the formatting, and runs clippy with every warning an error
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings

bench: plugins ## Measures, and prints the figures
	$(call guests,"$(TARGET)/release/muster")
	@cargo build --release --package muster-tests --bins
	@cargo run --quiet --release --package muster-tests --bin bench

# On the build machine nothing is skipped that should have run.
ci: export CI := true
ci: lint test ## What the build machine runs: lint, then test

clean: ## Removes everything that was built
	@cargo clean

# Servers that nobody here wrote, for the tests: of SCIM, and of mail; without Python, or where they cannot be installed,
# they skip them. Where CI is true, a failed installation is a failure. The script says why it fails.
scim2-server smtp-server:
	@$(shell_functions); \
	prepare() { python3 tests/support/venv.py "$(TARGET)/$@" --again; }; \
	skip() { echo "$$*: the tests against $@ are skipped"; exit 0; }; \
	command -v python3 >/dev/null || skip "no python3"; \
	said=$$(prepare) && exit 0; code=$$?; \
	[ $$code = 3 ] && skip "$$said"; \
	with_apt python3-venv && said=$$(prepare) && exit 0; \
	[ $$code = 2 ] && [ "$$CI" != true ] && skip "$$said"; refuse "$$said"

# Cargo, and a C compiler for SQLite and the cryptography.
tools:
	@$(shell_functions); \
	command -v cargo >/dev/null || refuse "cargo is missing: install Rust from https://rustup.rs, then open a new shell"; \
	command -v cc >/dev/null || with_apt build-essential && command -v cc >/dev/null \
	  || refuse "a C compiler is missing: run \`apt-get install build-essential\` as root, or install one that is called cc"

# The WebAssembly toolchain, in the order in which `muster build` chooses: rustup's target, else the distribution's
# compiler with the library's source and a linker. What is missing is installed where that is allowed.
toolchain: tools
	@$(shell_functions); \
	installed() { library=$$(rustc --print=target-libdir --target $(WASM) 2>/dev/null) && [ -d "$$library" ]; }; \
	packaged() { \
	  [ -x /usr/bin/cargo ] && [ -f /usr/lib/rustlib/src/rust/library/std/Cargo.toml ] \
	    && ls /usr/bin/wasm-ld* >/dev/null 2>&1 && have=$$(/usr/bin/rustc --version 2>/dev/null | cut -d ' ' -f 2) \
	    && [ "$$(printf '%s\n' "$(OLDEST)" "$$have" | sort -V | head -n 1)" = "$(OLDEST)" ]; \
	}; \
	by_rustup() { \
	  command -v rustup >/dev/null || return 1; \
	  patiently rustup target add $(WASM) </dev/null >/dev/null 2>&1 && installed; \
	}; \
	by_apt() { with_apt $(PACKAGES) && packaged; }; \
	installed || packaged || by_rustup || by_apt || refuse "no toolchain for WebAssembly is installed and none could be:" \
	  "run \`rustup target add $(WASM)\`, or \`apt-get install --no-install-recommends $(PACKAGES)\` as root"
