# The one entry to everything; CI calls only these verbs. `make` alone lists them.

LIBRARIES := io-traits reactor net codec
CRATES    := $(LIBRARIES) examples

# Programs that some tests call: command:package.
TOOLS := strace:strace valgrind:valgrind nc:netcat-openbsd curl:curl openssl:openssl python3:python3 \
	redis-cli:redis-tools redis-benchmark:redis-tools nft:nftables ip:iproute2 ss:iproute2 tc:iproute2 unshare:util-linux \
	dig:bind9-dnsutils dnsmasq:dnsmasq-base
# And modules of Python: module:package. The first Python on the path may be one of the user's own, which does
# not see the system's packages; the tests look for both.
MODULES := redis:python3-redis

# A part of what a verb does, if not all of it.
ONLY ?=

TARGET_DIR := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)

.DEFAULT_GOAL := help
.PHONY: help demo test $(CRATES:%=test-%) test-bench test-fuzz test-openssl test-poll model asan outside fuzz fuzz-short bench \
	count tools check fmt doc deny ci

# Two cargos in one target directory only wait for each other, and tests with timeouts want the machine.
.NOTPARALLEL:

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@for crate in $(CRATES) bench fuzz openssl; do printf '  make %-15s %s\n' "test-$$crate" "the tests of $$crate"; done

demo: ## run the demonstration; it ends by itself
	cargo run --quiet --release -p examples --no-default-features --features demo --bin demo

test: $(CRATES:%=test-%) test-bench test-fuzz test-openssl test-poll model outside ## every test of every crate

