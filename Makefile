# make help lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PREFIX  ?= /usr/local
BENCH   ?=
FUZZ    ?= 60s
STATIC  := -ldflags '-s -w -extldflags -static'
# The same flags for every go command, so that C code (SQLite has 250,000 lines) is compiled once.
# -O1 -g0 takes a third of the time.
export GOFLAGS    := $(shell go env GOFLAGS 2>/dev/null) -trimpath -tags=netgo,osusergo,runc_nocriu,sqlite_omit_load_extension
export CGO_CFLAGS := -O1 -g0
TESTED  := bin/victim bin/demo/notesserver bin/demo-client
INIT    := runtime/internal/initbin/embedded/mcpbox-init
# Only files that must not be older than their sources are file targets. The go command handles the
# rest.
GOSRC   := $(shell find cmd egress internal runtime pool resident seccomp cgroups rootfs monitor policies mcp code server packages report doctor -type f ! -path '$(INIT)' 2>/dev/null)

# go install builds it in about a minute. The version is part of the file name, so a new version is
# built anew.
LINTER  := bin/golangci-lint-v2.15.0

.PHONY: help build demo test test-unit test-system test-vm bench fuzz lint policy-check install clean deps deps-test FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: deps bin/mcpbox ## build the static bin/mcpbox (installs missing build packages when it may)

demo: build bin/demo/notesserver bin/demo-client ## run an MCP server in the sandbox, and show that its attack on the host is refused and reported
	bin/demo-client

# If a part fails, the next ones still run. At the end it lists failures, and skipped tests with
# their reasons.
test: build deps-test $(TESTED) ## vet, unit, verdict, script, integration and escape tests
	go run ./tests/run

test-unit: $(INIT) ## vet and every test that needs no built binary
	go run ./tests/run vet unit

test-system: bin/mcpbox deps-test $(TESTED) ## every test that runs bin/mcpbox
	go run ./tests/run system demo

test-vm: build bin/victim ## limits, cgroups and hosts of other kinds, in virtual machines (root; 8 minutes)
	tests/vm/all.sh

bench: build ## measure every budget and other programs, write docs/BENCHMARKS.md (BENCH=start,spawn: only these, to the terminal)
	go run ./tests/bench -mcpbox bin/mcpbox $(if $(BENCH),-only '$(BENCH)',-o docs/BENCHMARKS.md)

fuzz: $(INIT) ## every fuzz target for FUZZ (60s) each
	@grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -rn1 dirname | sort -u | while read -r dir; do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$$dir"/*_test.go | awk '{print $$2}'); do \
	    echo "go test -fuzz ^$$f\$$ $$dir"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZ) -fuzzminimizetime 5s "$$dir"; \
	  done; done

# Without -trimpath: with it, Go's cache hands out C sources under the path of the checkout that
# compiled them first, and that may be gone.
lint: $(INIT) $(LINTER) ## gofmt, vet and golangci-lint
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	GOFLAGS='$(filter-out -trimpath,$(GOFLAGS))' $(LINTER) run --timeout 10m

policy-check: bin/mcpbox ## check every policy file that the repository ships
	@for f in policies/presets/*.yaml examples/*.yaml; do echo "bin/mcpbox policy check $$f"; bin/mcpbox policy check "$$f"; done

install: build ## put bin/mcpbox into PREFIX/bin (/usr/local)
	install -D -m 0755 bin/mcpbox "$(DESTDIR)$(PREFIX)/bin/mcpbox"

clean: ## remove everything that make has built
	rm -rf bin $(INIT)

deps: ## check (or, as root, install) the packages for the build: gcc libc6-dev pkg-config libseccomp-dev
	@scripts/deps.sh build

deps-test: ## the same for the packages that only tests use: node, npm, python3 …
	@scripts/deps.sh test

# mcpbox embeds mcpbox-init, so mcpbox-init is built first.
$(INIT): $(GOSRC) go.mod
	CGO_ENABLED=0 go build -ldflags '-s -w' -o $@ ./cmd/mcpbox-init

bin/mcpbox: $(INIT) $(GOSRC) go.mod
	go build $(STATIC) -o $@ ./cmd/mcpbox

$(LINTER):
	GOFLAGS=-trimpath CGO_ENABLED=0 GOBIN="$(CURDIR)/bin" go install -ldflags '-s -w' \
	  github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(@:bin/golangci-lint-%=%)
	mv bin/golangci-lint $@

bin/victim: FORCE
	CGO_ENABLED=0 go build -o $@ ./tests/victim

bin/demo/notesserver: FORCE
	CGO_ENABLED=0 go build -o $@ ./tests/demo/notesserver

bin/demo-client: FORCE
	CGO_ENABLED=0 go build -o $@ ./tests/demo
