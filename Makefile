# A thin front for Meson. docs/building.md says what each target does.
#
#   make            builds into build/, leaves the program at build/handfast
#   make demo       installs what is missing, builds, shows two hosts at work
#   make test       everything under ASan and UBSan, and the gates with gcc and clang
#   make lint       layout, clang-tidy, cppcheck, shellcheck, mandoc
#   make bench      figures from a -O3 build, beside floors and peers, some ten minutes
#   make bench-quick  the same in less than three
#   make bench-docs   writes docs/performance.md anew from the last run
#   make bench-paths        beside the kernel's TCP over emulated paths, hours; as root
#   make bench-paths-quick  a few of them, minutes
#   make bench-tun  beside the kernel's TCP over a TUN device, two minutes; as root
#   make tiny       the profile for devices: its size, and a run on an emulated Cortex-M4
#   make mutation   breaks one decision of src/tcp after another; the tests should notice
#   make fuzz       each fuzzer for FUZZ_SECONDS seconds
#   make docs       runs the commands that the documentation shows
#   make conformance  writes docs/conformance.md anew
#   make install    DESTDIR and PREFIX are obeyed
#   make clean      removes every build tree

FUZZ_SECONDS ?= 60
MUTANTS ?= 400
SEED ?= 1
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=
export DESTDIR

.PHONY: all demo test bench bench-quick bench-docs bench-paths bench-paths-quick bench-tun fuzz lint docs conformance mutation tiny install clean
# The trees share two cores' worth of machine: one target at a time.
.NOTPARALLEL:

all:
	@tools/build-tree build
	@ninja -C build

demo:
	@tools/setup build
	@tools/build-tree build
	@ninja -C build --quiet handfast
	@build/handfast demo

test:
	@tools/setup
	@tools/test

bench bench-quick bench-docs:
	@tools/setup bench
	@tools/build-tree build-release
	@ninja -C build-release --quiet
	@bench/run --program build-release/handfast --out build-release/bench-results \
	    $(if $(filter %-quick,$@),--quick) $(if $(filter %-docs,$@),--only-docs docs/performance.md)

bench-paths bench-paths-quick:
	@tools/setup build
	@tools/build-tree build-release
	@ninja -C build-release --quiet handfast bench/path-peer
	@bench/paths/run --program build-release/handfast --peer build-release/bench/path-peer \
	    --out build-release/bench-paths $(if $(filter %-quick,$@),--quick)

bench-tun:
	@tools/setup bench
	@tools/build-tree build-release
	@ninja -C build-release --quiet handfast
	@bench/run --program build-release/handfast --out build-release/bench-results tun

tiny:
	@tools/setup
	@tools/tiny

fuzz:
	@tools/setup
	@tools/fuzz $(FUZZ_SECONDS)

mutation:
	@tools/setup
	@tests/mutation/mutate --mutants $(MUTANTS) --seed $(SEED) --jobs $(JOBS)

lint:
	@tools/setup
	@tools/lint

docs: all
	@tools/check-docs --program build/handfast

conformance:
	@tools/build-tree build
	@ninja -C build --quiet build.ninja
	@tools/conformance --build-tree build

install: all
	@meson configure build -Dprefix=$(PREFIX)
	@meson install -C build
	@# So that the loader finds the library at once; in a package that is the package's affair.
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

clean:
	rm -rf build build-asan build-clang build-fuzz build-mutation build-release build-tiny
