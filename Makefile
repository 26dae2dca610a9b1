# The targets below are what CI runs and what a person needs. `make help` lists them.
GO       ?= go
BIN      := $(CURDIR)/bin
LINT     := $(BIN)/golangci-lint
LINT_VERSION := v2.15.0
# What is built, checked, and tested without the race detector is one build, so that each package is compiled once for all of it.
STATIC   := CGO_ENABLED=0 GOFLAGS=-trimpath $(GO)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: run
run: deps ## Play the built-in scenarios against the reference controller, on real Postgres
	$(GO) run ./cmd/bootrace run

.PHONY: build
build: ## Build bin/bootrace: static, so that it runs in any image
	$(STATIC) build -ldflags '-s -w' -o $(BIN)/bootrace ./cmd/bootrace

RELEASE    := $(CURDIR)/dist
PLATFORMS  := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64

.PHONY: release
release: bin/cyclonedx-gomod ## Build dist/: static binaries for Linux and macOS, their checksums, and an SBOM
	.ci/release $(RELEASE) $(BIN)/cyclonedx-gomod $(PLATFORMS)

CYCLONEDX_VERSION := v1.10.0
bin/cyclonedx-gomod:
	GOBIN=$(BIN) $(GO) install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)

.PHONY: image
image: build ## Build the image bootrace, of nothing but the program
	images/bootrace/build $(BIN)/bootrace

.PHONY: images
images: image ## Build that, and bootrace-postgres of this machine's own Postgres: what compose.yaml and --postgres docker need
	images/postgres/build

MEASURED    := $(BIN)/measured.txt
TEST_MEMORY := 1500 # megabytes that one test process may take

# Packages that start no goroutine: there the race detector has nothing to find, and makes searches ten times slower. Those of WATCHED
# skip their longest searches under it, and are tested without it as well.
UNWATCHED := ./harness/explore ./harness/linear ./harness/bridge
WATCHED   := ./harness
LONGEST   := ./harness/live ./harness/foreign ./cmd/bootrace # which mostly wait, and begin first
SHY       := ./controller/cloud/docker # whose images runs of the live world may take for left ones, so that it is tested after those
TESTING   := test -p 4 -timeout 30m -exec $(BIN)/measured
# The client of EC2 is generated code, as large as all else together, and not ours to watch.
RACE      := -race -gcflags=github.com/aws/aws-sdk-go-v2/service/ec2=-race=false

.PHONY: test
test: deps bin/measured ## Run every test, with the race detector where it can find something, on real Postgres; say where the time goes
	@rm -f $(MEASURED)
	$(STATIC) build ./... # which tests build programs of: here, so that each package is compiled once for them
	BOOTRACE_MEASURED=$(MEASURED) $(GO) $(TESTING) $(RACE) $(LONGEST) $$($(GO) list ./... | grep -vxF "$$($(GO) list $(UNWATCHED) $(SHY))")
	BOOTRACE_MEASURED=$(MEASURED) $(STATIC) $(TESTING) $(UNWATCHED) $(WATCHED) & sims=$$!; \
	  BOOTRACE_MEASURED=$(MEASURED) $(GO) $(TESTING) $(RACE) $(SHY); shy=$$?; \
	  $(STATIC) test -timeout 30m -run 'TestAsFound|TestContractKept' ./harness/foreign; foreign=$$?; \
	  wait $$sims && [ $$shy = 0 ] && exit $$foreign
	@BOOTRACE_MEASURED=$(MEASURED) $(BIN)/measured -table -most $(TEST_MEMORY)

# The packages whose tests have processes, sockets or containers of their own, and so a wall clock; without their tests in virtual time.
BUSY_PACKAGES := ./harness/live ./harness/foreign ./controller/cloud/docker ./harness/agent/standalone ./harness/child ./harness/hiccup
BUSY_ROUNDS   := 1
BUSY_WITHOUT  := TestAsFound|TestContractKept

.PHONY: test-busy
test-busy: deps bin/busy ## Run the tests that have a wall clock beside four busy loops and a disk writer a core, BUSY_ROUNDS times
	$(STATIC) test -run '^$$' $(BUSY_PACKAGES) >/dev/null
	for round in $$(seq $(BUSY_ROUNDS)); do $(BIN)/busy env $(STATIC) test -count=1 -timeout 30m -skip '$(BUSY_WITHOUT)' $(BUSY_PACKAGES) || exit 1; done

.PHONY: soak-live
soak-live: build bin/busy ## Show that live runs are sound beside such load: ten suites, and every defect five times (more than an hour)
	.ci/soak-live $(BIN)/bootrace $(BIN)/busy

.PHONY: bin/busy bin/measured
bin/busy bin/measured:
	$(STATIC) build -o $(CURDIR)/$@ ./internal/$(notdir $@)

.PHONY: test-fast
test-fast: ## Run every test without the race detector: more seeds in less time
	$(GO) test -timeout 10m ./...

.PHONY: check
check: $(LINT) verify ## Check format, vet, lint, and that generated files are in sync
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'not gofmt-ed:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(STATIC) vet ./...
	CGO_ENABLED=0 GOFLAGS=-trimpath $(LINT) run ./...
	$(GO) mod tidy -diff

.PHONY: generate
generate: ## Generate the JSON Schema, and the documentation's diagram and tables
	$(GO) generate ./scenarios
	$(GO) run ./internal/readme -write

.PHONY: verify
verify: ## Fail where a generated file is out of sync, or a page names what is not there
	$(STATIC) run ./internal/readme
	$(STATIC) test -run 'TestSchema' ./scenarios

.PHONY: bench
bench: deps ## Print the figures of docs/internals.md
	$(GO) test -run '^$$' -bench . -benchtime 3s ./harness ./harness/sched ./harness/explore
	$(GO) test -run '^$$' -bench . -benchtime 1s ./controller/store/postgres ./harness/pgserver
	$(GO) test -run Figures -count 3 -v ./harness/bubble # a bubble needs a test, and no benchmark

.PHONY: mutate
mutate: bin/gremlins ## Try mutants of the controller against the property tests (half an hour); reports go to mutants/
	internal/mutation/run

.PHONY: mutants
mutants: ## Try the mutants that people wrote against runs, checks and explorations; what did not change is not tried again
	$(GO) run ./internal/mutation/hand -write

.PHONY: smoke
smoke: build ## Try the built program from outside: exit codes, digests, and the documentation's commands
	.ci/smoke $(BIN)/bootrace
	$(STATIC) run ./internal/readme -program $(BIN)/bootrace

.PHONY: bare
bare: ## Try make run on a Debian machine with Go and without PostgreSQL: a file system of its own, which needs root
	.ci/bare run

.PHONY: compose
compose: build ## Try compose.yaml with the built program: both outcomes, and that nothing is left
	.ci/compose $(BIN)/bootrace

.PHONY: deps
deps: ## Install what tests need beside Go, where it is missing: PostgreSQL's server binaries
	@.ci/deps

$(LINT):
	GOBIN=$(BIN) $(STATIC) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

GREMLINS_VERSION := v0.6.0
bin/gremlins:
	GOBIN=$(BIN) $(GO) install github.com/go-gremlins/gremlins/cmd/gremlins@$(GREMLINS_VERSION)

.PHONY: clean
clean: ## Remove what was built and what runs left
	rm -rf $(BIN) $(RELEASE) runs mutants
