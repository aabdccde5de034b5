# SPDX-License-Identifier: Apache-2.0
#
# Everything a contributor or a continuous integration runs. "make help" lists the targets.

# The first build compiles Kubernetes; every later target reuses the build cache. So the flags of "go build" here stay
# the ones that "go test" and "go vet" use: -trimpath or another CGO_ENABLED would compile it all a second time.

GO       ?= go
GO_TOOL   = $(GO) tool -modfile=go.tools.mod
BIN      := $(CURDIR)/bin
VERSION  ?= $(shell git describe --tags --dirty 2>/dev/null || echo v0.1.0-dev)
# Of which a replay's page is. Go knows it as well, but not where GOFLAGS has -buildvcs=false. A new one links anew, and compiles nothing.
COMMIT   ?= $(shell git describe --always --dirty --exclude '*' 2>/dev/null)

# The Kubernetes version is written in go.mod and nowhere else.
KUBERNETES_VERSION = $(shell $(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)
KUBERNETES_PARTS   = $(subst ., ,$(patsubst v%,%,$(KUBERNETES_VERSION)))
VERSION_PACKAGE    = k8s.io/component-base/version
LDFLAGS = -X main.version=$(VERSION) -X main.commit=$(COMMIT) \
	-X $(VERSION_PACKAGE).gitVersion=$(KUBERNETES_VERSION) \
	-X $(VERSION_PACKAGE).gitMajor=$(word 1,$(KUBERNETES_PARTS)) \
	-X $(VERSION_PACKAGE).gitMinor=$(word 2,$(KUBERNETES_PARTS))

# Packages whose data races would be ours: what the scheduler runs concurrently, and what that rests on.
RACE_PACKAGES = $(foreach dir,constraint memory usage plugins apis,$(if $(wildcard pkg/$(dir)),./pkg/$(dir)/...))

# Types of all of Kubernetes fill 8 GB at Go's default; collecting more often takes some seconds and half of that.
LINT_MEMORY = GOGC=$(or $(GOGC),50)

# A module of its own, because it depends on Helm.
MANIFESTS_MODULE = test/manifests

# Folders whose packages carry generated deep copies, conversions and defaults.
API_PACKAGES      = ./pkg/apis/config ./pkg/apis/config/v1
VERSIONED_PACKAGE = ./pkg/apis/config/v1
GENERATED_HEADER  = pkg/apis/generated-header.go.txt
GENERATED_SUMS    = find pkg/apis -name 'zz_generated.*' | sort | xargs cksum

.DEFAULT_GOAL := help

##@ Use

.PHONY: build
build: ## Compile the binaries into bin/ (the first time takes minutes; it shows progress)
	@$(GO) run ./test/progress -o $(BIN)/ -ldflags '$(LDFLAGS)' ./cmd/...
	@install -m 755 cmd/kubectl-headroom/kubectl_complete-headroom $(BIN)/

.PHONY: demo
demo: build ## Two node pools, default scheduler against Headroom: report in out/demo (KEEP=1 leaves it running, SEED=n, EXTRA='--flags')
	@$(BIN)/headroom-lab demo --out out/demo $(if $(filter-out 0 false no,$(KEEP)),--keep) $(if $(SEED),--seed $(SEED)) $(EXTRA)

# The image is made here and not by "docker build", which would need an image of Go, from a registry. Its binary is linked
# without C, so it is compiled apart from everything else: the first time takes as long as the first "make build".
IMAGE_FOLDER = out/image
# How large the image may be, compressed as a registry keeps it.
IMAGE_BYTES ?= 60000000
# Debian and others, RHEL and its kin, macOS.
AUTHORITIES ?= $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))

