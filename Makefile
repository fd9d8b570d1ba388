# "make" lists the targets. YES=1 skips the questions of setup.

GO       ?= $(or $(shell command -v go),/usr/local/go/bin/go)
VERSION  ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)
FUZZTIME ?= 5s
BENCHTIME ?= 5x
RUNS     ?= 200
ENGINES  ?= 20.10,26.1,28.5,mixed
LAB      ?= ./test/... ./pkg/provider/... ./pkg/bootstrap

# The race detector needs a C compiler; tests without it are better than none.
RACE := $(if $(shell command -v gcc || command -v cc),-race)
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

export PATH := $(dir $(GO)):$(PATH)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build setup demo unit test lab lint fmt fuzz bench chaos matrix docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the static binary, bin/swarmup
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/swarmup ./cmd/swarmup

setup: ## what demo and test need: a Docker Engine, mmdebstrap; asks before it installs
	hack/setup.sh

demo: setup build ## examples/cluster.yaml becomes three machines and a swarm
	./bin/swarmup apply examples/cluster.yaml --yes
	@echo
	docker exec "$$(docker ps -q -f label=swarmup.cluster=demo -f label=swarmup.node=mgr1)" docker node ls
	@echo
	@echo 'What next:'
	@echo '  ./bin/swarmup status examples/cluster.yaml     show the nodes'
	@echo '  ./bin/swarmup apply examples/cluster.yaml      once more: nothing to do'
	@echo '  ./bin/swarmup destroy examples/cluster.yaml    take it all down'

unit: ## vet and unit tests; offline, under a minute
	$(GO) vet ./...
	$(if $(RACE),,@echo 'There is no C compiler, so the tests run without the race detector.')
	$(GO) test $(RACE) -shuffle=on ./...

test: setup lint unit lab fuzz ## everything: lint, unit tests, the lab with real engines, fuzzing

lab: build ## tests on real engines, in containers of the local Docker Engine
	SWARMUP_LAB=1 $(GO) test -count=1 -p 1 -timeout 25m $(LAB)

lint: ## golangci-lint, pinned in tools/go.mod; shellcheck where it is installed
	$(LINT) run ./...
	@! command -v shellcheck >/dev/null || git ls-files '*.sh' .ci/run | xargs -r shellcheck

fmt: ## format the source
	$(LINT) fmt ./...

fuzz: ## every fuzz target, FUZZTIME each
	@grep -rHo '^func Fuzz[A-Za-z0-9]*' --include='*_test.go' . | sed 's/:func /:/' | sort | \
	while IFS=: read -r file name; do \
		echo "$$name in $$(dirname "$$file")"; \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
	done

bench: setup build ## benchmarks; those with machines beside other tools (docs/bench.txt)
	$(GO) test -run '^$$' -bench . -benchmem ./cmd/... ./pkg/...
	image=$$(bench/setup.sh) && SWARMUP_LAB=1 SWARMUP_BENCH_IMAGE=$$image \
		$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -timeout 40m ./bench > docs/bench.txt; code=$$?; cat docs/bench.txt; exit $$code

chaos: setup build ## damage clusters until RUNS runs are in docs/reliability.jsonl, or one run again with SEED=CHAIN/RUN
	SWARMUP_LAB=1 $(GO) test -count=1 -v -timeout 0 -run '^TestChaos$$' ./test/chaos -args $(if $(SEED),-seed $(SEED),-runs $(RUNS))

matrix: setup build ## the end-to-end tests with each of ENGINES; what passed is not run again (docs/matrix.md)
	SWARMUP_LAB=1 $(GO) test -count=1 -v -timeout 0 -run '^TestMatrix$$' ./test/matrix -args -engines $(ENGINES)

docs: ## write schema/ and docs/cluster-yaml.md anew from the types
	$(GO) test ./pkg/spec -run TestGeneratedFilesAreCurrent -update

clean: ## remove what build made; machines go with swarmup destroy
	rm -rf bin
