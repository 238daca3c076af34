# Everything is built here and runs from bin/. `make help` lists the targets.

GO        ?= go
BIN       := bin
STACK     ?= local
SOURCES   := $(shell find automation components internal policies sample-services stacks \( -name '*.go' -not -name '*_test.go' \) -o -name '*.rego' -o -path '*components*' -name '*.json') go.mod go.sum
PULUMI    := github.com/pulumi/pulumi/pkg/v3
CLI_VERSION := $(shell sed -nE 's|.*$(PULUMI) (v[0-9.]+).*|\1|p' tools/pulumi/go.mod)
LDFLAGS   := -s -w
# Debug information is stripped anyway, and is a fifth of what compiling costs; nothing in the generated SDKs is worth inlining.
SDKS      := github.com/pulumi/pulumi-aws/sdk/... github.com/pulumi/pulumi-kubernetes/sdk/... github.com/pulumi/pulumi-eks/sdk/...
GCFLAGS   := -gcflags=all=-dwarf=false $(foreach sdk,$(SDKS),'-gcflags=$(sdk)=-dwarf=false -l')
# Kustomize can load plugins of Go. A program that may do so keeps every exported method, which doubles the binary.
TAGS      := kustomize_disable_go_plugin_support
# Builds, tests and linters share one build cache, because all of them compile with these flags.
# Without -trimpath the state of a stack would tell the folders of whoever built the binary.
export GOFLAGS := -trimpath -tags=$(TAGS) $(GCFLAGS)
APP       := $(BIN)/apigw-ingress
SERVICES  := $(BIN)/books $(BIN)/authors
# Most of what integration tests do is waiting for other processes.
TESTFLAGS ?= -parallel 3
export PATH := $(PATH):/usr/sbin:/usr/local/sbin
# Tests run the nginx that `make nginx` got; what is in bin/ finds it there.
WITH_NGINX = APIGW_INGRESS_NGINX=$${APIGW_INGRESS_NGINX:-$$(ls $(CURDIR)/$(BIN)/nginx 2>/dev/null)}

.DEFAULT_GOAL := help
FUZZTIME  ?= 3s
.PHONY: help up down build cli nginx nginx-system ready quick test test-nginx race pipelines changes conformance-kubernetes fuzz lint golden conformance conformance-aws chaos faults soak bench bench-cold bench-baseline bench-compare images release release-check clean

##@ Use

up: build nginx ## bring up the stack local on this machine (STACK=name for another)
	@$(APP) up --stack $(STACK)

down: build ## take it down again
	@$(APP) destroy --stack $(STACK)

build: ## build what is missing, in parallel: the CLI, the binary, the sample services
	@$(MAKE) --no-print-directory -sj2 cli $(APP) $(SERVICES)

##@ Develop

# What takes longest is named first, so that the others run beside it and not before it.
test: ready build $(BIN)/stacks nginx ## run every test, and the seeds of the fuzz targets
	$(WITH_NGINX) $(GO) test $(TESTFLAGS) -timeout 40m ./tests/integration ./...

# What depends on NGINX itself, with the system's, which may be another version.
test-nginx: build nginx-system ## test the proxy's configuration, and what passes through it, with the system's NGINX
	APIGW_INGRESS_NGINX=$$(command -v nginx) $(GO) test ./components/route/nginx ./components/route/ingress ./components/route/foreign
	APIGW_INGRESS_NGINX=$$(command -v nginx) $(GO) test ./tests/integration -run TestHTTPAsItIs

quick: ## test PKG=components/route and what is below it, without building anything else
	@test -n "$(PKG)" || { echo "name a package: make quick PKG=components/route"; exit 2; }
	$(WITH_NGINX) $(GO) test ./$(patsubst ./%,%,$(PKG))/...

# What tests call besides what is built. Missing ones are named before anything is compiled.
PROGRAMS := bash curl flock ps
ready:
	@missing=; for program in $(GO) $(PROGRAMS) $(EXTRA_PROGRAMS); do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if test -n "$$missing"; then echo "these programs are missing:$$missing"; exit 1; fi

race: EXTRA_PROGRAMS := gcc
race: ready build nginx ## run every test with the race detector, which compiles everything once more
	$(WITH_NGINX) $(GO) test -race -parallel 4 -timeout 30m ./tests/integration ./...

fuzz: build nginx ## search for inputs that break something, FUZZTIME=3s for each target
	@for target in components/route/ingress/FuzzParse components/route/ingress/FuzzAnnotations components/route/nginx/FuzzEscaping internal/localcloud/identity/FuzzVerify internal/localcloud/identity/FuzzPolicy internal/localcloud/provider/FuzzRPC tests/fuzz/FuzzAnyBytes; do \
	  $(WITH_NGINX) $(GO) test ./$$(dirname $$target) -run '^$$' -fuzz "^$$(basename $$target)$$" -fuzztime $(FUZZTIME) || exit 1; \
	done