# The published comparison: what docs/evaluation.md shows. TRACES is a folder with a folder for each trace.
REPLAY_SEEDS ?= 3
# Of containers that live for minutes, whose runs are short and differ much.
REPLAY_SHORT_SEEDS ?= 6
# Of Headroom and the peer that comes closest to it.
REPLAY_PAIR_SEEDS ?= 20
REPLAY = $(BIN)/headroom-lab replay --page docs/evaluation.md
.PHONY: replay
replay: build ## Place the pods of memory traces by all policies, into out/evaluation and docs/evaluation.md (TRACES=folder REPLAY_SEEDS=n REPLAY_SHORT_SEEDS=n REPLAY_PAIR_SEEDS=n)
	@test -d "$(TRACES)" || { echo "TRACES=$(TRACES) is not a folder: name the one with bitbrains-faststorage, google2011-jobs-a, agent-containers-a and azure-v1-arrivals"; exit 1; }
	@$(REPLAY) --trace $(TRACES)/bitbrains-faststorage --nodes 24,26,28,30,34 --seeds $(REPLAY_SEEDS) --policies all --out out/evaluation/bitbrains-base
	@$(REPLAY) --trace $(TRACES)/bitbrains-faststorage --nodes 26,30 --seeds $(REPLAY_PAIR_SEEDS) --policies headroom,koordinator-like --out out/evaluation/bitbrains-pair
	@$(REPLAY) --trace $(TRACES)/bitbrains-faststorage --nodes 30 --seeds $(REPLAY_SEEDS) --scenarios base,requests-underset,lag-15s,lag-300s,metrics-missing,threshold-100Mi,nodes-large \
		--policies headroom,least-allocated,load-variation,low-risk,koordinator-like --out out/evaluation/bitbrains-scenarios
	@$(REPLAY) --trace $(TRACES)/bitbrains-faststorage --nodes 30,40 --seeds $(REPLAY_SEEDS) --scenarios memory-sticky,churn --arrivals $(TRACES)/azure-v1-arrivals/arrivals.csv.gz \
		--policies headroom,least-allocated,load-variation,low-risk,koordinator-like --out out/evaluation/bitbrains-unseen
	@$(REPLAY) --trace $(TRACES)/bitbrains-faststorage --nodes 26,30 --seeds $(REPLAY_SEEDS) --policies ablation --out out/evaluation/ablation
	@$(REPLAY) --trace $(TRACES)/bitbrains-faststorage --nodes 26,30 --seeds $(REPLAY_SEEDS) --policies tuned --out out/evaluation/tuned
	@$(REPLAY) --trace $(TRACES)/google2011-jobs-a --node-memory 16Gi --nodes 8,10 --seeds $(REPLAY_SHORT_SEEDS) \
		--policies headroom,headroom-pack,least-allocated,load-variation,koordinator-like --out out/evaluation/google
	@$(REPLAY) --trace $(TRACES)/agent-containers-a --node-memory 4Gi --scenarios requests-underset --nodes 6,7,8 --seeds $(REPLAY_SHORT_SEEDS) \
		--policies headroom,least-allocated,load-variation,low-risk,koordinator-like --out out/evaluation/agents
	@$(REPLAY) --trace $(TRACES)/agent-containers-a --node-memory 4Gi --scenarios requests-underset --nodes 7,8 --seeds $(REPLAY_SHORT_SEEDS) \
		--policies headroom,headroom-without-filter,headroom-without-score --out out/evaluation/agents-ablation
	@$(BIN)/headroom-lab predict --trace $(TRACES)/bitbrains-faststorage --trace $(TRACES)/google2011-jobs-a --out out/evaluation/predict

.PHONY: image
image: ## Build the container image headroom-scheduler with docker, without a registry (BASE=image for another than scratch, AUTHORITIES=file of certificate authorities)
	@test -r "$(AUTHORITIES)" || { echo "no file of certificate authorities (\"$(AUTHORITIES)\"): name one by AUTHORITIES=file"; exit 1; }
	@mkdir -p $(IMAGE_FOLDER)
	@echo "Compiling headroom-scheduler without C (the first time takes minutes)"
	@CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -o $(IMAGE_FOLDER)/headroom-scheduler -ldflags '-s -w $(LDFLAGS)' ./cmd/headroom-scheduler
	@cp "$(AUTHORITIES)" $(IMAGE_FOLDER)/ca-certificates.crt
	docker build --file Dockerfile.prebuilt $(if $(BASE),--build-arg BASE=$(BASE)) --tag headroom-scheduler:$(VERSION) $(IMAGE_FOLDER)
	@docker save --output $(IMAGE_FOLDER)/image.tar headroom-scheduler:$(VERSION)
	@bytes=$$(gzip --stdout $(IMAGE_FOLDER)/image.tar | wc -c); rm $(IMAGE_FOLDER)/image.tar; echo "headroom-scheduler:$(VERSION): $$((bytes / 1000000)) MB compressed"; \
		test $$bytes -lt $(IMAGE_BYTES) || { echo "more than $(IMAGE_BYTES) bytes: see what was added, or raise IMAGE_BYTES"; exit 1; }

##@ Test

.PHONY: test
test: build ## Unit tests and the tests on the local cluster, with the real binaries
	@echo "Running all tests; those on the local cluster start a control plane and take a few minutes."
	@HEADROOM_BIN=$(BIN) $(GO) test -count=1 -vet=off -timeout 30m $(TEST_FLAGS) ./...
	@cd $(MANIFESTS_MODULE) && HEADROOM_BIN=$(BIN) $(GO) test -count=1 -vet=off -timeout 20m $(TEST_FLAGS) ./...

# Checks of each property; there are ten of placement and four of eviction.
CONFORMANCE_CHECKS ?= 40000
CONFORMANCE_PROPERTIES = ^Test(Required|Preferred|TheIndex|Explanations|Cycles|Hints)

