# The project's commands. `make bench` and `make test` are all that a new machine needs; each sets itself up.

CARGO ?= cargo
OUT ?= sealab-report
CONFORMANCE ?= sealab-conformance
SEALAB := target/release/sealab

# The vendored OpenSSL is configured by Perl. Where only perl-base is there and nothing may be installed, that one
# engine is left out and everything else goes on.
HAS_PERL = $(shell perl -MFindBin -MIPC::Cmd -MFile::Compare -e1 2>/dev/null && echo yes)
FEATURES = $(if $(HAS_PERL),,--no-default-features)
MEMBERS = --workspace $(if $(HAS_PERL),,--no-default-features --exclude sealab-engine-openssl)

# What a first look needs, within five minutes on two cores.
BENCH_SCENARIOS := aesni-vs-software pages-memhog pages-stress-ng pages-sector-size protobuf-messages raw-streams threads \
	checkpoint-restore volume-stacks image-aesni

.PHONY: help build bench bench-full conformance criu harnesses test test-long check fuzz icount criterion oracle clean

help:
	@echo 'make bench       measure this machine, 2 to 5 minutes after the build; ends with the path of a report'
	@echo 'make bench-full  run every scenario, with more rounds'
	@echo 'make conformance hold every engine, and harnesses in other languages, to the golden vectors'
	@echo 'make build       target/release/sealab'
	@echo 'make test        the whole test suite'
	@echo 'make test-long   what takes longer: 100,000 power cuts of each format of volumes, half an hour'
	@echo 'make fuzz        a minute of each fuzz target (needs cargo-fuzz)'
	@echo 'make criterion   benches of the hot paths'
	@echo 'make icount      instruction counts under callgrind'
	@echo 'make oracle      a real kernel opens our volumes, and we its (optional; QEMU without KVM)'

# Set-up is a target of its own: make reads a recipe's variables before it runs the recipe's first line, and HAS_PERL
# must be read after Perl was installed.
setup-%:
	@ci/setup $*

build: setup-build
	$(CARGO) build --release --locked -p sealab $(FEATURES)

bench: build setup-bench criu
	$(SEALAB) run $(BENCH_SCENARIOS) --out $(OUT)

bench-full: build setup-bench setup-volume setup-image criu
	$(SEALAB) run --all --rounds 40 --out $(OUT)

conformance: build harnesses setup-conformance
	$(SEALAB) conform --out $(CONFORMANCE) $(if $(CI),--strict)

# What is not built is named by `sealab conform`, and fails there when it is strict.
harnesses: setup-harnesses
	@for language in c go java; do \
		$(MAKE) --no-print-directory -C harnesses/$$language OUT=$(CURDIR)/target/harnesses/$$language || \
			echo "harnesses/$$language: not built" >&2; \
	done

# A CRIU that works on this kernel: the system's, else Debian 13's beside it. Where there can be none, its tests say so.
criu: setup-criu
	@ci/criu >/dev/null || true

test: check harnesses criu setup-conformance
	$(CARGO) test --locked $(MEMBERS)

test-long: setup-build
	$(CARGO) test --locked -p sealab-attack -- --ignored

check: setup-build setup-test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets $(MEMBERS) -- -D warnings

criterion: setup-build
	$(CARGO) bench --locked -p sealab-engine-rustcrypto --bench xts
	$(CARGO) bench --locked -p sealab-engine-openssl --bench direct
	$(CARGO) bench --locked -p sealab-engine-ring --bench direct

# A stock Debian kernel with the real dm-crypt, dm-integrity and dm-verity, in QEMU's software emulation.
oracle: build setup-oracle
	ci/oracle

icount: setup-build setup-icount
	$(CARGO) install --quiet --locked --root target/tools --version 0.20.0 gungraun-runner
	GUNGRAUN_RUNNER=$(CURDIR)/target/tools/bin/gungraun-runner \
		$(CARGO) bench --locked -p sealab-engine-rustcrypto --bench instructions

# The sanitizer's flags are not in the stable compiler; the variable opens them. It does not allow the way in which the
# system's libraries are opened, so that the engines run without it.
fuzz:
	@for target in scenario cpu_profiles sizes record report vectors request engines \
		image pr2297 sealed archive luks verity integrity sealed_log nbd trace tpm_response \
		layer_options layer_recipients layer_files chunk_table; do \
		mkdir -p fuzz/new/$$target fuzz/corpus/$$target; \
		sanitizer=$$([ $$target = engines ] && echo '--sanitizer none'); \
		(cd fuzz && RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run $$sanitizer $$target new/$$target corpus/$$target -- \
			-max_total_time=60 -timeout=20 -rss_limit_mb=2048 -max_len=24000) || exit 1; \
	done

clean:
	$(CARGO) clean