# The scaffold's schema is what tests/docs writes into Pulumi.yaml.
golden: ## write the golden files anew
	$(GO) test ./tests/docs -update
	$(GO) test ./components/route ./components/route/ingress ./components/route/foreign ./components/platform ./automation/command ./automation/migrate ./automation/scaffold -update

lint: $(BIN)/golangci-lint ## check format and style
	@test -z "$$(gofmt -l automation components internal policies previewtest sample-services stacks tests)" || { gofmt -l automation components internal policies previewtest sample-services stacks tests; exit 1; }
	$(GO) vet ./...
	$(BIN)/golangci-lint run ./...

conformance: build nginx $(BIN)/kube-apiserver $(BIN)/etcd ## ask the real AWS provider (with terraform on PATH) and a real Kubernetes API server
	$(WITH_NGINX) CONFORMANCE=1 $(GO) test ./tests/conformance -count 1 -timeout 15m -v

conformance-kubernetes: build nginx $(BIN)/kube-apiserver $(BIN)/etcd ## ask a real Kubernetes API server alone
	$(WITH_NGINX) CONFORMANCE=1 $(GO) test ./tests/conformance -run TestKubernetes -count 1 -timeout 15m -v

conformance-aws: build nginx ## ask the real AWS provider alone, with terraform on PATH
	CONFORMANCE=1 $(GO) test $(TESTFLAGS) ./tests/conformance -run TestTerraformProviderAccepts -count 1 -v

pipelines: build nginx ## end the binary in every way at every moment, as pipelines do
	$(WITH_NGINX) PIPELINES=all $(GO) test ./tests/pipelines -count 1 -timeout 60m -v

CHAOS_POINTS ?= 10
SOAK         ?= 10m
chaos: build nginx ## kill binary, engine and local cloud at many moments of every operation
	$(WITH_NGINX) CHAOS_POINTS=$(CHAOS_POINTS) $(GO) test ./tests/chaos -count 1 -timeout 60m -v

changes: build nginx ## change every key of a living stack under load and back; GOLDEN=-update writes docs/reference/changes.md
	$(WITH_NGINX) WALK=all $(GO) test $(TESTFLAGS) ./tests/integration -run "TestChanges\$$" -count 1 -timeout 60m -v $(GOLDEN)

faults: build nginx ## let every operation on every type of resource fail once, and write docs/contributing/fault-matrix.md
	$(WITH_NGINX) FAULTS=all $(GO) test ./tests/integration -run "TestFaults|TestFullDisk" -count 1 -timeout 60m

soak: build nginx ## load the local target for SOAK=10m, and look for leaks
	$(WITH_NGINX) SOAK=$(SOAK) $(GO) test ./tests/integration -run TestSoak -count 1 -timeout 60m -v

bench: build nginx ## measure everything next to its alternative and write docs/contributing/benchmarks.md
	$(WITH_NGINX) BENCH=1 $(GO) test ./tests/bench -run TestReport -count 1 -timeout 20m

bench-cold: ## compile everything with an empty build cache and write docs/contributing/benchmarks-cold.md
	BENCH_COLD=1 $(GO) test ./tests/bench -run TestCold -count 1 -timeout 40m

BENCHSTAT := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
BASELINE  := docs/contributing/benchmarks-baseline.txt
GOBENCH    = $(WITH_NGINX) $(GO) test ./components/route ./components/gateway ./internal/localcloud/dataplane -run '^$$' -bench . -benchtime 3x -count 6

bench-baseline: ## keep the figures of Go's benchmarks, for bench-compare
	$(GOBENCH) > $(BASELINE)

bench-compare: ## measure Go's benchmarks and print the ratios to the figures that were kept
	@mkdir -p $(BIN)
	@$(GOBENCH) > $(BIN)/benchmarks.txt
	@$(GO) run $(BENCHSTAT) kept=$(BASELINE) now=$(BIN)/benchmarks.txt

##@ Release

PLATFORMS ?= linux/amd64,linux/arm64
images: $(BIN)/ko ## build and push the sample services' images, REPO=registry/path, without Docker
	@test -n "$(REPO)" || { echo "name a repository: make images REPO=ghcr.io/acme"; exit 2; }
	@for service in books authors; do \
	  KO_DOCKER_REPO=$(REPO)/$$service $(BIN)/ko build --bare --sbom spdx --platform $(PLATFORMS) ./sample-services/$$service > $(BIN)/$$service.image || exit 1; \
	done
	@echo "Pushed. Name them in a stack's config by digest:"
	@echo "  apigateway-ingress:services:"
	@echo "    - {name: bookservice, image: \"$$(cat $(BIN)/books.image)\", port: 80}"
	@echo "    - {name: authorservice, image: \"$$(cat $(BIN)/authors.image)\", port: 80}"