.PHONY: conformance
conformance: ## Placement compared with the in-tree plugins, and eviction with the kubelet, on 560,000 generated cases and those of test/cases (CONFORMANCE_CHECKS=n for each property)
	@$(GO) test -count=1 -vet=off ./pkg/constraint ./pkg/plugins/nodeaffinity ./pkg/plugins/nodename -run '$(CONFORMANCE_PROPERTIES)' -rapid.checks=$(CONFORMANCE_CHECKS)
	@$(GO) test -count=1 -vet=off ./test/conformance/... -rapid.checks=$(CONFORMANCE_CHECKS)
	@$(GO) test -count=1 -vet=off ./test/cases

RUNS ?= 5
# The configuration that the arms config and headroom run, for example BENCH=throughput.
BENCH ?= replace

.PHONY: bench
bench: ## Speed on the upstream harness, four arms, into out/bench and docs/performance.md (WORKLOADS=basic,selective/1000 ARMS=stock,headroom RUNS=n BENCH=throughput)
	@$(GO) run ./test/perf/bench --runs $(RUNS) $(if $(WORKLOADS),--workloads $(WORKLOADS)) $(if $(ARMS),--arms $(ARMS)) \
		--config scheduler-config-$(BENCH).yaml --results out/bench/$(if $(filter replace,$(BENCH)),results,$(BENCH)).json --report docs/performance.md

CYCLES ?= 2000

.PHONY: bench-cycles
bench-cycles: ## Time to choose a node, Headroom and stock cycle by cycle in one process, and the parts alone; what a replay costs; kubectl headroom on 5,000 nodes (CYCLES=n)
	@$(GO) test -run '^$$' -bench . ./pkg/constraint ./pkg/plugins/nodeaffinity ./pkg/plugins/memory ./pkg/memory/ledger ./pkg/usage/metricsapi ./pkg/lab/replay ./cmd/kubectl-headroom
	@$(GO) test -run '^$$' -bench . -benchtime $(CYCLES)x ./test/perf/cycle

.PHONY: bench-commands
bench-commands: build ## kubectl headroom on a control plane of 5,000 nodes and 50,000 pods on this machine (20 minutes)
	@HEADROOM_BIN=$(BIN) $(GO) test -vet=off -run '^$$' -bench CommandsOnALargeCluster -benchtime 7x -timeout 60m ./test/integration

FUZZ_TIME ?= 10s

.PHONY: fuzz
fuzz: ## Look for inputs that break a parser of outside data, or that we and Kubernetes judge differently (FUZZ_TIME=duration for each target)
	@grep -rn '^func Fuzz' pkg test --include='*_test.go' | sed -E 's|/[^/:]*:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*| \1|' | sort -u | while read -r folder name; do \
		echo "$$folder $$name"; $(GO) test -vet=off "./$$folder" -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZ_TIME) || exit 1; done

.PHONY: race
race: ## Pure and plugin packages under the race detector
	@echo "Compiling the packages and what they import for the race detector."
	@$(GO) run ./test/progress -race $(RACE_PACKAGES)
	@$(GO) test -race -count=1 -vet=off $(TEST_FLAGS) $(RACE_PACKAGES)

# A node image for kind. The default is kind's own, which needs a registry; this one is assembled by "make e2e-node-image".
ASSEMBLED_NODE_IMAGE = headroom-node:$(KUBERNETES_VERSION)
E2E_TESTS ?= .

.PHONY: e2e
e2e: build e2e-images ## On real kubelets: a kind cluster, or E2E_KUBECONFIG=file (E2E_NODE_IMAGE=image E2E_IMAGE=repository:tag E2E_MINUTES=n E2E_RUNS=n E2E_ARMS=name,name E2E_EVENTS=n E2E_KEEP=1 E2E_TESTS=regexp)
	@E2E=1 E2E_NODE_IMAGE=$(or $(E2E_NODE_IMAGE),$(shell docker image inspect --format $(ASSEMBLED_NODE_IMAGE) $(ASSEMBLED_NODE_IMAGE) 2>/dev/null)) \
		E2E_KUBECONFIG=$(E2E_KUBECONFIG) E2E_IMAGE=$(E2E_IMAGE) E2E_MINUTES=$(E2E_MINUTES) E2E_RUNS=$(E2E_RUNS) E2E_ARMS=$(E2E_ARMS) E2E_EVENTS=$(E2E_EVENTS) E2E_KEEP=$(E2E_KEEP) \
		$(GO) test -count=1 -vet=off -v -timeout 6h -run '$(E2E_TESTS)' ./test/e2e

.PHONY: e2e-node-image
e2e-node-image: ## A node image for kind from Debian packages and Go modules, where no registry can be reached (as root, on Debian)
	@test/e2e/nodeimage/assemble $(ASSEMBLED_NODE_IMAGE) out/e2e/node