# Each crate by itself: in a build of the whole workspace, one crate's features are switched on by
# another. The features come from the manifest, so that a new one cannot be forgotten. `cargo check`
# is there because dev-dependencies, too, switch features on: ours on `testing`, for example. Where they are on
# without being asked for, the test programs are the same ones, by cargo's own hash of their names, and run once.
$(LIBRARIES:%=test-%): test-%: tools
	@set -eu; \
	features=$$(cargo tree -p $* --all-features -e normal --depth 0 --prefix none --format '{f}'); \
	features=$$(echo "$$features" | tr ',' ' '); \
	run() { echo "+ $$*"; "$$@"; }; \
	ran=; \
	tests() { \
		run cargo test -p $* "$$@" --no-run; \
		programs=$$(cargo --color never --config term.quiet=false test -p $* "$$@" --no-run 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$$/\1/p' | tr '\n' ' '); \
		[ -n "$$programs" ] || { echo "cargo does not say which programs it has built"; exit 1; }; \
		case "$$ran" in \
			*"[$$programs]"*) echo "these are the programs that ran before" ;; \
			*) run cargo test -p $* "$$@"; ran="$$ran[$$programs]" ;; \
		esac; \
	}; \
	for feature in '' $$features; do \
		run cargo check -p $* --no-default-features $${feature:+--features $$feature}; \
		tests --no-default-features $${feature:+--features $$feature}; \
	done; \
	case "$$features" in *' '*) tests --all-features ;; esac

# The gallery is of Linux's objects.
GALLERY := $(if $(filter Linux,$(shell uname -s)),,--no-default-features --features 'demo dns foreign http tls')

# Not optimised, so that it uses what the tests of the crates have built, and with checks for overflow. `make demo` runs
# optimised code; `PROFILE=release` tests it.
PROFILE := dev

test-examples: tools
	cargo build --profile $(PROFILE) -p examples --no-default-features --bins
	cargo test --profile $(PROFILE) -p examples $(GALLERY)

# What reads the tools' output; nothing is measured.
test-bench:
	cargo test --quiet --manifest-path examples/bench/Cargo.toml --target-dir $(TARGET_DIR)

# The seeds of the fuzzers, and the bugs that are planted for them.
test-fuzz:
	cargo test --quiet --manifest-path codec/fuzz/Cargo.toml --target-dir $(TARGET_DIR)

# The system's OpenSSL is linked, so its headers have to be there; on CI they must be.
OPENSSL = pkg-config --exists openssl 2>/dev/null

define with_openssl
	@if $(OPENSSL); then \
		set -x; $(1); \
	elif [ -n "$${CI:-}" ] && [ "$$(uname -s)" = Linux ]; then \
		echo "$@: there are no headers of OpenSSL"; exit 1; \
	else \
		echo "$@: examples/openssl is skipped, there are no headers of OpenSSL (libssl-dev, pkg-config)"; \
	fi
endef

test-openssl: tools
	$(call with_openssl,cargo test --quiet --manifest-path examples/openssl/Cargo.toml --target-dir $(TARGET_DIR))

# mio has more than epoll, and Linux can be made to use it: poll(2) instead of epoll, and a pipe instead of
# the eventfd, alone and together. Its own target directory, because other flags would rebuild everything
# twice. A test that is about what is not there says so where cargo lists it as ignored; whole files are in
# reactor/tests/README.md.
test-poll: tools ## reactor, and the laws of net, without epoll and without eventfd
	@set -eu; \
	[ "$$(uname -s)" = Linux ] || { echo "test-poll: only Linux has both"; exit 0; }; \
	without() { flags=$$1; shift; echo "+ $$flags: $$*"; RUSTFLAGS=$$flags "$$@" --target-dir $(TARGET_DIR)/poll; }; \
	eventfd="--cfg mio_unsupported_force_waker_pipe"; \
	epoll="--cfg mio_unsupported_force_poll_poll"; \
	without "$$eventfd" cargo test -p reactor --tests; \
	without "$$epoll $$eventfd" cargo test -p reactor --tests; \
	without "$$epoll $$eventfd" cargo test -p net --test streams --test udp_laws law_

# Loom runs a model under every schedule it can tell apart, which takes optimised code and two bounds:
# preemptions per run, and branches before it calls a run endless. Its own target directory, because
# other flags would rebuild everything twice.
model: ## check the lock-free parts under all interleavings
	@set -eu; \
	export RUSTFLAGS="--cfg loom -C debug-assertions" LOOM_MAX_PREEMPTIONS=2 LOOM_MAX_BRANCHES=20000; \
	models="cargo test --release -p reactor --lib --target-dir $(TARGET_DIR)/loom model"; \
	$$models; \
	$$models -- --list 2>/dev/null | grep -q ': test$$' || { echo "there are no models"; exit 1; }

# Needs a nightly toolchain, and says so where there is none. Its own target directory, because other
# flags would rebuild everything twice. Some tests leak on purpose, so leaks are not looked for.
SANITIZED := x86_64-unknown-linux-gnu

asan: ## the tests of io-traits under AddressSanitizer (nightly)
	@cargo +nightly --version >/dev/null 2>&1 || { echo "asan: there is no nightly toolchain"; exit 1; }
	RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0 cargo +nightly test -p io-traits --all-features \
		--lib --tests --target $(SANITIZED) --target-dir $(TARGET_DIR)/asan

outside: ## build and run crates that depend on one of ours alone
	sh .ci/outside

TIME ?= 600

fuzz: ## fuzz the codecs, each TIME=600 seconds; ONLY=lines for one, PLANTED=1 to have something found
	sh .ci/fuzz each $(TIME) $(ONLY)

fuzz-short: ## fuzz the codecs for a minute in all
	sh .ci/fuzz all 60 $(ONLY)

# The peers live in a package outside of the workspace. Everything is built before anything is measured;
# some scenarios measure the example programs as well.
BENCH = cargo build --quiet --release --manifest-path examples/bench/Cargo.toml --target-dir $(TARGET_DIR)

ROUNDS ?= 7
SEED   ?= 1

bench: ## time and memory against the peers; ROUNDS=20 for more, ONLY=memory for a part
	$(BENCH)
	cargo build --quiet --release -p examples --no-default-features --bin echo --bin chat --target-dir $(TARGET_DIR)
	$(TARGET_DIR)/release/bench --out $(TARGET_DIR)/bench --programs $(TARGET_DIR)/release time --rounds $(ROUNDS) --seed $(SEED) --only '$(ONLY)'

# valgrind and strace count; what they would is left out, and said so, where one is missing.
count: ## exact counts beside the peers: instructions, syscalls, heap; ONLY=syscalls for a part
	$(BENCH)
	$(TARGET_DIR)/release/bench --out $(TARGET_DIR)/bench count --only '$(ONLY)'

# Never fails: a test whose program is missing says so and is skipped, but fails where CI is set.
tools: ## install the programs that tests call, where that is possible
	@packages=; \
	for tool in $(TOOLS); do \
		command -v "$${tool%%:*}" >/dev/null 2>&1 || packages="$$packages $${tool#*:}"; \
	done; \
	for module in $(MODULES); do \
		for python in python3 /usr/bin/python3; do \
			$$python -c "import $${module%%:*}" >/dev/null 2>&1 && continue 2; \
		done; \
		packages="$$packages $${module#*:}"; \
	done; \
	$(OPENSSL) || packages="$$packages pkg-config libssl-dev"; \
	if [ -z "$$packages" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "tools: installing$$packages"; \
		export DEBIAN_FRONTEND=noninteractive; \
		{ apt-get -qq update && apt-get -qq install -y --no-install-recommends $$packages; } >/dev/null \
			|| echo "tools: could not install$$packages; the tests that call them are skipped"; \
	else \
		echo "tools: missing$$packages; the tests that call them are skipped"; \
	fi

# Once with every feature, and each crate without any: what only a feature uses must not warn.
check: tools ## formatting, clippy, the arrows between the crates, and the tables of promises
	cargo fmt --all --check
	cargo fmt --manifest-path examples/bench/Cargo.toml --check
	cargo fmt --manifest-path codec/fuzz/Cargo.toml --check
	cargo fmt --manifest-path examples/openssl/Cargo.toml --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	set -e; for crate in $(CRATES); do cargo clippy -p $$crate --no-default-features -- -D warnings; done
	cargo clippy --manifest-path examples/bench/Cargo.toml --target-dir $(TARGET_DIR) --all-targets -- -D warnings
	cargo clippy --manifest-path codec/fuzz/Cargo.toml --target-dir $(TARGET_DIR) --all-targets -- -D warnings
	$(call with_openssl,cargo clippy --manifest-path examples/openssl/Cargo.toml --target-dir $(TARGET_DIR) --all-targets -- -D warnings)
	sh .ci/arrows
	sh .ci/tables

fmt: ## format all sources
	cargo fmt --all
	cargo fmt --manifest-path examples/bench/Cargo.toml
	cargo fmt --manifest-path codec/fuzz/Cargo.toml
	cargo fmt --manifest-path examples/openssl/Cargo.toml

doc: ## build the docs; a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

deny: ## licences, advisories and sources of the dependencies
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install --locked cargo-deny"; exit 1; }
	cargo deny --all-features check

# Cargo would mend a lock file that is behind the manifests, and the next clone would get other versions.
ci: ## what must pass before a merge
	cargo tree --locked --workspace >/dev/null
	cargo tree --locked --manifest-path examples/bench/Cargo.toml >/dev/null
	cargo tree --locked --manifest-path codec/fuzz/Cargo.toml >/dev/null
	cargo tree --locked --manifest-path examples/openssl/Cargo.toml >/dev/null
	$(MAKE) check doc test fuzz-short demo