VERSION      ?= dev
RELEASEFLAGS := -trimpath -buildvcs=false -ldflags "$(LDFLAGS) -buildid= -X main.version=$(VERSION)"

release: ## build the release's binaries into dist/, VERSION=v1.2.3
	@mkdir -p dist
	@for arch in amd64 arm64; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build $(RELEASEFLAGS) -o dist/apigw-ingress-linux-$$arch ./automation || exit 1; \
	done

release-check: ## build the binary twice, in two folders, and compare
	@rm -rf $(BIN)/check && mkdir -p $(BIN)/check/copy
	@git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t $(BIN)/check/copy
	@CGO_ENABLED=0 $(GO) build $(RELEASEFLAGS) -o $(BIN)/check/one ./automation
	@cd $(BIN)/check/copy && CGO_ENABLED=0 $(GO) build $(RELEASEFLAGS) -o ../two ./automation
	@cmp $(BIN)/check/one $(BIN)/check/two && sha256sum $(BIN)/check/one && rm -rf $(BIN)/check

clean: ## remove what was built
	rm -rf $(BIN) dist

help: ## show this text
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A Pulumi CLI on PATH that is new enough is used; otherwise one is built from its Go module.
cli:
	@need=$(CLI_VERSION); need=$${need#v}; \
	have=$$(PULUMI_SKIP_UPDATE_CHECK=true pulumi version 2>/dev/null | sed 's/^v//'); \
	if test -n "$$have" && test "$$(printf '%s\n%s\n' "$$need" "$$have" | sort -V | head -n 1)" = "$$need"; then exit 0; fi; \
	$(MAKE) -s $(BIN)/pulumi

$(BIN)/pulumi: tools/pulumi/go.mod tools/pulumi/go.sum
	@echo "building the Pulumi CLI (some minutes the first time)"
	@$(GO) build -C tools/pulumi -ldflags "$(LDFLAGS) -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$(CLI_VERSION)" -o ../../$@ $(PULUMI)/cmd/pulumi
	@touch $@

$(APP): $(SOURCES)
	@echo "building $@"
	@$(GO) build -ldflags "$(LDFLAGS)" -o $@ ./automation
	@touch $@

# The program as `pulumi up` runs it: a test wants it, compiled as all else is.
$(BIN)/stacks: $(SOURCES)
	@$(GO) build -ldflags "$(LDFLAGS)" -o $@ ./stacks
	@touch $@

$(SERVICES): $(BIN)/%: $(SOURCES)
	@$(GO) build -ldflags "$(LDFLAGS)" -o $@ ./sample-services/$*
	@touch $@

$(BIN)/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@echo "building golangci-lint (some minutes the first time)"
	@$(GO) build -C tools/lint -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(BIN)/ko: tools/ko/go.mod tools/ko/go.sum
	@echo "building ko (some minutes the first time)"
	@$(GO) build -C tools/ko -ldflags "$(LDFLAGS)" -o ../../$@ github.com/google/ko
	@touch $@

KUBERNETES := k8s.io/component-base/version

$(BIN)/kube-apiserver: tools/kube/go.mod tools/kube/go.sum
	@echo "building a Kubernetes API server (some minutes the first time)"
	@CGO_ENABLED=0 $(GO) build -C tools/kube -ldflags "$(LDFLAGS) -X $(KUBERNETES).gitVersion=v1.36.3 -X $(KUBERNETES).gitMajor=1 -X $(KUBERNETES).gitMinor=36" -o ../../$@ k8s.io/kubernetes/cmd/kube-apiserver
	@touch $@

$(BIN)/etcd: tools/kube/go.mod tools/kube/go.sum
	@CGO_ENABLED=0 $(GO) build -C tools/kube -ldflags "$(LDFLAGS)" -o ../../$@ go.etcd.io/etcd/server/v3
	@touch $@

# The local target runs a real nginx: one as new as the image's, or else the system's.
nginx:
	@mkdir -p $(BIN); \
	if nginx -v 2>&1 | grep -qE 'nginx/(1\.(2[89]|[3-9][0-9])|[2-9])'; then exit 0; fi; \
	tools/nginx/fetch $(BIN) || $(MAKE) -s nginx-system

# The system's nginx, without its service.
nginx-system:
	@command -v nginx >/dev/null && exit 0; \
	if ! command -v apt-get >/dev/null; then echo "nginx is missing: install it with your system's package manager"; exit 1; fi; \
	as_root=; if test "$$(id -u)" != 0; then \
	  if ! sudo -n true 2>/dev/null; then echo "nginx is missing: run sudo apt-get install nginx-light"; exit 1; fi; as_root=sudo; fi; \
	echo "installing nginx-light"; \
	$$as_root apt-get update -q >/dev/null && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nginx-light >/dev/null