# Linked statically with the build cache of everything else; CGO_ENABLED=0 would compile Kubernetes a second time.
E2E_LDFLAGS = -s -w -linkmode external -extldflags -static

.PHONY: e2e-images
e2e-images: ## The images that make e2e loads: headroom-scheduler, metrics-server, and the program that takes memory
	@test/e2e/images/build headroom-scheduler:e2e ./cmd/headroom-scheduler '$(E2E_LDFLAGS) $(LDFLAGS)'
	@test/e2e/images/build headroom-e2e/metrics-server:e2e sigs.k8s.io/metrics-server/cmd/metrics-server '$(E2E_LDFLAGS)'
	@test/e2e/images/build headroom-e2e/memoryload:e2e ./test/e2e/memoryload '$(E2E_LDFLAGS)'
	@test/e2e/images/helm out/e2e/helm

##@ Change

.PHONY: verify
verify: verify-format vet lint verify-modules verify-generated verify-docs verify-manifests ## Formatting, vet, lint, modules, generated files, the house's rules, docs, config files and manifests

.PHONY: verify-format
verify-format: ## Fail on Go files that gofmt would change
	@echo "gofmt"
	@files=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard --deduplicate '*.go' | xargs -r ls -d 2>/dev/null)); \
		test -z "$$files" || { echo "not formatted, run gofmt -w on:"; echo "$$files"; exit 1; }

.PHONY: vet
vet: build ## go vet
	@echo "go vet"
	@$(GO) vet ./...
	@cd $(MANIFESTS_MODULE) && $(GO) vet ./...

.PHONY: lint
lint: build ## golangci-lint, see .golangci.yaml
	@echo "golangci-lint (its first run compiles it and takes minutes)"
	@$(LINT_MEMORY) $(GO_TOOL) golangci-lint run
	@cd $(MANIFESTS_MODULE) && $(LINT_MEMORY) $(GO) tool -modfile=$(CURDIR)/go.tools.mod golangci-lint run

.PHONY: verify-modules
verify-modules: ## Fail when go.mod or go.tools.mod is not tidy
	@echo "go mod tidy"
	@$(GO) mod tidy -diff || { echo "go.mod is not tidy: run go mod tidy"; exit 1; }
	@cd $(MANIFESTS_MODULE) && $(GO) mod tidy -diff || { echo "$(MANIFESTS_MODULE)/go.mod is not tidy: run go mod tidy there"; exit 1; }
	@test/modules/tidy-tools || { echo "go.tools.mod is not tidy: apply the difference above"; exit 1; }

.PHONY: generate
generate: ## Write the generated deep copies, conversions and defaults of pkg/apis
	@echo "deepcopy-gen, defaulter-gen, conversion-gen"
	@$(GO_TOOL) deepcopy-gen --go-header-file $(GENERATED_HEADER) --output-file zz_generated.deepcopy.go $(API_PACKAGES)
	@$(GO_TOOL) defaulter-gen --go-header-file $(GENERATED_HEADER) --output-file zz_generated.defaults.go $(VERSIONED_PACKAGE)
	@$(GO_TOOL) conversion-gen --go-header-file $(GENERATED_HEADER) --output-file zz_generated.conversion.go $(VERSIONED_PACKAGE)

.PHONY: verify-generated
verify-generated: ## Generate again and fail when that changes a file
	@before=$$($(GENERATED_SUMS)) && $(MAKE) --no-print-directory generate && after=$$($(GENERATED_SUMS)) && \
		test "$$before" = "$$after" || { echo "generated files were missing or old; if the generators ran they are fresh now: commit them"; exit 1; }

.PHONY: verify-docs
verify-docs: build ## The house's rules; code blocks, links and config files of the documentation
	@echo "rules, documentation and config files"
	@HEADROOM_BIN=$(BIN) $(GO) test -count=1 ./test/rules/... ./test/docs/...

.PHONY: manifests
manifests: ## Write what is made from the chart: manifests/install.yaml and the base of config/
	@cd $(MANIFESTS_MODULE) && $(GO) test -count=1 -vet=off -run '^TestWhatIsMade' . -update

.PHONY: verify-manifests
verify-manifests: ## The chart, linted, rendered and decoded; what is made from it is fresh; overlays build
	@echo "manifests (the first run compiles Helm)"
	@cd $(MANIFESTS_MODULE) && $(GO) test -count=1 -vet=off -short ./...

.PHONY: clean
clean: ## Remove bin/ and out/
	rm -rf bin out

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Read by the Dockerfile, so that an image carries the same versions as bin/.
.PHONY: print-ldflags
print-ldflags:
	@echo "$(LDFLAGS)"
