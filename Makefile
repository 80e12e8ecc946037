# make            what to run before a commit: format, vet, lint, short tests (under two minutes once warm)
# make test       everything CI runs; sets up on a fresh machine what the tests need
# make test-full  every figure of docs/qa/reliability.md: the whole matrix, race detector, real processes, fuzzing (about an hour)
# make race       packages with goroutines under the race detector
# make sim        SEEDS=n PROFILES="a b"   simulated networks under fire, n of each profile
# make stake      SEEDS=n   members, stakes, faults, keys and checkpoints at full figures: simulated networks and random histories
# make canaries   rules broken on purpose: each must be noticed
# make sim-pillars  BLOCKS=n   the public chain: intervals, shares, shocks and attacks on five seeds
# make reorgs     CASES=n   state after reorganisations against state built straight
# make model      DAGS=n    the commit rule against its second implementation and its model, explored to the end
# make fuzz       TIME=18s  every fuzz target of the repository
# make soak-net   MINUTES=n or H=n, SEED=n, NODES=n, LEAST=n, MANIFEST=file
#                 real processes killed, frozen, cut off, on full disks and old copies: docs/qa/reliability.md
# make bench      benchmarks
# make compare    PAIRS=n PAYMENT=P1|P2   the Kernel beside CometBFT, a module of its own: bench/compare/README.md
# make compare-pillars   the public chain beside btcd, a module of its own: bench/pillars/README.md
# make oracle     our Ethash against an old go-ethereum's, which is fetched for this alone
# make devnet     seven nodes on this machine

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := check
.PHONY: check format vet lint short setup test test-full race sim sim-pillars stake reorgs canaries model fuzz soak-net bench compare compare-pillars oracle devnet

SEEDS ?= 100
PROFILES ?= chaos byzantine async storm horizon clients clock restart disk loss coin
DAGS ?= 2000
BLOCKS ?= 20000
CASES ?= 200
MINUTES ?= 8
LEAST ?= 0
NODES ?= 7
TIME ?= 18s
PAIRS ?= 5
PAYMENT ?= P2
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Folders that start goroutines, found and not listed: a new one is covered at once.
CONCURRENT = $$(grep -rlE '^[[:space:]]*go (func|[[:alnum:]_.]+\()|\.Go\(' --include='*.go' --exclude-dir=node_modules cmd explorer internal kernel pillars 2>/dev/null | xargs -r -n1 dirname | sort -u | sed 's,^,./,')

check: format vet lint short

format:
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi

vet:
	go vet ./...

# golangci-lint (settings in .golangci.yml) where it is installed, else the pinned staticcheck.
lint:
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; else go run $(STATICCHECK) ./...; fi

short:
	go test -short ./...

setup:
	test/setup.sh

# Tests that start networks of processes come last and one package at a time: none starves another.
# ASTERISM_TESTS=all turns "skipped, the browser is missing" into a failure.
NETWORKS := ./cmd/aster ./kernel/node ./test/...
define tests
	export ASTERISM_TESTS=all $(2); code=0; others=$$(go list ./... | grep -vxF "$$(go list $(NETWORKS))"); \
	go test -timeout $(1) $$others || code=1; go test -p 1 -timeout $(1) $(NETWORKS) || code=1; exit $$code
endef

test: setup
	$(call tests,30m)

test-full: setup race
	$(call tests,90m,ASTERISM_FULL=1)
	$(MAKE) model DAGS=20000
	$(MAKE) canaries
	$(MAKE) sim-pillars
	$(MAKE) reorgs
	$(MAKE) oracle
	$(MAKE) soak-net MINUTES=8 LEAST=60
	$(MAKE) fuzz

race:
	@packages="$(CONCURRENT)"; echo $$packages; go test -race -short -timeout 20m $$packages

sim: bin/aster
	@for profile in $(PROFILES); do bin/aster sim --profile $$profile --seeds $(SEEDS) || exit 1; done

# The same as in test-full, for who works on members and faults.
stake: bin/aster
	ASTERISM_FULL=1 go test -timeout 60m ./kernel -run EvidenceConvicts
	ASTERISM_FULL=1 go test -timeout 60m ./kernel/internal/ledger -run 'Ceremonies|OnlyCheatsPay|HonestAuthors'
	ASTERISM_FULL=1 go test -timeout 60m ./kernel/internal/replica -run CertifySchedules
	bin/aster sim --profile members --first 302 --seeds $(SEEDS)
	bin/aster sim --profile epochs --first 301 --seeds $(SEEDS)

sim-pillars: bin/aster
	bin/aster sim pillars --blocks $(BLOCKS)

reorgs: bin/aster
	bin/aster sim pillars --profile reorg --cases $(CASES)

# Exit code 3 says that the broken rule was noticed.
canaries: bin/aster
	@for name in $$(bin/aster sim --canary list); do \
		bin/aster sim --canary $$name --json && code=0 || code=$$?; \
		if [ $$code != 3 ]; then echo "canary $$name: exit code $$code"; exit 1; fi; done

.PHONY: bin/aster
bin/aster:
	@go build -o $@ ./cmd/aster

model:
	go test ./kernel/internal/consensus -run 'Naive|EveryPart|Exhaustive' -dags $(DAGS) -small 1000 -exhaustive -timeout 60m

fuzz:
	test/fuzz.sh $(TIME)

soak-net:
	go run ./test/soak -minutes $(MINUTES) -nodes $(NODES) -least $(LEAST) $(if $(H),-hours $(H)) $(if $(SEED),-seed $(SEED)) $(if $(MANIFEST),-manifest $(MANIFEST))

bench:
	go test -run '^$$' -bench . -benchmem ./...

compare:
	cd bench/compare && go run . --pairs $(PAIRS) --payment $(PAYMENT)

compare-pillars:
	cd bench/pillars && go run -mod=mod .

# -mod=mod: what our go.mod requires changes more often than this module's own.
oracle:
	cd test/ethash && go test -mod=mod ./...

devnet:
	go run ./cmd/aster devnet
